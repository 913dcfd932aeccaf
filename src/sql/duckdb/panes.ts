/**
 * The state of a block whose window moves: partial aggregates by pane, a short stretch of time each. Panes that lie inside
 * of the window as a whole are merged; of the one or two that an edge cuts, the rows inside are aggregated anew, so that the
 * answer is exact at every moment. Rows leave with their panes; what has left is forgotten when the table is compacted.
 */
import {
  type DuckDBConnection,
  type DuckDBMaterializedResult,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTypeId,
  type DuckDBValue,
} from "@duckdb/node-api";
import type { Merge } from "../live/aggregates.js";
import { type BlockPlan, PANE_COLUMN, partialColumn } from "../live/block-plan.js";
import { FROM_PARAMETER, LAST_PARAMETER, MOMENT_PARAMETER, WIDTH_PARAMETER } from "../live/moving.js";
import { Refusal } from "../live/scope.js";
import {
  type BlockTexts,
  deltaOver,
  groupsOf,
  type OwnValues,
  prepared,
  type RefreshContext,
  type SqlPart,
} from "./state-texts.js";

/** Panes of a window: fewer leave more rows to be read at its edges, more of them more partial aggregates to be merged. */
const PANES = 32n;
/** Where a window's length cannot be told. */
const PANE_MICROS = 10_000_000n;
/** More partial aggregates than that are not kept: merging them costs as much as running the query. */
const PARTIALS_MAX = 1_000_000;
/** The table is compacted when it has grown by as much again, and by this. */
const GROWTH_MIN = 2_000;

/** Moments inside of a window, in microseconds, both of them inside. */
interface Span {
  readonly from: bigint;
  /** Undefined: no end. */
  readonly last: bigint | undefined;
}

const LIMIT_TYPES = new Set([DuckDBTypeId.TIMESTAMP, DuckDBTypeId.TIMESTAMP_TZ, DuckDBTypeId.DATE]);
const NOTHING: Span = { from: 1n, last: 0n };
/** Later than any edge that is kept. */
const LATEST_MICROS = 2n ** 62n;

export class Panes {
  readonly #block: BlockTexts;
  readonly #table: string;
  #widthMicros: bigint | undefined;
  /** Rows of earlier panes are not in the table; undefined before it is made. */
  #firstPane: bigint | undefined;
  /** Rows of the table: counted as they are written, for a statement that counts them costs as much as one of the others. */
  #rows = 0;
  #compactedRows = 0;

  constructor(block: BlockTexts) {
    this.#block = block;
    this.#table = `${block.plan.stateTable}_panes`;
  }

  /** Undefined before it is first refreshed. */
  get paneMs(): number | undefined {
    return this.#widthMicros === undefined ? undefined : Number(this.#widthMicros) / 1_000;
  }

  get size(): number {
    return this.#rows;
  }

  /** Leaves the groups of the window, as it stands at the moment, in the block's state table. */
  async refresh(context: RefreshContext): Promise<void> {
    this.#widthMicros ??= await this.#readWidth(context);
    const span = await this.#readSpan(context);
    // A window that holds nothing, for a while, forgets nothing either.
    const first =
      span === NOTHING ? (this.#firstPane ?? LATEST_MICROS / this.#width) : ceilingOf(span.from, this.#width);
    // The pane after the last whole one.
    const end = span.last === undefined ? undefined : (span.last + 1n) / this.#width;
    await this.#takeNew(context, first);
    await this.#compact(context.connection, first);
    await this.#takeEdges(context, span, first, end);
    await this.#merge(context.connection, first, end);
  }

  async #takeNew(context: RefreshContext, first: bigint): Promise<void> {
    const { plan } = this.#block;
    // A window that moves back needs what was forgotten.
    const isMade = this.#firstPane !== undefined && first >= this.#firstPane;
    const rows = isMade ? context.newRows(plan) : context.allRows(plan);
    if (rows === undefined) return;
    if (!isMade) this.#firstPane = first;
    const span: Span = { from: (this.#firstPane ?? first) * this.#width, last: undefined };
    const into = isMade ? `INSERT INTO ${this.#table}` : `CREATE OR REPLACE TEMP TABLE ${this.#table} AS`;
    const written = await this.#aggregate(context, into, rows, span);
    this.#rows = isMade ? this.#rows + written : written;
  }

  async #compact(connection: DuckDBConnection, first: bigint): Promise<void> {
    if (this.#rows <= 2 * this.#compactedRows + GROWTH_MIN) return;
    const partials = this.#merged([PANE_COLUMN]);
    const compacted = await connection.run(
      `CREATE OR REPLACE TEMP TABLE ${this.#table} AS ${partials} FROM ${this.#table} WHERE ${PANE_COLUMN} >= ${first} ${this.#groupBy([PANE_COLUMN])}`,
    );
    this.#firstPane = first;
    this.#rows = rowsWritten(compacted);
    this.#compactedRows = this.#rows;
    if (this.#compactedRows > PARTIALS_MAX) {
      throw new Refusal(`its window has more than ${PARTIALS_MAX.toLocaleString("en-US")} groups in its panes`);
    }
  }

  /** The rows inside of the window that are in no whole pane of it. */
  async #takeEdges(context: RefreshContext, span: Span, first: bigint, end: bigint | undefined): Promise<void> {
    const rows = context.allRows(this.#block.plan);
    const { from, last } = span;
    const beforeFirst = first * this.#width - 1n;
    const [lower, upper]: readonly [Span, Span] =
      end !== undefined && end < first
        ? [span, NOTHING]
        : [{ from, last: beforeFirst }, end === undefined ? NOTHING : { from: end * this.#width, last }];
    await this.#aggregate(context, `CREATE OR REPLACE TEMP TABLE ${this.#edges} AS`, rows, lower);
    if (upper.last !== undefined && upper.from > upper.last) return;
    await this.#aggregate(context, `INSERT INTO ${this.#edges}`, rows, upper);
  }

  async #merge(connection: DuckDBConnection, first: bigint, end: bigint | undefined): Promise<void> {
    const inside = end === undefined ? "" : ` AND ${PANE_COLUMN} < ${end}`;
    const panes = `SELECT * FROM ${this.#table} WHERE ${PANE_COLUMN} >= ${first}${inside}`;
    const all = `(${panes} UNION ALL SELECT * FROM ${this.#edges})`;
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE ${this.#block.plan.stateTable} AS ${this.#merged([])} FROM ${all} ${this.#groupBy([])}`,
    );
  }

  get #edges(): string {
    return `${this.#table}_edges`;
  }

  get #width(): bigint {
    return this.#widthMicros ?? PANE_MICROS;
  }

  /** Rows that were written. */
  async #aggregate(context: RefreshContext, into: string, rows: string, { from, last }: Span): Promise<number> {
    const { delta } = this.#block;
    const values: OwnValues = new Map<number, DuckDBValue>([
      [FROM_PARAMETER, new DuckDBTimestampValue(from)],
      [LAST_PARAMETER, last === undefined ? DuckDBTimestampValue.PosInf : new DuckDBTimestampValue(last)],
      [WIDTH_PARAMETER, this.#width],
    ]);
    const text = `${into} ${deltaOver(rows, delta)}`;
    return prepared(context.connection, text, async (statement) => {
      context.bind(statement, delta, values);
      return rowsWritten(await statement.run());
    });
  }

  #merged(kept: readonly string[]): string {
    const { plan } = this.#block;
    const partials = plan.merges.map((merge, index) => `${mergedOfAll(merge, index)} AS ${partialColumn(index)}`);
    return `SELECT ${[...groupsOf(plan), ...partials, ...kept].join(", ")}`;
  }

