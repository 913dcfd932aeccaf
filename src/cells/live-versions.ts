/**
 * `for await (const change of live(sql\`…\`))`: the versions of a live query, each with what leads to it from the one that
 * this reader had before. One version waits at the most, the newest; none comes twice.
 */
import type { CellOutput } from "../cell-output.js";
import type { EngineClient } from "../engine/engine-client.js";
import type { LiveUpdate } from "../engine/protocol.js";
import { deserializeError, TidetableError } from "../errors.js";
import { ResultRows } from "../sql/result-rows.js";
import { allRows, type RowChange, rowChanges } from "../sql/row-changes.js";
import type { OffsetPosition, QueryResult } from "../sql/schema.js";
import type { BoundQuery } from "../sql/sql-tag.js";
import type { LiveOptions, LiveRowChange, LiveRows } from "./library.js";

type Version = LiveUpdate & { readonly result: QueryResult };

/** One version of a live query. */
class LiveResultRows<Row extends object> extends ResultRows<Row> implements LiveRows<Row> {
  readonly version: number;
  readonly kind: LiveRows["kind"];
  readonly #plan: LiveUpdate["plan"];
  readonly #before: ResultRows<Row> | undefined;
  readonly #changes: readonly RowChange[] | undefined;

  constructor({ result, version, plan }: Version, before: LiveResultRows<Row> | undefined) {
    super(result);
    this.version = version;
    this.#plan = plan;
    this.#changes = before === undefined ? undefined : rowChanges(before.result, result);
    // Held for the rows that went, and without what it held itself.
    this.#before = before === undefined ? undefined : new ResultRows<Row>(before.result);
    this.kind = this.#changes === undefined ? "snapshot" : this.#changes.length === 0 ? "progress" : "diff";
  }

  override get plan(): LiveUpdate["plan"] {
    return this.#plan;
  }

  get offsets(): readonly OffsetPosition[] {
    return this.#plan.offsets ?? [];
  }

  get changes(): ReadonlyArray<LiveRowChange<Row>> {
    return (this.#changes ?? allRows(this.result)).flatMap(({ of, row, diff }) => {
      const changed = (of === "after" ? this : this.#before)?.at(row);
      return changed === undefined ? [] : { row: changed, diff };
    });
  }
}

/**
 * Ends when the loop is left. An interrupt of the cell throws QUERY_INTERRUPTED into it; an error that trying again may
 * mend is waited out, any other is thrown.
 */
export async function* liveVersions<Row extends object>(
  engine: Pick<EngineClient, "live">,
  query: Pick<BoundQuery<Row>, "text" | "parameters">,
  options: LiveOptions,
  currentCell: () => Pick<CellOutput, "signal">,
): AsyncGenerator<LiveRows<Row>, void, undefined> {
  // The cell that runs the loop, which may be a later one than made the query.
  const { signal } = currentCell();
  const { everyMs = 1000, limit } = options;
  if (!(everyMs >= 100))
    throw new TidetableError("SQL_INVALID", `everyMs is ${everyMs}; it is milliseconds, 100 at the least.`);
  let newest: LiveUpdate | undefined;
  let read: LiveResultRows<Row> | undefined;
  let wake = () => {};
  const stop = engine.live(
    query.text,
    { parameters: query.parameters, everyMs, ...(limit === undefined ? {} : { rowLimit: limit }) },
    (update) => {
      newest = update;
      wake();
    },
  );
  const onAbort = () => wake();
  signal.addEventListener("abort", onAbort);
  try {
    while (true) {
      if (signal.aborted) throw new TidetableError("QUERY_INTERRUPTED", "the live query was interrupted.");
      const update: LiveUpdate | undefined = newest;
      newest = undefined;
      if (update?.error !== undefined && !update.error.retryable) throw deserializeError(update.error);
      if (update?.result !== undefined) {
        read = new LiveResultRows<Row>({ ...update, result: update.result }, read);
        yield read;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    stop();
  }
}
