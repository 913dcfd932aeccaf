/**
 * What the store holds of a stream beside its rows: fields, generations, offsets and counts. Reads it when a stream is
 * opened, makes it for a new one, clears it for one of another origin, and words the statements that keep it current.
 */
import { formatName } from "../../streaming/decoder.js";
import type { Field } from "../../streaming/json/fields.js";
import { quoteIdentifier, quoteText } from "../identifiers.js";
import type { StreamTableDefinition } from "../sql-engine.js";
import type { DuckDbDatabase } from "./database.js";
import {
  createErrorsTable,
  createGeneration,
  errorsTable,
  type Generation,
  generationTable,
  type StreamHome,
  sequencedView,
} from "./generations.js";

export interface GenerationState extends Generation {
  rows: number;
  bytes: number;
  newestMs: number;
  readonly createdAtMs: number;
  /** No row of it has a lower sequence; undefined where that is not known. */
  firstSequence?: bigint | undefined;
}

export interface PartitionState {
  nextOffset: bigint;
  rows: number;
  rejected: number;
  tombstones: number;
}

export interface StoredStream {
  readonly generations: GenerationState[];
  readonly nextSequence: bigint;
  readonly retired: number;
  readonly errorsStored: number;
  readonly partitions: ReadonlyArray<PartitionState & { readonly topic: string; readonly partition: number }>;
}

export async function readStored(database: DuckDbDatabase, home: StreamHome): Promise<StoredStream | undefined> {
  const { name, schema } = home;
  const stream = (await database.read(`SELECT retired FROM ${schema}.streams WHERE name = $1`, [name]))[0];
  if (stream === undefined) return undefined;
  const generations: GenerationState[] = [];
  let nextSequence = 0n;
  const stored = await database.read(
    `SELECT id, fields, created_ms, row_bytes FROM ${schema}.generations WHERE stream = $1 ORDER BY id`,
    [name],
  );
  for (const [id, fields, createdMs, rowBytes] of stored) {
    const [rows, last, newest] = (
      await database.read(
        `SELECT count(*), max(_seq), epoch_ms(max(_timestamp)) FROM ${generationTable(home, Number(id))}`,
      )
    )[0] as [bigint, bigint | null, bigint | null];
    if (last !== null && last >= nextSequence) nextSequence = last + 1n;
    generations.push({
      id: Number(id),
      fields: JSON.parse(String(fields)) as Field[],
      rows: Number(rows),
      bytes: Number(rows) * Number(rowBytes),
      newestMs: newest === null ? Number(createdMs) : Number(newest),
      createdAtMs: Number(createdMs),
    });
  }
  const [errors] = (await database.read(`SELECT count(*) FROM ${errorsTable(home)}`))[0] as [bigint];
  const partitions = await database.read(
    `SELECT topic, partition, next_offset, rows, rejected, tombstones FROM ${schema}.offsets WHERE stream = $1`,
    [name],
  );
  return {
    generations,
    nextSequence,
    retired: Number(stream[0]),
    errorsStored: Number(errors),
    partitions: partitions.map(([topic, partition, nextOffset, rows, rejected, tombstones]) => ({
      topic: String(topic),
      partition: Number(partition),
      nextOffset: BigInt(String(nextOffset)),
      rows: Number(rows),
      rejected: Number(rejected),
      tombstones: Number(tombstones),
    })),
  };
}

export async function createStored(
  database: DuckDbDatabase,
  home: StreamHome,
  definition: StreamTableDefinition,
  fields: readonly Field[],
): Promise<StoredStream> {
  const first = newGeneration(1, fields);
  const values = [home.name, formatOf(definition), definition.origin ?? ""].map(quoteText).join(", ");
  await database.changeTables([
    `INSERT INTO ${home.schema}.streams VALUES (${values}, 0)`,
    createErrorsTable(home),
    ...registerGeneration(home, first),
  ]);
  return { generations: [first], nextSequence: 0n, retired: 0, errorsStored: 0, partitions: [] };
}

