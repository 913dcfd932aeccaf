/**
 * What `cassandra(table)` leaves in a variable: the table of the engine that it was read into, when, and how to read it
 * again. Its line below the cell says how much of the original is there.
 */
import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import type { CassandraTableRequest } from "../cassandra/cassandra-table.js";
import type { CellOutput, MimeBundle } from "../cell-output.js";
import type { Config } from "../config.js";
import type { EngineClient } from "../engine/engine-client.js";
import type { CassandraLoaded } from "../engine/protocol.js";
import { TidetableError } from "../errors.js";
import { displaySymbol } from "../sql/result-rows.js";
import type { CassandraOptions, CassandraTable } from "./library.js";

const rowLimitDefault = 1_000_000;
const rowLimitMax = 100_000_000;

/** @throws TidetableError CONFIG_INVALID for a name, an option or a missing contact point. */
export function readCassandraOptions(
  source: string,
  options: CassandraOptions,
  config: Pick<Config, "cassandra" | "cassandraAccess">,
): { readonly name: string; readonly request: CassandraTableRequest } {
  const [keyspace = "", table = "", ...more] = typeof source === "string" ? source.split(".") : [];
  if (keyspace === "" || table === "" || more.length > 0) {
    throw new TidetableError(
      "CONFIG_INVALID",
      `cassandra takes "keyspace.table", for example "tweeter.tweets"; it was given ${JSON.stringify(source)}.`,
    );
  }
  const { contactPoints, dataCenter, limit = rowLimitDefault, columns, where } = options;
  const points = typeof contactPoints === "string" ? [contactPoints] : contactPoints;
  if (points === undefined && config.cassandra === undefined) {
    throw new TidetableError(
      "CONFIG_INVALID",
      'No Cassandra is named. Set CASSANDRA_CONTACT_POINTS=host:port, or write cassandra("…", { contactPoints: "host:port" }).',
    );
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > rowLimitMax) {
    throw new TidetableError(
      "CONFIG_INVALID",
      `limit is ${String(limit)}; it takes a whole number of rows from 1 to ${rowLimitMax.toLocaleString("en")}.`,
    );
  }
  const connection = {
    ...config.cassandraAccess,
    contactPoints: points ?? config.cassandra?.contactPoints ?? [],
    ...(dataCenter === undefined ? {} : { dataCenter }),
  };
  return {
    name: options.name ?? `${keyspace}_${table}`,
    request: {
      connection,
      keyspace,
      table,
      limit,
      ...(columns === undefined ? {} : { columns }),
      ...(where === undefined ? {} : { where }),
    },
  };
}

export class OpenCassandra implements CassandraTable {
  readonly name: string;
  readonly #request: CassandraTableRequest;
  readonly #engine: () => EngineClient;
  readonly #currentCell: () => CellOutput;
  readonly #displayId = randomUUID();
  #shownIn: CellOutput | undefined;
  #loaded: CassandraLoaded;

  private constructor(
    name: string,
    request: CassandraTableRequest,
    engine: () => EngineClient,
    currentCell: () => CellOutput,
    loaded: CassandraLoaded,
  ) {
    this.name = name;
    this.#request = request;
    this.#engine = engine;
    this.#currentCell = currentCell;
    this.#loaded = loaded;
  }

  static async open(
    { name, request }: ReturnType<typeof readCassandraOptions>,
    engine: () => EngineClient,
    currentCell: () => CellOutput,
  ): Promise<OpenCassandra> {
    const cell = currentCell();
    const opened = new OpenCassandra(name, request, engine, currentCell, await load(engine(), name, request, cell));
    opened.#shownIn = cell;
    cell.display(opened.#bundle(), { displayId: opened.#displayId });
    return opened;
  }

  get rows(): number {
    return this.#loaded.rows;
  }

  get complete(): boolean {
    return !this.#loaded.cut;
  }

  get columns(): CassandraTable["columns"] {
    return this.#loaded.columns;
  }

  async refresh(): Promise<CassandraTable> {
    this.#loaded = await load(this.#engine(), this.name, this.#request, this.#currentCell());
    this.#shownIn?.updateDisplay(this.#displayId, this.#bundle());
    return this;
  }

  /** As a cell's last value it shows nothing more: its line is there already. */
  [displaySymbol](): MimeBundle {
    return {};
  }

  [inspect.custom](): string {
    return this.#text();
  }

  #bundle(): MimeBundle {
    return { "text/plain": this.#text() };
  }

  #text(): string {
    const { keyspace, table, limit } = this.#request;
    const { rows, cut, elapsedMs } = this.#loaded;
    const much = cut
      ? `the first ${rows.toLocaleString("en")} rows of ${keyspace}.${table} (limit: ${limit}; there are more)`
      : `${rows.toLocaleString("en")} rows of ${keyspace}.${table}`;
    return `${this.name}: ${much}, read in ${(elapsedMs / 1000).toFixed(1)} s; refresh() reads them again`;
  }
}

async function load(
  engine: EngineClient,
  name: string,
  request: CassandraTableRequest,
  cell: CellOutput,
): Promise<CassandraLoaded> {
  return await engine.loadCassandra(name, request, cell.signal);
}
