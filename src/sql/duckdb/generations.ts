/**
 * The SQL text behind a stream table: generations (one physical table each), the view of the stream's name over them,
 * the insert that fills one. Pure text building; it runs nothing.
 *
 * Physical columns are called c0, c1, … so that no field name can clash with anything; the views give them their names.
 * A change of the fields never alters a table: it begins a new generation, and the view casts the older ones.
 */
import type { Decoder } from "../../streaming/decoder.js";
import { FIELDS_MAX, type Field, METADATA_COLUMNS, REST_COLUMN } from "../../streaming/json/fields.js";
import { type EpochKind, isEpochKind } from "../../streaming/json/kinds.js";
import { jsonStructureOf, sqlTypeOfShape } from "../../streaming/json/shape.js";
import { quoteIdentifier, quoteText } from "../identifiers.js";

/** Schema for everything a user should not meet. Not the name of the store, which is a catalog. */
export const INTERNAL_SCHEMA = "tidetable_internal";

/** The database in memory beside the store's file, for streams that are to leave nothing on the disk. */
export const MEMORY_CATALOG = "tidetable_memory";

/** Where a stream's tables lie. Its views are always in the store, whose names queries use. */
export interface StreamHome {
  readonly name: string;
  /** Schema of its tables: `INTERNAL_SCHEMA`, here or in memory. */
  readonly schema: string;
  /** The table shows the last row of each key. */
  readonly keyed: boolean;
}

export function streamHome(name: string, options: { readonly inMemory: boolean; readonly keyed: boolean }): StreamHome {
  const schema = options.inMemory ? `${MEMORY_CATALOG}.${INTERNAL_SCHEMA}` : INTERNAL_SCHEMA;
  return { name, schema, keyed: options.keyed };
}

export interface Generation {
  readonly id: number;
  /** The fields when the generation began. */
  readonly fields: readonly Field[];
}

/** What the names of sequenced views end with. */
const SEQUENCED = "__rows";
const METADATA_DEFINITIONS =
  "_topic VARCHAR, _partition INTEGER, _offset BIGINT, _timestamp TIMESTAMP, _key VARCHAR, _headers MAP(VARCHAR, BLOB)";
const METADATA_NAMES = METADATA_COLUMNS.join(", ");

/** What a field is in SQL. */
export function sqlTypeOf({ kind, shape }: Pick<Field, "kind" | "shape">): string {
  switch (kind) {
    case "null":
    case "text":
    case "mixed":
      return "VARCHAR";
    case "boolean":
      return "BOOLEAN";
    case "bigint":
      return "BIGINT";
    case "hugeint":
      return "HUGEINT";
    case "double":
      return "DOUBLE";
    case "timestamp":
    case "epoch_s":
    case "epoch_ms":
    case "epoch_us":
      return "TIMESTAMP";
    case "json":
      return "JSON";
    case "nested":
      return shape === undefined ? "JSON" : sqlTypeOfShape(shape);
    case "blob":
      return "BLOB";
  }
}

export function generationTable(home: StreamHome, id: number): string {
  return `${home.schema}.${quoteIdentifier(`${home.name}__g${id}`)}`;
}

export function errorsTable(home: StreamHome): string {
  return `${home.schema}.${quoteIdentifier(`${home.name}__errors`)}`;
}

/** Like the stream's own view, with `_seq`: for readers that continue where they stopped. */
export function sequencedView(stream: string): string {
  return `${INTERNAL_SCHEMA}.${quoteIdentifier(`${stream}${SEQUENCED}`)}`;
}

/** The stream whose sequenced view has this name in our schema; undefined for what is none. */
export function streamOfSequencedView(view: string): string | undefined {
  return view.endsWith(SEQUENCED) ? view.slice(0, -SEQUENCED.length) : undefined;
}

export function createGeneration(home: StreamHome, generation: Generation): string {
  const own = generation.fields.map((field, index) => `c${index} ${sqlTypeOf(field)}`);
  const rest = hasRest(generation.fields) ? [`${REST_COLUMN} JSON`] : [];
  const deleted = home.keyed ? ["_deleted BOOLEAN"] : [];
  const columns = ["_seq BIGINT", ...own, ...rest, METADATA_DEFINITIONS, ...deleted].join(", ");
  return `CREATE TABLE ${generationTable(home, generation.id)} (${columns})`;
}

/** `value_bytes` is the size of the value; of a very large one, `raw` has the beginning only. */
export function createErrorsTable(home: StreamHome): string {
  return `CREATE TABLE IF NOT EXISTS ${errorsTable(home)} (raw BLOB, reason VARCHAR, ${METADATA_DEFINITIONS}, received TIMESTAMP, value_bytes BIGINT)`;
}

