/**
 * The SQL of a stream on Spark: from Kafka's records to the rows that are stored, and from those to the tables that
 * queries see. One pass, so that a record is in exactly one of them. Text only; nothing is run here. Pure.
 */
import { TidetableError } from "../../errors.js";
import type { Field } from "../../streaming/json/fields.js";
import { quoteText } from "../identifiers.js";
import type { StreamTableDefinition } from "../sql-engine.js";
import { backQuoted, sparkText } from "./dialect.js";

/** What is stored beside a record's own columns: why it is no row, its bytes then, and where it came from. */
const storedColumns = [
  "_reason",
  "_raw",
  "_topic",
  "_partition",
  "_offset",
  "_timestamp",
  "_key",
  "_headers",
  "_received",
] as const;

export const TOMBSTONE = "tombstone";
/** The figures that come with each progress report. */
export const streamMetrics = {
  rows: "count_if(_reason IS NULL) AS rows",
  rejected: `count_if(_reason <> ${quoteText(TOMBSTONE)}) AS rejected`,
  tombstones: `count_if(_reason = ${quoteText(TOMBSTONE)}) AS tombstones`,
} as const;

/** @throws TidetableError CONFIG_INVALID for what Spark's tables do not do; said instead of done otherwise. */
export function refuseUnsupported({ name, format, mode, schema }: StreamTableDefinition): void {
  const refuse = (what: string, wayOut: string) => {
    throw new TidetableError("CONFIG_INVALID", `Stream ${name}: ${what} is not there on Spark. ${wayOut}`);
  };
  if (mode === "upsert")
    refuse('mode "upsert"', "Read it with the default mode, and ask for the newest row of each key.");
  if (format !== "json" && format !== "text" && format !== "raw") {
    refuse("the format csv", 'Read it with format "text", and split it in SQL.');
  }
  const nested = schema?.find((field) => field.kind === "nested");
  if (nested !== undefined) {
    refuse(`a declared list or struct (${nested.column})`, "Leave it out of the schema: it comes as JSON text.");
  }
}

/** Rows to store, from a streaming view of Kafka's records. */
export function storedRows(rawView: string, format: StreamTableDefinition["format"], fields: readonly Field[]): string {
  const record = [
    "topic AS _topic",
    "partition AS _partition",
    "offset AS _offset",
    "timestamp AS _timestamp",
    "CAST(key AS STRING) AS _key",
    "map_from_entries(headers) AS _headers",
    "current_timestamp() AS _received",
  ];
  const { parsed, reason, columns } = format === "json" ? jsonParts(fields) : wholeParts(format);
  return `SELECT ${[...columns, "_reason", "CASE WHEN _reason IS NOT NULL THEN value END AS _raw", ...storedColumns.slice(2)].join(", ")}
FROM (SELECT *, ${reason} AS _reason FROM (SELECT value, ${[parsed, ...record].join(", ")} FROM ${backQuoted(rawView)}))`;
}

interface Parts {
  readonly parsed: string;
  /** NULL for a row. */
  readonly reason: string;
  readonly columns: readonly string[];
}

function jsonParts(fields: readonly Field[]): Parts {
  const schema = [...fields.map(({ key, kind }) => `${backQuoted(key)} ${jsonType(kind)}`), "_corrupt STRING"].join(
    ", ",
  );
  // What JSON does not allow is refused here as in the other engines.
  const options =
    "map('mode', 'PERMISSIVE', 'columnNameOfCorruptRecord', '_corrupt', 'allowSingleQuotes', 'false', 'allowNonNumericNumbers', 'false')";
  return {
    parsed: `from_json(CAST(value AS STRING), ${sparkText(schema)}, ${options}) AS _json`,
    // An array would be read as its first item.
    reason: `CASE WHEN value IS NULL THEN ${quoteText(TOMBSTONE)}
      WHEN NOT startswith(ltrim(' \t\r\n', CAST(value AS STRING)), '{') THEN 'not a JSON object'
      WHEN _json IS NULL OR _json._corrupt IS NOT NULL THEN 'not JSON, or a value that does not fit its column' END`,
    columns: fields.map(
      ({ key, column, kind }) => `${fromJson(`_json.${backQuoted(key)}`, kind)} AS ${backQuoted(column)}`,
    ),
  };
}

function wholeParts(format: StreamTableDefinition["format"]): Parts {
  const tombstone = `CASE WHEN value IS NULL THEN ${quoteText(TOMBSTONE)}`;
  return format === "text"
    ? {
        parsed: "CAST(value AS STRING) AS _text",
        reason: `${tombstone} WHEN NOT is_valid_utf8(_text) THEN 'not valid UTF-8' END`,
        columns: ['_text AS "value"'],
      }
    : { parsed: "value AS _bytes", reason: `${tombstone} END`, columns: ['_bytes AS "value"'] };
}

function jsonType(kind: Field["kind"]): string {
  switch (kind) {
    case "boolean":
      return "BOOLEAN";
    case "bigint":
    case "epoch_s":
    case "epoch_ms":
    case "epoch_us":
      return "BIGINT";
    case "hugeint":
      return "DECIMAL(38, 0)";
    case "double":
      return "DOUBLE";
    case "timestamp":
      return "TIMESTAMP";
    default:
      return "STRING";
  }
}

function fromJson(value: string, kind: Field["kind"]): string {
  switch (kind) {
    case "epoch_s":
      return `timestamp_seconds(${value})`;
    case "epoch_ms":
      return `timestamp_millis(${value})`;
    case "epoch_us":
      return `timestamp_micros(${value})`;
    default:
      return value;
  }
}

/** The types of the stored columns, for tables that hold no file yet. */
export function storedSchema(format: StreamTableDefinition["format"], fields: readonly Field[]): string {
  const own =
    format === "json"
      ? fields.map(({ column, kind }) => `${backQuoted(column)} ${storedType(kind)}`)
      : [`\`value\` ${format === "text" ? "STRING" : "BINARY"}`];
  return [
    ...own,
    "_reason STRING, _raw BINARY, _topic STRING, _partition INT, _offset BIGINT, _timestamp TIMESTAMP",
    "_key STRING, _headers MAP<STRING, BINARY>, _received TIMESTAMP",
  ].join(", ");
}

/** A table of these columns without rows. */
export function emptyTable(schema: string): string {
  return `(SELECT inline(from_json('[]', ${sparkText(`ARRAY<STRUCT<${schema}>>`)})))`;
}

function storedType(kind: Field["kind"]): string {
  return kind.startsWith("epoch_") ? "TIMESTAMP" : jsonType(kind);
}

/** The table of a stream and the one of its rejected records, over what is stored. */
export function streamViews(
  name: string,
  stored: string,
  fields: readonly Field[],
): readonly { readonly name: string; readonly text: string }[] {
  const metadata = ["_topic", "_partition", "_offset", "_timestamp", "_key", "_headers"];
  const rows = [...fields.map((field) => backQuoted(field.column)), ...metadata].join(", ");
  const errors = ["_raw AS raw", "_reason AS reason", ...metadata, "_received AS received"].join(", ");
  return [
    { name, text: `SELECT ${rows} FROM ${stored} WHERE _reason IS NULL` },
    {
      name: `${name}_errors`,
      text: `SELECT ${errors} FROM ${stored} WHERE _reason <> ${quoteText(TOMBSTONE)}`,
    },
  ];
}
