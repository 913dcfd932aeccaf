/**
 * The table of one stream in DuckDB: its fields, its generations, its stored offsets. Decides under which fields a batch
 * is written, widens them when a batch needs it, and lets old generations go. Batches are written by chains
 * (duckdb/ingest.ts); the SQL text stands in duckdb/generations.ts. Long because fields, generations and counts change
 * together under one gate: a batch, a widening and retention must each see all three as they are.
 */
import { errorMessage, TidetableError } from "../../errors.js";
import type { DecodedBatch } from "../../streaming/decode.js";
import { createDecoder, type Decoder } from "../../streaming/decoder.js";
import { describeWidening, type Field, METADATA_COLUMNS } from "../../streaming/json/fields.js";
import type { RecordBatch } from "../../streaming/record.js";
import { afterOffset, cutAt } from "../../streaming/record-slices.js";
import { type GenerationSize, retentionStep } from "../../streaming/retention.js";
import { quoteIdentifier, quoteText } from "../identifiers.js";
import { RowSequences } from "../row-sequences.js";
import type { OffsetPosition } from "../schema.js";
import type { StreamTable, StreamTableCounts, StreamTableDefinition, WriteOutcome } from "../sql-engine.js";
import { ChainPool } from "./chain-pool.js";
import type { DuckDbDatabase } from "./database.js";
import {
  copyGeneration,
  createViews,
  errorsTable,
  MEMORY_CATALOG,
  type StreamHome,
  selectGeneration,
  sequencedView,
} from "./generations.js";
import type { IngestChain, IngestPart } from "./ingest.js";
import { compact } from "./keyed.js";
import { rejectedBatch, rejectedPartitions, withoutSuperseded } from "./retry.js";
import { describeSchemaChange, fieldsAtOpen } from "./schema-change.js";
import {
  createStored,
  dropIfOfAnotherOrigin,
  dropStored,
  forgetGeneration,
  type GenerationState,
  isSameTopic,
  newGeneration,
  type PartitionState,
  readStored,
  registerGeneration,
  type StoredStream,
  updateRetired,
  updateRowBytes,
} from "./stored-stream.js";

/** A generation with fewer rows is copied into its successor when the fields change, instead of staying behind. */
const COPY_ROWS_MAX = 20_000;
/** Rejected records kept; the oldest go first. */
const ERRORS_KEPT = 100_000;
/** Fields of records that are decoded at a time; a batch of the usual 20,000 records has so many where they have 50 fields. */
const PLACES_MAX = 1_000_000;
/** A batch settles within a few widenings: kinds only ever widen, and text is the end. */
const WIDENINGS_MAX = 8;

export class DuckDbStreamTable implements StreamTable {
  readonly name: string;
  /** Said aloud in the stream's status: new columns, widened ones, rows replaced. Newest last. */
  readonly notices: string[] = [];
  readonly #database: DuckDbDatabase;
  readonly #definition: StreamTableDefinition;
  readonly #home: StreamHome;
  readonly #decoder: Decoder;
  #fields: readonly Field[];
  #generations: GenerationState[];
  #retired: number;
  #errorsStored: number;
  readonly #partitions = new Map<string, Map<number, PartitionState>>();
  readonly #sequences: RowSequences;
  readonly #chains: ChainPool;
  #commits = 0;
  #epoch = 0;
  #closed = false;
  #maintaining = false;

  private constructor(
    database: DuckDbDatabase,
    definition: StreamTableDefinition,
    home: StreamHome,
    decoder: Decoder,
    stored: StoredStream,
  ) {
    this.#home = home;
    this.#decoder = decoder;
    this.name = definition.name;
    this.#database = database;
    this.#chains = new ChainPool(definition.name, database);
    this.#definition = definition;
    this.#generations = stored.generations;
    this.#fields = stored.generations.at(-1)?.fields ?? [];
    this.#sequences = new RowSequences(stored.nextSequence);
    this.#retired = stored.retired;
    this.#errorsStored = stored.errorsStored;
    for (const row of stored.partitions) this.#partition(row.topic, row.partition, row);
  }