/** The views over all generations, oldest first: the stream's own, the sequenced one, the errors'. */
export function createViews(
  home: StreamHome,
  generations: readonly Generation[],
  fields: readonly Field[],
): readonly string[] {
  const select = (hidden: readonly string[]): string =>
    generations.map((generation) => selectGeneration(home, generation, fields, hidden)).join(" UNION ALL ");
  const sequenced = sequencedView(home.name);
  const errors = `SELECT raw, reason, ${METADATA_NAMES}, received FROM ${errorsTable(home)}`;
  return [
    `CREATE OR REPLACE VIEW ${sequenced} AS ${select(home.keyed ? ["_seq", "_deleted"] : ["_seq"])}`,
    `CREATE OR REPLACE VIEW main.${quoteIdentifier(home.name)} AS ${home.keyed ? selectLast(sequenced) : select([])}`,
    `CREATE OR REPLACE VIEW main.${quoteIdentifier(`${home.name}_errors`)} AS ${errors}`,
  ];
}

/** The last row of each key, unless that says that the key is gone. A key's records are in order: they are in one partition. */
function selectLast(sequenced: string): string {
  const last = `SELECT max(_seq) FROM ${sequenced} GROUP BY _topic, _key`;
  return `SELECT * EXCLUDE (_seq, _deleted) FROM ${sequenced} WHERE NOT _deleted AND _seq IN (${last})`;
}

/** @param names the columns, where not all of them are wanted; `hidden` ones come before them */
export function selectGeneration(
  home: StreamHome,
  generation: Generation,
  fields: readonly Field[],
  hidden: readonly string[],
  names?: readonly string[],
): string {
  const isWanted = (name: string): boolean => names === undefined || names.includes(name);
  const columns = storedColumns(generation, fields).flatMap((stored, index) => {
    const { column } = fields[index] as Field;
    return isWanted(column) ? `${stored} AS ${quoteIdentifier(column)}` : [];
  });
  if (hasRest(fields) && isWanted(REST_COLUMN)) {
    columns.push(hasRest(generation.fields) ? REST_COLUMN : `NULL::JSON AS ${REST_COLUMN}`);
  }
  const all = [...hidden, ...columns, ...METADATA_COLUMNS.filter(isWanted)];
  return `SELECT ${all.join(", ")} FROM ${generationTable(home, generation.id)}`;
}

/** The stream's present fields as expressions over a generation's columns. */
function storedColumns(generation: Generation, fields: readonly Field[]): string[] {
  return fields.map((field) => {
    const index = generation.fields.findIndex((stored) => stored.key === field.key);
    return castStored(`c${index}`, generation.fields[index], field);
  });
}

/** A stored column as the stream's present type; `undefined`: the generation has no such field. */
function castStored(column: string, stored: Field | undefined, wanted: Field): string {
  const type = sqlTypeOf(wanted);
  if (stored === undefined || stored.kind === "null") return `NULL::${type}`;
  const storedType = sqlTypeOf(stored);
  if (storedType === type) return column;
  if (type === "VARCHAR" && storedType === "TIMESTAMP") return instantText(column);
  if (type === "VARCHAR") return stored.kind === "nested" ? `to_json(${column})::VARCHAR` : `${column}::VARCHAR`;
  if (type === "JSON" && storedType !== "VARCHAR") return `to_json(${column})`;
  if (isEpochKind(wanted.kind) && (stored.kind === "bigint" || stored.kind === "double")) {
    return guardedInstant(wanted.kind, column);
  }
  const widens =
    (stored.kind === "bigint" && (wanted.kind === "hugeint" || wanted.kind === "double")) ||
    (stored.kind === "hugeint" && wanted.kind === "double");
  // Only a schema that was declared anew asks for a narrower type; values that do not fit it are NULL, and that is said.
  return widens ? `${column}::${type}` : `TRY_CAST(${column} AS ${type})`;
}

/** Whether every stored value keeps its meaning when its field becomes the wanted one. */
export function keepsValues(stored: Field, wanted: Field): boolean {
  const from = sqlTypeOf(stored);
  const to = sqlTypeOf(wanted);
  const isNumber = stored.kind === "bigint" || stored.kind === "hugeint";
  return (
    stored.kind === "null" ||
    from === to ||
    to === "VARCHAR" ||
    (to === "JSON" && from !== "VARCHAR") ||
    (isNumber && wanted.kind === "hugeint")
  );
}

/** An instant as the text it came as: milliseconds as JavaScript writes them, microseconds where there are any. */
function instantText(column: string): string {
  const format = (fraction: string): string => `strftime(${column}, '%Y-%m-%dT%H:%M:%S.${fraction}Z')`;
  return `CASE WHEN microsecond(${column}) % 1000 = 0 THEN ${format("%g")} ELSE ${format("%f")} END`;
}

