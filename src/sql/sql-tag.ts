/**
 * SQL from TypeScript: `sql` makes a query whose values are bound, never pasted. A query runs when it is awaited; one
 * inside another becomes part of its text.
 */
import { inspect } from "node:util";
import type { MimeBundle } from "../cell-output.js";
import type { LooseRow, QueryRows, SqlQuery, SqlTag } from "../cells/library.js";
import { TidetableError } from "../errors.js";
import { quoteIdentifier } from "./identifiers.js";
import { displaySymbol, type ResultRows } from "./result-rows.js";
import type { SqlValue } from "./schema.js";
import { templateText } from "./sql-text.js";
import { toSqlValue } from "./sql-value.js";

/** Runs a query's text; given by the session. */
export type RunQuery = (text: string, parameters: readonly SqlValue[]) => Promise<ResultRows>;

export class BoundQuery<Row extends object = LooseRow> implements SqlQuery<Row> {
  /** The text around the values: one part more than there are values. */
  readonly parts: readonly string[];
  readonly parameters: readonly SqlValue[];
  readonly #run: RunQuery;

  constructor(parts: readonly string[], parameters: readonly SqlValue[], run: RunQuery) {
    this.parts = parts;
    this.parameters = parameters;
    this.#run = run;
  }

  get text(): string {
    return templateText(this.parts);
  }

  // biome-ignore lint/suspicious/noThenProperty: a query is awaited to run, and is a fragment until then
  then<Fulfilled = QueryRows<Row>, Rejected = never>(
    onFulfilled?: ((rows: QueryRows<Row>) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.#start().then(onFulfilled, onRejected);
  }

  async [displaySymbol](): Promise<MimeBundle> {
    return (await this.#start())[displaySymbol]();
  }

  [inspect.custom](): string {
    return `sql\`${this.parts.join("?")}\` (await it to run it)`;
  }

  async #start(): Promise<ResultRows<Row>> {
    return (await this.#run(this.text, this.parameters)) as ResultRows<Row>;
  }
}

/**
 * @throws TidetableError SQL_INVALID for a value that has no SQL meaning.
 */
export function createSqlTag(run: RunQuery): SqlTag {
  const tag = <Row extends object>(parts: TemplateStringsArray, ...values: readonly unknown[]): BoundQuery<Row> => {
    if (!Array.isArray(parts)) {
      throw new TidetableError(
        "SQL_INVALID",
        "sql is a template tag: write sql`SELECT …` with backticks, without parentheses.",
      );
    }
    const texts: string[] = [parts[0] ?? ""];
    const parameters: SqlValue[] = [];
    const append = (text: string) => {
      texts[texts.length - 1] += text;
    };
    values.forEach((value, index) => {
      if (value instanceof BoundQuery) {
        append(value.parts[0] ?? "");
        texts.push(...value.parts.slice(1));
        parameters.push(...value.parameters);
        append(parts[index + 1] ?? "");
      } else {
        parameters.push(toSqlValue(value, `value ${index + 1} of sql\`…\``));
        texts.push(parts[index + 1] ?? "");
      }
    });
    return new BoundQuery<Row>(texts, parameters, run);
  };
  return Object.assign(tag, { identifier: (name: string) => new BoundQuery([quoteIdentifier(name)], [], run) });
}