/** Offsets mean nothing in another log or cluster, and rows of two formats fit no table: such a table begins anew. */
export async function dropIfOfAnotherOrigin(
  database: DuckDbDatabase,
  home: StreamHome,
  definition: StreamTableDefinition,
): Promise<string[]> {
  const format = formatOf(definition);
  const origin = definition.origin ?? "";
  const stored = (
    await database.read(`SELECT format, origin FROM ${home.schema}.streams WHERE name = $1`, [home.name])
  )[0];
  if (stored === undefined || (stored[0] === format && stored[1] === origin)) return [];
  await dropStored(database, home);
  return stored[0] === format
    ? [`earlier rows came from ${String(stored[1])} and were replaced`]
    : [`earlier rows were read as ${String(stored[0])} and were replaced`];
}

/**
 * Whether the rows of a topic are of the one with this id. The first id that is seen is kept; so is another one, where no row
 * of the topic is stored yet.
 */
export async function isSameTopic(
  database: DuckDbDatabase,
  { name, schema }: StreamHome,
  { topic, id, hasRows }: { readonly topic: string; readonly id: string; readonly hasRows: boolean },
): Promise<boolean> {
  const key = `stream = ${quoteText(name)} AND topic = ${quoteText(topic)}`;
  const stored = (await database.read(`SELECT id FROM ${schema}.topic_ids WHERE ${key}`))[0]?.[0];
  if (stored === id) return true;
  if (stored !== undefined && hasRows) return false;
  // On a connection of its own: several topics are opened at once.
  const connection = await database.connect();
  try {
    await connection.run(`BEGIN TRANSACTION; DELETE FROM ${schema}.topic_ids WHERE ${key}`);
    await connection.run(`INSERT INTO ${schema}.topic_ids VALUES ($1, $2, $3)`, [name, topic, id]);
    await connection.run("COMMIT");
    return true;
  } finally {
    connection.closeSync();
  }
}

/** A keyed table has other columns inside. */
function formatOf({ format, mode }: StreamTableDefinition): string {
  return mode === "upsert" ? `${formatName(format)}, the last row of each key` : formatName(format);
}

/** Removes everything of a stream. */
export async function dropStored(database: DuckDbDatabase, home: StreamHome): Promise<void> {
  const { name, schema } = home;
  const generations = await database.read(`SELECT id FROM ${schema}.generations WHERE stream = $1`, [name]);
  const text = quoteText(name);
  await database.change(home, {
    views: [
      `DROP VIEW IF EXISTS main.${quoteIdentifier(name)}`,
      `DROP VIEW IF EXISTS main.${quoteIdentifier(`${name}_errors`)}`,
      `DROP VIEW IF EXISTS ${sequencedView(name)}`,
    ],
    after: [
      ...generations.map(([id]) => `DROP TABLE IF EXISTS ${generationTable(home, Number(id))}`),
      `DROP TABLE IF EXISTS ${errorsTable(home)}`,
      ...["generations", "offsets", "topic_ids"].map(
        (table) => `DELETE FROM ${schema}.${table} WHERE stream = ${text}`,
      ),
      `DELETE FROM ${schema}.streams WHERE name = ${text}`,
    ],
  });
}

export function newGeneration(id: number, fields: readonly Field[]): GenerationState {
  return { id, fields, rows: 0, bytes: 0, newestMs: 0, createdAtMs: Date.now() };
}

export function registerGeneration(home: StreamHome, generation: GenerationState): string[] {
  return [
    createGeneration(home, generation),
    `INSERT INTO ${home.schema}.generations VALUES (${quoteText(home.name)}, ${generation.id}, ${quoteText(JSON.stringify(generation.fields))}, ${generation.createdAtMs}, 0)`,
  ];
}

export function forgetGeneration(home: StreamHome, generation: Generation): string[] {
  return [
    `DROP TABLE ${generationTable(home, generation.id)}`,
    `DELETE FROM ${home.schema}.generations WHERE stream = ${quoteText(home.name)} AND id = ${generation.id}`,
  ];
}

export function updateRowBytes(home: StreamHome, generation: GenerationState): string {
  const rowBytes = generation.rows === 0 ? 0 : generation.bytes / generation.rows;
  return `UPDATE ${home.schema}.generations SET row_bytes = ${rowBytes} WHERE stream = ${quoteText(home.name)} AND id = ${generation.id}`;
}

export function updateRetired(home: StreamHome, retired: number): string {
  return `UPDATE ${home.schema}.streams SET retired = ${retired} WHERE name = ${quoteText(home.name)}`;
}