/** Moves a small generation's rows into its successor, so that early drift leaves no trail of tiny tables. */
export function copyGeneration(home: StreamHome, from: Generation, to: Generation): string {
  const hidden = home.keyed ? ["_deleted"] : [];
  const columns = storedColumns(from, to.fields);
  if (hasRest(to.fields)) columns.push(hasRest(from.fields) ? REST_COLUMN : "NULL::JSON");
  return `INSERT INTO ${generationTable(home, to.id)} SELECT ${["_seq", ...columns, METADATA_NAMES, ...hidden].join(", ")} FROM ${generationTable(home, from.id)} ORDER BY _seq`;
}

/** Moves the last row of each key out of all generations, the newest of them; keys that are gone are forgotten. */
export function compactGenerations(
  home: StreamHome,
  from: readonly Generation[],
  to: Generation,
  limit: { readonly rowsMax?: number; readonly sinceMs?: number },
): string {
  const all = from.map((generation) => selectGeneration(home, generation, to.fields, ["_seq", "_deleted"]));
  const columns = to.fields.map((field) => quoteIdentifier(field.column));
  if (hasRest(to.fields)) columns.push(REST_COLUMN);
  const last = "SELECT max(_seq) FROM everything GROUP BY _topic, _key";
  const since =
    limit.sinceMs === undefined ? "" : ` AND (_timestamp IS NULL OR _timestamp >= make_timestamp_ms(${limit.sinceMs}))`;
  const most = limit.rowsMax === undefined ? "" : ` LIMIT ${limit.rowsMax}`;
  const kept = `SELECT * FROM everything WHERE NOT _deleted AND _seq IN (${last})${since} ORDER BY _seq DESC${most}`;
  return `INSERT INTO ${generationTable(home, to.id)} WITH everything AS (${all.join(" UNION ALL ")}) SELECT ${["_seq", ...columns, METADATA_NAMES, "_deleted"].join(", ")} FROM (${kept}) ORDER BY _seq`;
}

/** How the records of a batch are handed to an insert; the table function of a chain follows the same layout. */
export interface IngestLayout {
  /** The fields that are handed over, each as text: strings as what they say, everything else as it was written. */
  readonly fields: ReadonlyArray<{
    readonly fieldIndex: number;
    /** A string is handed over without its quotes and escapes. */
    readonly unquote: boolean;
    readonly type: "VARCHAR" | "BLOB";
  }>;
  /** Whether a record with fields beyond the table's is handed over whole. */
  readonly rest: boolean;
  /** Whether it is told which records say that their key is gone. */
  readonly gone: boolean;
}

export function ingestLayout(home: StreamHome, fields: readonly Field[], layout: Decoder["layout"]): IngestLayout {
  if (layout === "values") {
    const type = fields[0]?.kind === "blob" ? "BLOB" : "VARCHAR";
    return { fields: [{ fieldIndex: 0, unquote: false, type }], rest: false, gone: home.keyed };
  }
  const handedOver = fields.flatMap(({ kind }, fieldIndex) =>
    kind === "null" ? [] : [{ fieldIndex, unquote: kind !== "json" && kind !== "nested", type: "VARCHAR" as const }],
  );
  return { fields: handedOver, rest: hasRest(fields), gone: home.keyed };
}

/** Names and types of the table function's columns, after the fixed ones. */
export function layoutColumns(
  layout: IngestLayout,
): Array<{ readonly name: string; readonly type: "VARCHAR" | "BLOB" }> {
  const text = (name: string) => ({ name, type: "VARCHAR" as const });
  return [
    ...layout.fields.map(({ fieldIndex, type }) => ({ name: `v${fieldIndex}`, type })),
    ...(layout.rest ? [text("rest")] : []),
    ...(layout.gone ? [text("gone")] : []),
  ];
}

/** What a batch is read from; its topic is part of the statement, because a statement with parameters is planned at each run. */
interface BatchSource {
  readonly topic: string;
  readonly tableFunction: string;
}

export function insertRows(
  home: StreamHome,
  generation: Generation,
  layout: Decoder["layout"],
  { topic, tableFunction }: BatchSource,
): string {
  const { fields } = generation;
  const columns = fields.map((field, index) => (layout === "values" ? `v${index}` : storedValue(field, `v${index}`)));
  if (hasRest(fields)) columns.push("rest::JSON");
  const metadata = `${quoteText(topic)}, part, off, ${timestampOf("ts")}, key, ${headersOf("headers")}`;
  const gone = home.keyed ? ["gone IS NOT NULL"] : [];
  return `INSERT INTO ${generationTable(home, generation.id)} SELECT ${["seq", ...columns, metadata, ...gone].join(", ")} FROM ${tableFunction}()`;
}

