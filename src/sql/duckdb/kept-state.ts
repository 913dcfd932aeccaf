/**
 * The two ways in which DuckDB's partial aggregates are kept between refreshes: as JavaScript values, which costs no
 * statement but the one over the new rows, and as temporary tables, where every type and every last step is DuckDB's.
 */
import type { DuckDBConnection, DuckDBMaterializedResult, DuckDBType } from "@duckdb/node-api";
import type { Merge } from "../live/aggregates.js";
import { type BlockPlan, type DirectFinal, FIRST_ROWS_TABLE, partialColumn } from "../live/block-plan.js";
import { type KeptColumn, KeptGroups } from "../live/groups.js";
import { Refusal } from "../live/scope.js";
import { besideDelta, carryNothing, carryOn } from "./carried.js";
import { canKeep, isWhole, KeptReader, keptColumn } from "./kept-columns.js";
import { Panes } from "./panes.js";
import { type ResultRows, readResult } from "./results.js";
import {
  type BlockTexts,
  deltaOver,
  groupsOf,
  type PlanTexts,
  prepared,
  type RefreshContext,
  rowsIn,
} from "./state-texts.js";

export interface KeptState {
  readonly kind: "JavaScript values" | "a temporary table";
  /** On failure the state is what it was before, or is not used again. */
  refresh(context: RefreshContext): Promise<ResultRows>;
  /** Groups or rows that are kept. */
  size(connection: DuckDBConnection): Promise<number>;
  /** How long the panes of a block's window are, where it has one that moves. */
  window(block: BlockTexts): { readonly paneMs?: number };
}

/** More groups than that are kept by DuckDB, outside of JavaScript's memory. */
const GROUPS_MAX = 500_000;
/** More than that are not kept at all: bringing them up to date costs as much as running the query. */
const ROWS_MAX = 1_000_000;

/** Thrown where the state's types, or its size, ask for the other way. */
export class NotKeptHere extends Error {}

export class MemoryState implements KeptState {
  readonly kind = "JavaScript values";
  readonly #block: BlockTexts;
  readonly #direct: DirectFinal;
  readonly #groups: KeptGroups;
  readonly #reader = new KeptReader();
  #types: readonly DuckDBType[] = [];

  constructor(block: BlockTexts, direct: DirectFinal) {
    this.#block = block;
    this.#direct = direct;
    this.#groups = new KeptGroups(block.plan.groupCount, block.plan.merges);
  }

  async size(): Promise<number> {
    return this.#groups.size;
  }

  window(): { readonly paneMs?: number } {
    return {};
  }

  async refresh({ connection, newRows, rowLimit, bind, check }: RefreshContext): Promise<ResultRows> {
    const rows = newRows(this.#block.plan);
    if (rows !== undefined) {
      this.#merge(await this.#newGroups(connection, rows, bind), check);
    }
    const slots = this.#groups.select(this.#direct);
    const carried = slots.subarray(0, rowLimit);
    const columns = this.#direct.outputs.map((column, index) =>
      keptColumn(
        this.#block.names[index] ?? "",
        this.#types[column] as DuckDBType,
        this.#groups.columns[column] as KeptColumn,
        carried,
      ),
    );
    return { columns, rowCount: carried.length, totalRowCount: slots.length };
  }

  /**
   * A text without values is planned and run in one call, which is one transaction; otherwise the two steps stand in one
   * of ours: a plan is only right for the rows it was made for.
   */
  #newGroups(
    connection: DuckDBConnection,
    rows: string,
    bind: RefreshContext["bind"],
  ): Promise<DuckDBMaterializedResult> {
    const { delta } = this.#block;
    const text = deltaOver(rows, delta);
    if (delta.parameters.length === 0) return connection.run(text);
    return inTransaction(connection, () =>
      prepared(connection, text, (statement) => {
        bind(statement, delta);
        return statement.run();
      }),
    );
  }

  /** Chunks of a result that is there already are taken as they are: asking for them one by one costs as much as the query. */
  #merge(result: DuckDBMaterializedResult, check: () => void): void {
    const { groupCount, merges } = this.#block.plan;
    const types = result.columnTypes();
    if (!types.every((type, index) => canKeep(type, merges[index - groupCount]))) throw new NotKeptHere();
    if (result.rowCount > GROUPS_MAX) throw new NotKeptHere();
    const fresh: KeptColumn[] = types.map(() => []);
    for (let place = 0; place < result.chunkCount; place++) {
      check();
      const chunk = result.getChunk(place);
      fresh.forEach((column, index) => {
        this.#reader.append(column, chunk, index, types[index] as DuckDBType, index < groupCount);
      });
    }
    this.#groups.merge(fresh, result.rowCount, types.map(isWhole));
    this.#types = types;
    if (this.#groups.size > GROUPS_MAX) throw new NotKeptHere();
  }
}

export class TableState implements KeptState {
  readonly kind = "a temporary table";
  readonly #texts: PlanTexts;
  readonly #made = new Set<BlockTexts>();
  readonly #panes: ReadonlyMap<BlockTexts, Panes>;

  constructor(texts: PlanTexts) {
    this.#texts = texts;
    const moving = texts.blocks.filter(({ plan }) => plan.window !== undefined);
    this.#panes = new Map(moving.map((block) => [block, new Panes(block)]));
  }

  async size(connection: DuckDBConnection): Promise<number> {
    let total = 0;
    for (const block of this.#made) {
      const panes = this.#panes.get(block);
      total += panes === undefined ? await rowsIn(connection, block.plan.stateTable) : panes.size;
    }
    return total;
  }

