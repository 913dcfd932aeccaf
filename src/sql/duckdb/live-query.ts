/**
 * One live query in DuckDB: kept up to date from new rows where live/plan.ts finds a way. Owns the connection on which the
 * new rows are aggregated, and knows when the state has to be made anew. How the state is kept: duckdb/kept-state.ts.
 */
import { type DuckDBConnection, type DuckDBPreparedStatement, DuckDBTypeId } from "@duckdb/node-api";
import { errorMessage, TidetableError } from "../../errors.js";
import type { BlockPlan } from "../live/block-plan.js";
import { columnsRead } from "../live/columns-read.js";
import { type IncrementalPlan, type Planned, planIncremental } from "../live/plan.js";
import { Refusal } from "../live/scope.js";
import type { LiveAnswer, LivePlanReport, Refreshable } from "../live/shared.js";
import type { LiveRequest } from "../live/view.js";
import type { OffsetPosition } from "../schema.js";
import { mapNodes, mapSelects } from "../syntax-edit.js";
import { nodesIn, parseTree, printTree, selectNode, statementOf, type TreeNode } from "../syntax-tree.js";
import { sequencedView } from "./generations.js";
import { interruptOnAbort } from "./interrupt.js";
import { type KeptState, MemoryState, NotKeptHere, TableState } from "./kept-state.js";
import { type PlainTables, readViews, type SeenView } from "./plain-views.js";
import { type BlockTexts, deltaOver, type OwnValues, type PlanTexts, type SqlPart } from "./state-texts.js";
import type { DuckDbStreamTable } from "./stream-table.js";
import { toBoundValue } from "./value-converters.js";

/** What a live query needs of its engine. */
export interface LiveQueryHost {
  connect(): Promise<DuckDBConnection>;
  stream(name: string): DuckDbStreamTable | undefined;
  /** An open stream of this name whose rows change, which `stream` leaves out. */
  isKeyed(name: string): boolean;
  /** Tables and views that are no stream's. */
  tables(): Promise<PlainTables>;
  /** Counts statements that may have changed such tables. */
  userChanges(): number;
  /** Counts statements that may have changed what a function's name means. */
  macroChanges(): number;
  isPureFunction(name: string): boolean;
  /** What the clock says: where windows that move with it stand. */
  nowMs(): number;
}

/** A stream that the query reads, in the shape for which it was planned. */
interface Source {
  readonly table: DuckDbStreamTable;
  readonly epoch: number;
  /** Rows below are in the state; undefined before the state is first made. */
  watermark: bigint | undefined;
}

interface Prepared {
  readonly plan: IncrementalPlan;
  /** What each block reads of its stream; undefined for all. */
  readonly columns: ReadonlyMap<BlockPlan, readonly string[] | undefined>;
  readonly texts: PlanTexts;
  readonly state: KeptState;
  readonly sources: ReadonlyMap<string, Source>;
  readonly userChanges: number;
  readonly macroChanges: number;
}

/** A table whose rows go while the state is made is looked at again, this often. */
const ATTEMPTS = 4;

export class DuckDbLiveQuery implements Refreshable {
  readonly #host: LiveQueryHost;
  readonly #request: LiveRequest;
  #connection: DuckDBConnection | undefined;
  #prepared: Prepared | undefined;
  /** Set once values in JavaScript cannot hold the state. */
  #inTable = false;
  /** Why it is run again as a whole, and under which circumstances that was found: it is looked at anew under others. */
  #refusal: { readonly reason: string; readonly circumstances: string } | undefined;

  constructor(host: LiveQueryHost, request: LiveRequest) {
    this.#host = host;
    this.#request = request;
  }

  /** Why it is not kept up to date, once a refresh has found out. */
  get reason(): string | undefined {
    return this.#refusal?.reason;
  }

