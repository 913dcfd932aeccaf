/**
 * Reads a table of Cassandra, page by page, as columns. Owns the statement: names are quoted, values bound, and there is
 * always a limit. Keeps nothing; a connection lives as long as one reading.
 */
import { errorMessage, TidetableError } from "../errors.js";
import type { TablePage } from "../sql/loaded-table.js";
import {
  type CassandraConnection,
  cassandraClient,
  cassandraError,
  closeCassandraClient,
} from "../tweeter/cassandra-client.js";
import { columnOf } from "./cassandra-types.js";

export interface CassandraTableRequest {
  readonly connection: CassandraConnection;
  readonly keyspace: string;
  readonly table: string;
  /** Left out: all of them. */
  readonly columns?: readonly string[];
  /** Equal to this value, or to one of several; what Cassandra can answer by its keys. */
  readonly where?: Readonly<Record<string, CassandraValue | readonly CassandraValue[]>>;
  readonly limit: number;
}

export type CassandraValue = string | number | bigint | boolean | Date;

export interface CassandraPage extends TablePage {
  /** Set on the last page: the table has more rows than `limit`. */
  readonly cut: boolean;
}

/** A row of a wide table is a few hundred bytes: a page is read in milliseconds and waits in memory beside one other. */
const pageRows = 2_000;
/** A page may come from many nodes, some of them busy; a row that a person waits for never takes so long. */
const pageTimeoutMs = 20_000;

/**
 * Pages until the table, or the limit, ends; at least one, for its columns.
 * @throws TidetableError STORE_UNAVAILABLE, SQL_INVALID (no such table, column, or a condition that Cassandra cannot answer),
 * QUERY_INTERRUPTED.
 */
export async function* readCassandraTable(
  request: CassandraTableRequest,
  signal: AbortSignal,
): AsyncGenerator<CassandraPage> {
  const client = cassandraClient(request.connection);
  try {
    // One more than is wanted, to know whether there is more.
    const { text, parameters } = statement(request, request.limit + 1);
    let remaining = request.limit;
    let pageState: string | undefined;
    do {
      if (signal.aborted) throw new TidetableError("QUERY_INTERRUPTED", "Reading from Cassandra was interrupted.");
      const result = await client.execute(text, parameters, {
        prepare: true,
        fetchSize: pageRows,
        readTimeout: pageTimeoutMs,
        ...(pageState === undefined ? {} : { pageState }),
      });
      const rows = result.rows.slice(0, remaining);
      const columns = (result.columns ?? []).map(({ name, type: { code } }) =>
        columnOf(
          name,
          code as number,
          rows.map((row) => row[name] as unknown),
        ),
      );
      remaining -= rows.length;
      pageState = result.pageState || undefined;
      yield { columns, rowCount: rows.length, cut: rows.length < result.rows.length };
    } while (pageState !== undefined && remaining > 0);
  } catch (error) {
    throw inOurWords(request, error);
  } finally {
    await closeCassandraClient(client);
  }
}

function statement(request: CassandraTableRequest, limit: number): { text: string; parameters: unknown[] } {
  const { columns, keyspace, table, where = {} } = request;
  const parameters: unknown[] = [];
  const conditions = Object.entries(where).map(([name, value]) => {
    if (!Array.isArray(value)) {
      parameters.push(value);
      return `${quoted(name)} = ?`;
    }
    parameters.push(...(value as unknown[]));
    return `${quoted(name)} IN (${value.map(() => "?").join(", ")})`;
  });
  const selected = columns === undefined ? "*" : columns.map(quoted).join(", ");
  const condition = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  return {
    text: `SELECT ${selected} FROM ${quoted(keyspace)}.${quoted(table)}${condition} LIMIT ${limit}`,
    parameters,
  };
}

/** CQL keeps the case of what is quoted, as a person who asks for a name means it. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Answers of the server to a statement that it will not run; all else is a server that cannot be asked. */
const refused = new Set([0x2000, 0x2100, 0x2200]);

function inOurWords(request: CassandraTableRequest, error: unknown): TidetableError {
  if (error instanceof TidetableError) return error;
  const { name, code } = error as { readonly name?: string; readonly code?: number };
  const isRefused = name === "ResponseError" && code !== undefined && refused.has(code);
  if (!isRefused && !(error instanceof TypeError || error instanceof RangeError)) {
    return cassandraError(request.connection, error);
  }
  return new TidetableError(
    "SQL_INVALID",
    `Cassandra refuses to read ${request.keyspace}.${request.table}: ${errorMessage(error)}. Conditions in "where" are on its key, in the key's order.`,
    { cause: error },
  );
}