/** A field's value from its text, which the scanner has found to be of the field's kind: no cast here can fail. */
function storedValue(field: Field, text: string): string {
  if (field.kind === "null") return "NULL";
  if (isEpochKind(field.kind)) {
    return instantOf(field.kind, `${text}::${field.kind === "epoch_us" ? "BIGINT" : "DOUBLE"}`);
  }
  if (field.kind === "nested" && field.shape !== undefined) {
    return `from_json(${text}, ${quoteText(jsonStructureOf(field.shape))})`;
  }
  const type = sqlTypeOf(field);
  return type === "VARCHAR" ? text : `${text}::${type}`;
}

/** A number since 1970 as TIMESTAMP; the scanner has seen that it is one. */
function instantOf(kind: EpochKind, column: string): string {
  if (kind === "epoch_us") return `make_timestamp(${column}::BIGINT)`;
  return `make_timestamp(round(${column} * ${kind === "epoch_s" ? "1000000" : "1000"})::BIGINT)`;
}

function guardedInstant(kind: EpochKind, column: string): string {
  const end = { epoch_s: 253_402_300_799, epoch_ms: 253_402_300_799_999, epoch_us: 253_402_300_799_999_999n }[kind];
  return `CASE WHEN ${column} BETWEEN 0 AND ${end} THEN ${instantOf(kind, column)} END`;
}

export function insertErrors(home: StreamHome, { topic, tableFunction }: BatchSource): string {
  const metadata = `${quoteText(topic)}, part, off, ${timestampOf("ts")}, key, ${headersOf("headers")}`;
  return `INSERT INTO ${errorsTable(home)} SELECT raw, reason, ${metadata}, make_timestamp_ms(arrived), size FROM ${tableFunction}()`;
}

/** Where a partition stands after a batch, and what the batch adds to its counts. */
export interface OffsetStep {
  readonly partition: number;
  readonly next: bigint;
  readonly rows: number;
  readonly rejected: number;
  readonly tombstones: number;
}

/** Of each partition's row. Lists by position, because planning a join would cost more than all the rest of a small batch. */
export function updateOffsets({ schema, name }: StreamHome, topic: string, steps: readonly OffsetStep[]): string {
  const partitions = steps.map(({ partition }) => partition).join(", ");
  const of = (value: (step: OffsetStep) => number | bigint): string =>
    `[${steps.map(value).join(", ")}][list_position([${partitions}], partition)]`;
  const added = (column: "rows" | "rejected" | "tombstones"): string[] =>
    steps.some((step) => step[column] > 0) ? [`${column} = ${column} + ${of((step) => step[column])}`] : [];
  const changes = [
    `next_offset = ${of((step) => step.next)}`,
    ...added("rows"),
    ...added("rejected"),
    ...added("tombstones"),
  ];
  return `UPDATE ${schema}.offsets SET ${changes.join(", ")} WHERE stream = ${quoteText(name)} AND topic = ${quoteText(topic)} AND partition IN (${partitions})`;
}

/** Of those partitions that have no row yet. */
export function insertOffsets({ schema, name }: StreamHome, topic: string, steps: readonly OffsetStep[]): string {
  const values = steps.map(
    (step) => `(${step.partition}, ${step.next}::BIGINT, ${step.rows}, ${step.rejected}, ${step.tombstones})`,
  );
  const known = `SELECT partition FROM ${schema}.offsets WHERE stream = ${quoteText(name)} AND topic = ${quoteText(topic)}`;
  return `INSERT INTO ${schema}.offsets (next_offset, rows, rejected, tombstones, stream, topic, partition) SELECT upto, stored, refused, gone, ${quoteText(name)}, ${quoteText(topic)}, number FROM (VALUES ${values.join(", ")}) AS step(number, upto, stored, refused, gone) WHERE number NOT IN (${known})`;
}

/** A producer may set any 64 bits; what is no instant between 1970 and 9999 is NULL. */
function timestampOf(column: string): string {
  return `CASE WHEN ${column} BETWEEN 0 AND 253402300799999 THEN make_timestamp_ms(${column}) END`;
}

/** Headers arrive as a JSON list of [name, base64 or null] pairs. */
function headersOf(column: string): string {
  return `CASE WHEN ${column} IS NOT NULL THEN map_from_entries(list_transform(from_json(${column}, '[["VARCHAR"]]'), lambda pair: {'k': pair[1], 'v': from_base64(pair[2])})) END`;
}

function hasRest(fields: readonly Field[]): boolean {
  return fields.length >= FIELDS_MAX;
}