  #groupBy(kept: readonly string[]): string {
    const groups = [...groupsOf(this.#block.plan), ...kept];
    return groups.length === 0 ? "" : `GROUP BY ${groups.join(", ")}`;
  }

  async #readSpan(context: RefreshContext): Promise<Span> {
    const { edges } = windowOf(this.#block.plan);
    const limits = await readLimits(context, this.#block.limits);
    let from = 0n;
    let last: bigint | undefined;
    for (const [index, { side, isInside }] of edges.entries()) {
      const limit = limits[index] ?? null;
      // A row is neither before nor after what is not known.
      if (limit === null) return NOTHING;
      if (side === "from") from = largest(from, isInside ? limit : limit + 1n);
      else last = smallest(last, isInside ? limit : limit - 1n);
    }
    return last !== undefined && last < from ? NOTHING : { from, last };
  }

  async #readWidth(context: RefreshContext): Promise<bigint> {
    const limits = await readLimits(context, this.#block.distances);
    const distances = limits.map((limit) => (limit === null ? 0n : absolute(context.momentMicros - limit)));
    const longest = distances.reduce(largest, 0n);
    return longest === 0n ? PANE_MICROS : largest(longest / PANES, 1n);
  }
}

/** What a statement that makes a table or adds to one answers: one row with their number. */
function rowsWritten(result: DuckDBMaterializedResult): number {
  return Number(result.getChunk(0).getColumnVector(0).getItem(0));
}

/** Moments in microseconds. */
async function readLimits(context: RefreshContext, part: SqlPart | undefined): Promise<ReadonlyArray<bigint | null>> {
  if (part === undefined) throw new Error("a block without a window has no panes");
  const moment = new DuckDBTimestampTZValue(context.momentMicros);
  const types = await prepared(context.connection, part.text, async (statement) => {
    context.bind(statement, part, new Map([[MOMENT_PARAMETER, moment]]));
    const reader = await statement.runAndReadAll();
    return reader.columnTypes().map((type, index) => ({ typeId: type.typeId, value: reader.getRows()[0]?.[index] }));
  });
  return types.map(({ typeId, value }) => {
    if (typeId === DuckDBTypeId.SQLNULL || value === null || value === undefined) return null;
    if (!LIMIT_TYPES.has(typeId)) throw new Refusal("its window's edge is no moment");
    return microsOf(value);
  });
}

function microsOf(value: DuckDBValue): bigint {
  const micros =
    value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue
      ? value.micros
      : BigInt(Number((value as { readonly days: number }).days)) * 86_400_000_000n;
  // Infinite moments are at the ends of what 64 bits hold.
  if (micros < 0n || micros > LATEST_MICROS) throw new Refusal("its window's edge is before 1970 or without end");
  return micros;
}

/** A partial aggregate of all panes: what merging them one by one comes to. */
function mergedOfAll(merge: Merge, index: number): string {
  const column = partialColumn(index);
  switch (merge) {
    case "count":
      return `coalesce(sum(${column}), 0)::BIGINT`;
    case "sum":
    case "min":
    case "max":
      return `${merge}(${column})`;
    case "arg_min":
    case "arg_max":
      return `${merge}(${column}, ${partialColumn(index + 1)})`;
    case "state":
      return `list_reduce(list(${column}), lambda kept, fresh: combine(kept, fresh))`;
  }
}

function windowOf({ window }: BlockPlan): NonNullable<BlockPlan["window"]> {
  if (window === undefined) throw new Error("a block without a window has no panes");
  return window;
}

function ceilingOf(value: bigint, width: bigint): bigint {
  return (value + width - 1n) / width;
}

function largest(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function smallest(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b < a ? b : a;
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}
