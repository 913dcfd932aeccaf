/**
 * The SQL text of a plan's parts, and what running one needs: shared by the ways in which states are kept. Decides
 * nothing.
 */
import type { DuckDBConnection, DuckDBPreparedStatement, DuckDBValue } from "@duckdb/node-api";
import { type BlockPlan, groupColumn } from "../live/block-plan.js";
import { DELTA_TABLE } from "../live/scope.js";

/** A plan as SQL text. */
export interface PlanTexts {
  readonly blocks: readonly BlockTexts[];
  /** Reads the blocks' state tables. */
  readonly final: SqlPart;
}

/** A part of a query as text. Its placeholders are numbered anew; these are the numbers they had in the query. */
export interface SqlPart {
  readonly text: string;
  readonly parameters: readonly number[];
}

export interface BlockTexts {
  readonly plan: BlockPlan;
  /** Names of the block's columns. */
  readonly names: readonly string[];
  /** Reads `DELTA_TABLE`. */
  readonly delta: SqlPart;
  /** Reads `FIRST_ROWS_TABLE`, where rows are kept. */
  readonly first: string | undefined;
  /** Reads `DELTA_TABLE`, where something is carried from one refresh to the next. */
  readonly carry: SqlPart | undefined;
  /** Where the edges of a moving window stand, and how far they are from the moment. */
  readonly limits: SqlPart | undefined;
  readonly distances: SqlPart | undefined;
}

/** Values of placeholders that are the refresh's own, by number. */
export type OwnValues = ReadonlyMap<number, DuckDBValue>;

export interface RefreshContext {
  readonly connection: DuckDBConnection;
  /** SELECT of the rows of a block's stream that the state lacks; undefined where it lacks none. */
  readonly newRows: (block: BlockPlan) => string | undefined;
  /** SELECT of every row of a block's stream that the state may hold. */
  readonly allRows: (block: BlockPlan) => string;
  /** What the clock says in this refresh. */
  readonly momentMicros: bigint;
  readonly rowLimit: number;
  /** Binds the values of the placeholders that a part of the query holds. */
  readonly bind: (statement: DuckDBPreparedStatement, part: SqlPart, own?: OwnValues) => void;
  readonly check: () => void;
}

/** @param beside further tables that the text reads */
export function deltaOver(rows: string, delta: SqlPart, beside = ""): string {
  return `WITH ${DELTA_TABLE} AS (${rows})${beside} ${delta.text}`;
}

/** A statement holds its plan, and a plan its hash tables, until it is destroyed: left to the collector they add up. */
export async function prepared<T>(
  connection: DuckDBConnection,
  text: string,
  work: (statement: DuckDBPreparedStatement) => Promise<T>,
): Promise<T> {
  const statement = await connection.prepare(text);
  try {
    return await work(statement);
  } finally {
    statement.destroySync();
  }
}

export async function rowsIn(connection: DuckDBConnection, table: string): Promise<number> {
  const reader = await connection.runAndReadAll(`SELECT count(*) FROM ${table}`);
  return Number(reader.getRows()[0]?.[0]);
}

export function groupsOf(plan: BlockPlan): readonly string[] {
  return Array.from({ length: plan.groupCount }, (_, index) => groupColumn(index));
}