  window(block: BlockTexts): { readonly paneMs?: number } {
    const paneMs = this.#panes.get(block)?.paneMs;
    return paneMs === undefined ? {} : { paneMs };
  }

  async refresh(context: RefreshContext): Promise<ResultRows> {
    const { connection, rowLimit, bind, check } = context;
    const made: BlockTexts[] = [];
    const result = await inTransaction(connection, async () => {
      // Those of a window's edges come after it, and are needed before.
      for (const block of [...this.#texts.blocks].reverse()) {
        const panes = this.#panes.get(block);
        if (panes !== undefined) await panes.refresh(context);
        else if (!(await this.#takeNew(block, context))) continue;
        made.push(block);
      }
      return prepared(connection, this.#texts.final.text, async (final) => {
        bind(final, this.#texts.final);
        return readResult(await final.stream(), rowLimit, check);
      });
    });
    for (const block of made) this.#made.add(block);
    return result;
  }

  /** Whether there was something new. */
  async #takeNew(block: BlockTexts, context: RefreshContext): Promise<boolean> {
    const { connection, bind } = context;
    const { carry, plan } = block;
    const rows = context.newRows(plan);
    if (rows === undefined) return false;
    const isMade = this.#made.has(block);
    if (carry !== undefined && !isMade) await carryNothing(block, carry, rows, context);
    await prepared(connection, nextState(block, rows, isMade), (next) => {
      bind(next, block.delta);
      return next.run();
    });
    if (carry !== undefined) await carryOn(block, carry, rows, context);
    if (plan.merges.length === 0 || plan.aggregatesAgain) await refuseTooMany(connection, plan.stateTable);
    return true;
  }
}

/** Makes the state from the stream's rows, or the next state from the one that is kept and the rows since. */
function nextState(block: BlockTexts, rows: string, isMade: boolean): string {
  const { plan } = block;
  const delta = deltaOver(rows, block.delta, besideDelta(plan));
  const make = `CREATE OR REPLACE TEMP TABLE ${plan.stateTable} AS`;
  if (!isMade) return `${make} ${delta}`;
  if (block.first !== undefined) {
    const candidates = `SELECT * FROM ${plan.stateTable} UNION ALL SELECT * FROM (${delta})`;
    return `${make} WITH ${FIRST_ROWS_TABLE} AS (${candidates}) ${block.first}`;
  }
  if (plan.merges.length > 0) return `${make} ${mergeQuery(plan, delta)}`;
  // Nothing is aggregated: only groups that are new are added.
  const same = sameGroup(plan);
  return `INSERT INTO ${plan.stateTable} SELECT fresh.* FROM (${delta}) AS fresh ANTI JOIN ${plan.stateTable} AS kept ON ${same}`;
}

async function refuseTooMany(connection: DuckDBConnection, table: string): Promise<void> {
  if ((await rowsIn(connection, table)) <= ROWS_MAX) return;
  throw new Refusal(`it has more than ${ROWS_MAX.toLocaleString("en-US")} different values`);
}

async function inTransaction<T>(connection: DuckDBConnection, work: () => Promise<T>): Promise<T> {
  await connection.run("BEGIN TRANSACTION");
  try {
    const result = await work();
    await connection.run("COMMIT");
    return result;
  } catch (error) {
    await connection.run("ROLLBACK");
    throw error;
  }
}

/** The kept groups and the new rows' groups, side by side; a group of either becomes one of the next state. */
function mergeQuery(plan: BlockPlan, delta: string): string {
  const columns = [
    // `known` says which side a group comes from: a group's own value may be NULL.
    ...groupsOf(plan).map((name) => `CASE WHEN kept.known THEN kept.${name} ELSE fresh.${name} END AS ${name}`),
    ...plan.merges.map((merge, index) => `${merged(merge, index)} AS ${partialColumn(index)}`),
  ];
  const sides = `(SELECT true AS known, * FROM ${plan.stateTable}) AS kept FULL JOIN fresh ON ${sameGroup(plan)}`;
  return `WITH fresh AS (${delta}) SELECT ${columns.join(", ")} FROM ${sides}`;
}

function sameGroup(plan: BlockPlan): string {
  const same = groupsOf(plan).map((name) => `kept.${name} IS NOT DISTINCT FROM fresh.${name}`);
  return same.length === 0 ? "true" : same.join(" AND ");
}

function merged(merge: Merge, index: number): string {
  const [kept, fresh] = sides(index);
  switch (merge) {
    case "count":
      return `coalesce(${kept}, 0) + coalesce(${fresh}, 0)`;
    case "sum":
      return `CASE WHEN ${kept} IS NULL THEN ${fresh} WHEN ${fresh} IS NULL THEN ${kept} ELSE ${kept} + ${fresh} END`;
    case "min":
      return `least(${kept}, ${fresh})`;
    case "max":
      return `greatest(${kept}, ${fresh})`;
    case "arg_min":
    case "arg_max": {
      const [keptBy, freshBy] = sides(index + 1);
      const goesFirst = `${freshBy} ${merge === "arg_max" ? ">" : "<"} ${keptBy}`;
      return `CASE WHEN ${keptBy} IS NULL OR ${goesFirst} THEN ${fresh} ELSE ${kept} END`;
    }
    case "state":
      return `combine(${kept}, ${fresh})`;
  }
}

function sides(index: number): [string, string] {
  const name = partialColumn(index);
  return [`kept.${name}`, `fresh.${name}`];
}
