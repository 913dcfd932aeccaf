/**
 * What a cell or a program may import from "tidetable". In a notebook the kernel gives cells the same names, bound to
 * the notebook's own session; in a plain program a session opens at the first use and writes to the console.
 */
import type { CellLibrary, ShowOptions } from "./cells/library.js";
import type { ChartRequest } from "./charts/chart.js";
import { readConfig } from "./config.js";
import { openTidetable, type Tidetable } from "./session.js";

export type { Comm, CommData, CommExtra, CommHandler, CommTarget, MimeBundle } from "./cell-output.js";
export type {
  CassandraOptions,
  CassandraTable,
  CellLibrary,
  CellStreamOptions,
  CommOptions,
  DisplayHandle,
  LiveOptions,
  LiveRowChange,
  LiveRows,
  LooseRow,
  QueryRows,
  ResultColumn,
  ShowOptions,
  SqlQuery,
  SqlTag,
  StreamHandle,
} from "./cells/library.js";
export type { ChartRequest, Mark } from "./charts/chart.js";
export type { StreamStatus } from "./engine/protocol.js";
export { TidetableError } from "./errors.js";

let session: Tidetable | undefined;

function library(): CellLibrary {
  session ??= openTidetable({
    config: readConfig(process.env, process.cwd()),
    currentCell: () => undefined,
    workingDirectory: process.cwd(),
  });
  return session.library;
}

export const stream: CellLibrary["stream"] = (name, options) => library().stream(name, options);

export const sql: CellLibrary["sql"] = Object.assign(
  ((parts, ...values) => library().sql(parts, ...values)) as CellLibrary["sql"],
  { identifier: (name: string) => library().sql.identifier(name) },
);

export const live: CellLibrary["live"] = (query, options) => library().live(query, options);

export const cassandra: CellLibrary["cassandra"] = (table, options) => library().cassandra(table, options);

export const show = ((rows: Iterable<object>, options?: ShowOptions) =>
  library().show(rows, options)) as CellLibrary["show"];

export const chart = ((rows: Iterable<object>, options?: ChartRequest) =>
  library().chart(rows, options)) as CellLibrary["chart"];

export const display: CellLibrary["display"] = (value, options) => library().display(value, options);

export const update: CellLibrary["update"] = (id, value) => library().update(id, value);

export const prompt: CellLibrary["prompt"] = (question, options) => library().prompt(question, options);

export const clearOutput: CellLibrary["clearOutput"] = (options) => library().clearOutput(options);

export const openComm: CellLibrary["openComm"] = (target, options) => library().openComm(target, options);

export const acceptComms: CellLibrary["acceptComms"] = (target, accept) => library().acceptComms(target, accept);

/** Stops the streams and the engine of a plain program, which would keep it alive; the next use opens a new session. */
export async function close(): Promise<void> {
  const closing = session;
  session = undefined;
  await closing?.close();
}