  static async open(database: DuckDbDatabase, definition: StreamTableDefinition): Promise<DuckDbStreamTable> {
    return database.gate.exclusive(async () => {
      const home = database.homeOf(definition);
      const decoder = createDecoder({ ...definition, tombstones: home.keyed ? "row" : "count" });
      const notices = await dropIfOfAnotherOrigin(database, home, definition);
      const stored =
        (await readStored(database, home)) ?? (await createStored(database, home, definition, decoder.fields));
      const table = new DuckDbStreamTable(database, definition, home, decoder, stored);
      table.notices.push(...notices);
      await table.#settleFields();
      return table;
    });
  }

  /** The columns as they are to be now; a schema that was declared anew begins a generation. */
  async #settleFields(): Promise<void> {
    const { schema } = this.#definition;
    const fields = fieldsAtOpen(this.#fields, schema, this.#decoder.fields);
    if (fields !== this.#fields) {
      this.notices.push(...describeSchemaChange(this.#generations, fields));
      await this.#changeGenerations(fields, { rotate: true, drop: 0, copyNewest: this.#newest().rows === 0 });
    } else {
      // Views of an older store may lack what this version's have.
      await this.#database.change(this.#home, { views: createViews(this.#home, this.#generations, this.#fields) });
    }
  }

  /** Every record is a row that stays as it is; else what the table shows of a key changes. */
  get appendOnly(): boolean {
    return !this.#home.keyed;
  }

  /** `memory`, or undefined: where the store is. */
  get store(): "memory" | undefined {
    return this.#home.schema.startsWith(MEMORY_CATALOG) ? "memory" : undefined;
  }

  /** Names of the columns that queries see. */
  get columns(): readonly string[] {
    return [...this.#fields.map((field) => field.column), ...METADATA_COLUMNS];
  }

  /** Counts up with every committed batch: whoever publishes results compares it. */
  get commits(): number {
    return this.#commits;
  }

  /** Changes when rows have gone or columns have changed: what was made of the table's rows has to be made anew. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Every row below is committed; rows at or above may still be on their way. Readers of deltas stop here. */
  get safeSequence(): bigint {
    return this.#sequences.safe;
  }

  /** The safe sequence, with the offsets of the same moment: the rows below it are of the records before these. */
  position(): { readonly sequence: bigint; readonly offsets: readonly OffsetPosition[] } {
    const committed = [...this.#partitions].flatMap(([topic, partitions]) =>
      [...partitions].map(([partition, { nextOffset }]) => ({ topic, partition, nextOffset })),
    );
    return { sequence: this.safeSequence, offsets: this.#sequences.offsetsAtSafe(committed) };
  }

  /** SELECT of topic, partition and next offset as they are stored: in one transaction with the rows, of the same moment. */
  get offsetsQuery(): string {
    return `SELECT topic, partition, next_offset FROM ${this.#home.schema}.offsets WHERE stream = ${quoteText(this.name)}`;
  }

  /**
   * SELECT of the rows with sequences from `from` to before `to`, with `columns` alone (default: all). New rows are nearly
   * always in the newest generation, and then the others are not even looked at; should it be gone before the statement
   * runs, that fails, and the epoch is another.
   */
  rowsBetween(from: bigint, to: bigint, columns?: readonly string[]): string {
    const newest = this.#newest();
    const isOnly = this.#generations.length === 1;
    const isInNewest = isOnly || (newest.firstSequence !== undefined && from >= newest.firstSequence);
    // A query that counts rows reads none of their columns, but a SELECT has to have one.
    const names = columns?.length === 0 ? ["_offset"] : columns;
    const rows =
      this.appendOnly && isInNewest
        ? selectGeneration(this.#home, newest, this.#fields, [], names)
        : `SELECT ${names?.map(quoteIdentifier).join(", ") ?? "* EXCLUDE (_seq)"} FROM ${sequencedView(this.name)}`;
    return `${rows} WHERE _seq >= ${from} AND _seq < ${to}`;
  }

  /** Resolves once every row that is committed now lies below the safe sequence. */
  settled(): Promise<void> {
    return this.#sequences.settled();
  }

  async storedOffsets(topic: string): Promise<ReadonlyMap<number, bigint>> {
    const partitions = this.#partitions.get(topic) ?? new Map<number, PartitionState>();
    return new Map([...partitions].map(([partition, state]) => [partition, state.nextOffset]));
  }

  isSameTopic(topic: string, id: string): Promise<boolean> {
    const hasRows = (this.#partitions.get(topic)?.size ?? 0) > 0;
    return isSameTopic(this.#database, this.#home, { topic, id, hasRows });
  }

  write(batch: RecordBatch): Promise<WriteOutcome> {
    return this.writeTogether([batch]);
  }

  async writeTogether(batches: readonly RecordBatch[]): Promise<WriteOutcome> {
    const fresh = batches.flatMap((batch) => {
      const stored = this.#partitions.get(batch.topic)?.get(batch.partition)?.nextOffset;
      return stored === undefined ? batch : (afterOffset(batch, stored) ?? []);
    });
    if (fresh.length === 0) return { rows: 0, rejected: 0, tombstones: 0 };
    const outcome = await this.#writeOnChain(fresh);
    const bytes = fresh.reduce((sum, batch) => sum + batch.bytes.length, 0);
    this.#database.noteWritten(this.#home, bytes);
    // Whoever writes waits for what his rows made due, so that no writer runs away from retention.
    await this.maintain(Date.now());
    return outcome;
  }

  async #writeOnChain(batches: readonly RecordBatch[]): Promise<WriteOutcome> {
    try {
      return await this.#chains.use((chain) => this.#writeWidening(chain, batches));
    } catch (error) {
      throw writeFailure(this.name, batches, error);
    }
  }

  counts(): StreamTableCounts {
    const states = [...this.#partitions.values()].flatMap((partitions) => [...partitions.values()]);
    const sum = (of: (state: PartitionState) => number): number =>
      states.reduce((total, state) => total + of(state), 0);
    return {
      rows: this.#generations.reduce((total, generation) => total + generation.rows, 0),
      rejected: sum((state) => state.rejected),
      tombstones: sum((state) => state.tombstones),
      retired: this.#retired,
    };
  }

  /** Retention and checkpoints; called after writes and by a slow clock. */
  async maintain(nowMs: number): Promise<void> {
    if (this.#closed || this.#maintaining) return;
    this.#maintaining = true;
    try {
      await this.#maintainOnce(nowMs);
    } catch (error) {
      this.#database.noteFailure(error);
      const cause = errorMessage(error).split("\n", 1)[0] ?? "";
      throw new TidetableError(
        "STREAM_FAILED",
        `Stream ${this.name} stopped: its rows are stored, but its store could not be tidied (${cause}). ${wayOut(cause)}`,
        { cause: error, retryable: true },
      );
    } finally {
      this.#maintaining = false;
    }
  }

  async #maintainOnce(nowMs: number): Promise<void> {
    const step = retentionStep(this.#sizes(), this.#definition.keep, nowMs);
    if (step.rotate || step.drop > 0) {
      await this.#database.gate.exclusive(async () => {
        const { rotate, drop } = retentionStep(this.#sizes(), this.#definition.keep, nowMs);
        if (this.#home.keyed) {
          if (rotate) await this.#compact(nowMs);
          return;
        }
        if (rotate || drop > 0) await this.#changeGenerations(this.#fields, { rotate, drop, copyNewest: false });
      });
    }
    if (this.#errorsStored > ERRORS_KEPT * 1.25) await this.#trimErrors();
    await this.#database.checkpointIfDue(nowMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    // Whoever owns the gate knows that no batch is half-way.
    await this.#database.gate.exclusive(async () => this.#chains.close());
  }

  /** Closes, and leaves no trace of a table that never held a record: its stream could not be opened. */
  async discardIfUnused(): Promise<void> {
    await this.close();
    if (this.#partitions.size > 0) return;
    await this.#database.gate.exclusive(() => dropStored(this.#database, this.#home));
  }

  /** In parts where the batches have many fields: each part is a transaction, with the offset up to which it goes. */
  async #writeWidening(chain: IngestChain, batches: readonly RecordBatch[]): Promise<WriteOutcome> {
    const total = { rows: 0, rejected: 0, tombstones: 0 };
    let widenings = 0;
    for (let rest = batches; rest.length > 0; ) {
      const { now, later } = cutAt(rest, this.#rowsMax);
      const outcome = await this.#database.gate.shared(() => this.#writeIfFits(chain, now));
      if ("widen" in outcome) {
        // Each batch may need one widening of its own, if it comes to the worst several.
        if (++widenings > WIDENINGS_MAX * batches.length) {
          throw new TidetableError("STREAM_FAILED", "the fields of a batch did not settle");
        }
        await this.#database.gate.exclusive(() => this.#widen(outcome.widen));
        continue;
      }
      total.rows += outcome.rows;
      total.rejected += outcome.rejected;
      total.tombstones += outcome.tombstones;
      rest = later;
    }
    return total;
  }

  /** Where each field of each record stands is noted, in 8 bytes: what that comes to is bounded. */
  get #rowsMax(): number {
    return Math.max(1, Math.floor(PLACES_MAX / Math.max(1, this.#fields.length)));
  }

  async #writeIfFits(
    chain: IngestChain,
    batches: readonly RecordBatch[],
  ): Promise<WriteOutcome | { readonly widen: RecordBatch }> {
    const generation = this.#newest();
    const parts: IngestPart[] = [];
    const outcome = { rows: 0, rejected: 0, tombstones: 0 };
    for (const batch of batches) {
      const decoded = this.#decoder.decode(batch, this.#fields);
      if (decoded.fields !== this.#fields) return { widen: batch };
      parts.push({ batch, decoded });
      outcome.rows += decoded.rows.length;
      outcome.rejected += decoded.rejected.length;
      outcome.tombstones += decoded.tombstones;
    }
    await this.#sequences.write(
      outcome.rows,
      batches.map((batch) => this.#positionOf(batch)),
      (firstSequence) =>
        chain.write({
          home: this.#home,
          layout: this.#decoder.layout,
          generation,
          parts,
          firstSequence,
          arrivedAtMs: Date.now(),
        }),
      () => {
        for (const { batch, decoded } of parts) this.#account(generation, batch, decoded);
      },
    );
    return outcome;
  }

  /**
   * Decodes the rejected records that are kept as a whole once more, with the fields of now. What is a row now leaves the
   * errors in the same transaction; the rest gets the reason of now.
   */
  async retryErrors(): Promise<{ readonly tried: number; readonly rows: number; readonly rejected: number }> {
    const sum = { tried: 0, rows: 0, rejected: 0 };
    for (const at of await rejectedPartitions(this.#database, this.#home)) {
      for (let offset = 0n; ; ) {
        const batch = await rejectedBatch(this.#database, this.#home, { ...at, offset });
        if (batch === undefined) break;
        const { rows, rejected } = await this.#chains.use((chain) => this.#retry(chain, batch));
        sum.tried += batch.count;
        sum.rows += rows;
        sum.rejected += rejected;
        offset = batch.nextOffset;
      }
    }
    await this.maintain(Date.now());
    return sum;
  }

  async #retry(chain: IngestChain, batch: RecordBatch): Promise<Pick<WriteOutcome, "rows" | "rejected">> {
    // Alone: the partition's own writer must not meet this one over the counts that stand beside the offset.
    return this.#database.gate.exclusive(async () => {
      await this.#widen(batch);
      const decoded = await withoutSuperseded(
        this.#database,
        this.#home,
        batch,
        this.#decoder.decode(batch, this.#fields),
      );
      const generation = this.#newest();
      await this.#sequences.write(
        decoded.rows.length,
        [this.#positionOf(batch)],
        (firstSequence) =>
          chain.write({
            home: this.#home,
            layout: this.#decoder.layout,
            generation,
            parts: [{ batch, decoded }],
            firstSequence,
            arrivedAtMs: Date.now(),
            isRetry: true,
          }),
        () => this.#accountRetried(generation, batch, decoded),
      );
      return { rows: decoded.rows.length, rejected: decoded.rejected.length };
    });
  }

  #accountRetried(generation: GenerationState, batch: RecordBatch, decoded: DecodedBatch): void {
    const { nextOffset, ...rest } = this.#partition(batch.topic, batch.partition);
    this.#account(generation, batch, { ...decoded, rejected: [], tombstones: 0 });
    const state = this.#partition(batch.topic, batch.partition);
    Object.assign(state, { nextOffset, rejected: rest.rejected - decoded.rows.length });
    this.#errorsStored -= decoded.rows.length;
  }

  #positionOf({ topic, partition }: RecordBatch): OffsetPosition {
    return { topic, partition, nextOffset: this.#partitions.get(topic)?.get(partition)?.nextOffset ?? 0n };
  }

  #account(generation: GenerationState, batch: RecordBatch, decoded: DecodedBatch): void {
    this.#commits += 1;
    generation.rows += decoded.rows.length;
    for (const row of decoded.rows) generation.bytes += Math.max(0, batch.valueLengths[row] as number);
    const last = decoded.rows.at(-1);
    if (last !== undefined) {
      const lastMs = Number(batch.timestampsMs[last]);
      generation.newestMs = Math.max(generation.newestMs, lastMs >= 0 ? lastMs : Date.now());
    }
    this.#errorsStored += decoded.rejected.length;
    const state = this.#partition(batch.topic, batch.partition);
    state.nextOffset = batch.nextOffset;
    state.rows += decoded.rows.length;
    state.rejected += decoded.rejected.length;
    state.tombstones += decoded.tombstones;
  }

  /** Owner of the gate only. Another chain may have widened in the meantime: the batch is looked at afresh. */
  async #widen(batch: RecordBatch): Promise<void> {
    const { fields } = this.#decoder.decode(batch, this.#fields);
    if (fields === this.#fields) return;
    const exact = await this.#withoutLosingIntegers(fields);
    this.notices.push(...describeWidening(this.#fields, exact));
    await this.#changeGenerations(exact, { rotate: true, drop: 0, copyNewest: this.#newest().rows <= COPY_ROWS_MAX });
  }

  /** A column of integers beyond 2^53 goes to text instead of DOUBLE, which would round them. */
  async #withoutLosingIntegers(fields: readonly Field[]): Promise<readonly Field[]> {
    const result = [...fields];
    for (const [index, field] of fields.entries()) {
      const before = this.#fields[index];
      if (field.kind !== "double" || (before?.kind !== "bigint" && before?.kind !== "hugeint")) continue;
      const column = quoteIdentifier(before.column);
      const rows = await this.#database.read(
        `SELECT count(*) FROM main.${quoteIdentifier(this.name)} WHERE ${column} IS NOT NULL AND ${column}::DOUBLE::HUGEINT <> ${column}`,
      );
      if (rows[0]?.[0] !== 0n) result[index] = { ...field, kind: "mixed" };
    }
    return result;
  }

  /** Owner of the gate only: begins a generation, drops old ones, and puts the views over what is left. */
  async #changeGenerations(
    fields: readonly Field[],
    step: { readonly rotate: boolean; readonly drop: number; readonly copyNewest: boolean },
  ): Promise<void> {
    const before: string[] = [];
    const after: string[] = [];
    const dropped = this.#generations.slice(0, step.drop);
    let kept = this.#generations.slice(step.drop);
    if (step.rotate) {
      const previous = this.#newest();
      const next = newGeneration(previous.id + 1, fields);
      // No batch is on its way: whoever changes generations owns the gate.
      next.firstSequence = step.copyNewest ? previous.firstSequence : this.#sequences.next;
      before.push(...registerGeneration(this.#home, next), updateRowBytes(this.#home, previous));
      if (step.copyNewest) {
        before.push(copyGeneration(this.#home, previous, next));
        after.push(...forgetGeneration(this.#home, previous));
        Object.assign(next, { rows: previous.rows, bytes: previous.bytes, newestMs: previous.newestMs });
        kept = kept.filter((generation) => generation !== previous);
      }
      kept = [...kept, next];
    }
    const retired = this.#retired + dropped.reduce((sum, generation) => sum + generation.rows, 0);
    for (const generation of dropped) after.push(...forgetGeneration(this.#home, generation));
    after.push(updateRetired(this.#home, retired));
    // Views before what goes: a table that a view still names may not go.
    await this.#database.change(this.#home, { before, views: createViews(this.#home, kept, fields), after });
    if (dropped.length > 0 || fields !== this.#fields) this.#epoch += 1;
    this.#fields = fields;
    this.#generations = kept;
    this.#retired = retired;
    this.#commits += 1;
  }

  /** Owner of the gate only, of a keyed table. */
  async #compact(nowMs: number): Promise<void> {
    const stored = { generations: this.#generations, retired: this.#retired };
    const { keep } = this.#definition;
    const { generations, retired } = await compact(this.#database, this.#home, stored, {
      fields: this.#fields,
      keep,
      nowMs,
    });
    this.#generations = generations;
    this.#retired = retired;
    this.#epoch += 1;
    this.#commits += 1;
  }

  async #trimErrors(): Promise<void> {
    await this.#database.gate.exclusive(async () => {
      const table = errorsTable(this.#home);
      await this.#database.execute(
        `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} ORDER BY received, rowid LIMIT ${this.#errorsStored - ERRORS_KEPT})`,
      );
      this.#errorsStored = ERRORS_KEPT;
    });
  }

  #sizes(): readonly GenerationSize[] {
    return this.#generations;
  }

  #newest(): GenerationState {
    const newest = this.#generations.at(-1);
    if (newest === undefined) throw new TidetableError("STREAM_FAILED", `stream ${this.name} has no generation`);
    return newest;
  }

  #partition(topic: string, partition: number, initial?: PartitionState): PartitionState {
    let partitions = this.#partitions.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.#partitions.set(topic, partitions);
    }
    let state = partitions.get(partition);
    if (state === undefined) {
      state = {
        nextOffset: initial?.nextOffset ?? 0n,
        rows: initial?.rows ?? 0,
        rejected: initial?.rejected ?? 0,
        tombstones: initial?.tombstones ?? 0,
      };
      partitions.set(partition, state);
    }
    return state;
  }
}

function writeFailure(stream: string, batches: readonly RecordBatch[], error: unknown): TidetableError {
  if (error instanceof TidetableError) return error;
  const cause = errorMessage(error).split("\n", 1)[0] ?? "";
  const where = batches.map(
    ({ partition, nextOffset }) => `partition ${partition}, records up to offset ${nextOffset - 1n},`,
  );
  return new TidetableError(
    "STREAM_FAILED",
    `Stream ${stream} stopped: ${where.join(" ")} could not be stored (${cause}). Nothing of the batch was kept. ${wayOut(cause)}`,
    { cause: error, retryable: true },
  );
}

function wayOut(cause: string): string {
  if (/no space left|file too large|quota/i.test(cause)) return "Make room on the disk, then resume().";
  if (/database has been invalidated/i.test(cause))
    return "Restart the kernel; the stream continues at its stored offset.";
  return "resume() tries it again.";
}