  async refreshIncrementally(rowLimit: number, signal: AbortSignal): Promise<LiveAnswer | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const prepared = await this.#prepare();
      if (prepared === undefined) return undefined;
      try {
        const answer = await this.#refreshState(prepared, rowLimit, signal);
        // Rows that went meanwhile may be in the state and not in the table: it is made anew.
        if (this.#isCurrent(prepared)) return answer;
      } catch (error) {
        if (signal.aborted) {
          // What an interrupt leaves of a transaction is not relied upon.
          this.close();
          throw new TidetableError("QUERY_INTERRUPTED", "The query was interrupted.");
        }
        if (error instanceof NotKeptHere) {
          this.#inTable = true;
          this.#prepared = undefined;
        } else if (!this.#isCurrent(prepared)) {
          // It named what has gone meanwhile.
          this.#prepared = undefined;
        } else {
          const message = errorMessage(error).split("\n", 1)[0] ?? "";
          this.#giveUp(error instanceof Refusal ? message : `keeping it up to date failed: ${message}`);
        }
      }
    }
    return undefined;
  }

  async report(): Promise<LivePlanReport> {
    const prepared = await this.#prepare();
    const connection = this.#connection;
    if (prepared === undefined || connection === undefined) return { reason: this.reason ?? "" };
    return {
      kept: prepared.state.kind,
      size: await prepared.state.size(connection),
      blocks: prepared.texts.blocks.map((block) => ({
        stream: block.plan.stream,
        delta: block.delta.text,
        merges: block.plan.merges,
        carries: block.carry !== undefined,
        ...prepared.state.window(block),
      })),
      final: prepared.plan.direct === undefined ? prepared.texts.final.text : undefined,
      isMade: [...prepared.sources.values()].every((source) => source.watermark !== undefined),
    };
  }

  close(): void {
    this.#connection?.closeSync();
    this.#connection = undefined;
    this.#prepared = undefined;
  }

  #giveUp(reason: string): void {
    this.#refusal = { reason, circumstances: this.#circumstances };
    this.close();
  }

  /** What a plan depends on, of everything that may change. */
  get #circumstances(): string {
    const epochs = [...this.#streamNames].map((name) => `${name} ${this.#host.stream(name)?.epoch ?? "closed"}`);
    return [...epochs, this.#host.userChanges()].join(", ");
  }

  /** Streams the text may read; filled when it is first parsed. */
  readonly #streamNames = new Set<string>();

  #isCurrent(prepared: Prepared): boolean {
    if (prepared.macroChanges !== this.#host.macroChanges()) return false;
    if (prepared.plan.readsTables && prepared.userChanges !== this.#host.userChanges()) return false;
    return [...prepared.sources].every(
      ([name, { table, epoch }]) => table.epoch === epoch && this.#host.stream(name) === table,
    );
  }

  /** The plan for the tables as they are now; undefined where there is none. */
  async #prepare(): Promise<Prepared | undefined> {
    if (this.#prepared !== undefined && this.#isCurrent(this.#prepared)) return this.#prepared;
    this.#prepared = undefined;
    if (this.#refusal !== undefined && this.#refusal.circumstances === this.#circumstances) return undefined;
    this.#connection ??= await this.#host.connect();
    const connection = this.#connection;
    const [userChanges, macroChanges] = [this.#host.userChanges(), this.#host.macroChanges()];
    const planned = await this.#plan(connection);
    if ("reason" in planned) {
      this.#giveUp(planned.reason);
      return undefined;
    }
    try {
      const { plan } = planned;
      const sources = this.#sources(plan);
      const texts = await planTexts(connection, plan);
      for (const block of plan.blocks) await refuseOtherMoments(connection, block);
      const [block] = texts.blocks;
      const inMemory = plan.direct !== undefined && block !== undefined && !this.#inTable;
      const state = inMemory && plan.direct !== undefined ? new MemoryState(block, plan.direct) : new TableState(texts);
      const columns = new Map(plan.blocks.map((block) => [block, columnsOf(block, sources)]));
      this.#prepared = { plan, columns, texts, state, sources, userChanges, macroChanges };
      this.#refusal = undefined;
    } catch (error) {
      const message = errorMessage(error).split("\n", 1)[0] ?? "";
      this.#giveUp(error instanceof Refusal ? message : `it cannot be split: ${message}`);
    }
    return this.#prepared;
  }

  async #plan(connection: DuckDBConnection): Promise<Planned> {
    const plain = await this.#host.tables();
    const streamOf = (name: string): DuckDbStreamTable | undefined => {
      this.#streamNames.add(name);
      return this.#host.stream(name);
    };
    const isPureFunction = (name: string): boolean => this.#host.isPureFunction(name);
    const tree = await serialize(connection, this.#request.text);
    try {
      const isStream = (name: string): boolean => streamOf(name) !== undefined;
      const views = await readViews(connection, tree, { ...plain, isStream, isPureFunction });
      const viewOf = (name: string): SeenView | undefined => views.get(name.toLowerCase());
      return planIncremental(tree, {
        streamColumns: (name) => {
          if (this.#host.isKeyed(name)) throw new Refusal(`${name} shows the last row of each key, so its rows change`);
          return streamOf(name)?.columns;
        },
        tableColumns: (name) =>
          plain.tables.get(name.toLowerCase()) ?? (viewOf(name)?.isSteady === true ? viewOf(name)?.columns : undefined),
        viewQuery: (name) => (viewOf(name)?.readsStream === true ? viewOf(name)?.query : undefined),
        isPureFunction,
      });
    } catch (error) {
      if (error instanceof Refusal) return { reason: error.message };
      throw error;
    }
  }

  #sources(plan: IncrementalPlan): Map<string, Source> {
    const sources = new Map<string, Source>();
    for (const { stream } of plan.blocks) {
      const table = this.#host.stream(stream);
      if (table === undefined) throw new Error(`${stream} is not open any more`);
      sources.set(stream, { table, epoch: table.epoch, watermark: undefined });
    }
    return sources;
  }

  /** Brings the state up to the safe sequences of one moment and makes the answer of it. */
  async #refreshState(prepared: Prepared, rowLimit: number, signal: AbortSignal): Promise<LiveAnswer> {
    const startedMs = performance.now();
    const momentMicros = BigInt(Math.floor(this.#host.nowMs())) * 1_000n;
    const sources = [...prepared.sources.values()];
    for (const { table } of sources) await table.settled();
    const connection = this.#connection;
    if (connection === undefined) throw new Error("the live query is closed");
    const positions = new Map(sources.map((source) => [source.table.name, source.table.position()]));
    const offsets: OffsetPosition[] = [...positions.values()].flatMap((position) => position.offsets);
    const allRows = (block: BlockPlan): string => {
      const { table } = sourceOf(prepared, block.stream);
      return table.rowsBetween(0n, positions.get(table.name)?.sequence ?? 0n, prepared.columns.get(block));
    };
    const newRows = (block: BlockPlan): string | undefined => {
      const { stream } = block;
      const source = sourceOf(prepared, stream);
      const position = positions.get(source.table.name);
      if (position === undefined) throw new Error(`${stream} is not open any more`);
      const isUpToDate = source.watermark !== undefined && source.watermark >= position.sequence;
      return isUpToDate
        ? undefined
        : source.table.rowsBetween(source.watermark ?? 0n, position.sequence, prepared.columns.get(block));
    };
    const stopInterrupting = interruptOnAbort(connection, signal);
    try {
      const bind = (statement: DuckDBPreparedStatement, part: SqlPart, own?: OwnValues): void =>
        this.#bind(statement, part, own);
      const check = (): void => signal.throwIfAborted();
      const rows = await prepared.state.refresh({ connection, newRows, allRows, momentMicros, rowLimit, bind, check });
      for (const source of sources) source.watermark = positions.get(source.table.name)?.sequence;
      const plan = { mode: "incremental", offsets } as const;
      return { result: { ...rows, elapsedMs: performance.now() - startedMs }, plan };
    } finally {
      stopInterrupting();
    }
  }

  #bind(statement: DuckDBPreparedStatement, { parameters }: SqlPart, own: OwnValues = new Map()): void {
    parameters.forEach((number, index) => {
      const value = own.get(number);
      if (value !== undefined) {
        statement.bindValue(index + 1, value);
        return;
      }
      const parameter = this.#request.parameters[number - 1];
      if (parameter === undefined) throw new Error(`placeholder ${number} has no value`);
      const bound = toBoundValue(parameter, number);
      statement.bindValue(index + 1, bound.value, bound.type);
    });
  }
}

/** The plan's parts as text; each block's last step has the output names of the original, as DuckDB itself gives them. */
async function planTexts(connection: DuckDBConnection, plan: IncrementalPlan): Promise<PlanTexts> {
  const blocks: BlockTexts[] = [];
  let { final } = plan;
  for (const block of plan.blocks) {
    const names = await columnNames(connection, (await deserialize(connection, block.original)).text);
    const items = nodesIn(block.final, "select_list").map((item, index) => ({ ...item, alias: names[index] ?? "" }));
    if (items.length !== names.length) throw new Error("it has columns that stand for several");
    const named = { ...block.final, select_list: items };
    final = mapSelects(final, (node) => (node === block.final ? named : undefined));
    const part = async (node: TreeNode | undefined): Promise<SqlPart | undefined> =>
      node === undefined ? undefined : deserialize(connection, node);
    blocks.push({
      plan: block,
      names,
      delta: await deserialize(connection, block.delta),
      first: (await part(block.first))?.text,
      carry: await part(block.carry),
      limits: await part(block.window?.limits),
      distances: await part(block.window?.distances),
    });
  }
  return { blocks, final: await deserialize(connection, final) };
}

function columnsOf(
  { stream, delta, carry, window }: BlockPlan,
  sources: Prepared["sources"],
): readonly string[] | undefined {
  const table = sources.get(stream)?.table;
  const trees = [delta, carry, window?.subject].filter((tree) => tree !== undefined);
  return table === undefined ? undefined : columnsRead(table.columns, trees);
}

function sourceOf({ sources }: Prepared, stream: string): Source {
  const source = sources.get(stream);
  if (source === undefined) throw new Error(`${stream} is not open any more`);
  return source;
}

/** A window is kept by panes of moments without a zone, as the stream's own are. */
async function refuseOtherMoments(connection: DuckDBConnection, { stream, window }: BlockPlan): Promise<void> {
  if (window === undefined) return;
  const subject = await deserialize(connection, window.subject);
  const statement = await connection.prepare(
    deltaOver(`SELECT * EXCLUDE (_seq) FROM ${sequencedView(stream)}`, subject),
  );
  const type = statement.columnType(0);
  statement.destroySync();
  if (type.typeId !== DuckDBTypeId.TIMESTAMP) {
    throw new Refusal(`what it compares with the clock or a subquery is of type ${type}, not TIMESTAMP`);
  }
}

async function columnNames(connection: DuckDBConnection, text: string): Promise<readonly string[]> {
  const statement = await connection.prepare(text);
  const names = Array.from({ length: statement.columnCount }, (_, index) => statement.columnName(index));
  statement.destroySync();
  return names;
}

async function serialize(connection: DuckDBConnection, text: string): Promise<TreeNode | undefined> {
  const reader = await connection.runAndReadAll("SELECT json_serialize_sql($1::VARCHAR)", [text]);
  return selectNode(parseTree(String(reader.getRows()[0]?.[0])));
}

/** DuckDB binds by place, and only where no number is left out. */
async function deserialize(connection: DuckDBConnection, node: TreeNode): Promise<SqlPart> {
  const parameters: number[] = [];
  const renumbered = mapNodes(node, (expression) => {
    if (expression.class !== "PARAMETER") return undefined;
    const number = Number(expression.identifier);
    if (!parameters.includes(number)) parameters.push(number);
    return { ...expression, identifier: String(parameters.indexOf(number) + 1) };
  });
  const reader = await connection.runAndReadAll("SELECT json_deserialize_sql($1::JSON)", [
    printTree(statementOf(renumbered)),
  ]);
  return { text: String(reader.getRows()[0]?.[0]), parameters };
}
