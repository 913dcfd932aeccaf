/**
 * The fields that a stream's JSON records have shown so far, the kind of column each one needs, and how a kind widens
 * when a later record does not fit. Pure: it knows nothing of bytes and nothing of a database.
 */

import type { Shape } from "./shape.js";

/**
 * What a field's values have been so far.
 * `text` holds strings only; `mixed` is text too, made of strings and of other values as they were written.
 */
export type FieldKind =
  | "null"
  | "boolean"
  /** Integers that fit 64 bits. */
  | "bigint"
  /** Integers that fit 127 bits and a sign. */
  | "hugeint"
  | "double"
  /** Strings that are all an ISO 8601 instant in UTC, such as `2026-01-31T09:30:00.125Z`. */
  | "timestamp"
  | "text"
  /** Objects and arrays. */
  | "json"
  | "mixed"
  /** Numbers since 1970 that a schema declares to be instants. */
  | "epoch_s"
  | "epoch_ms"
  | "epoch_us"
  /** Lists and structs of a declared shape. */
  | "nested"
  /** A whole value as it is. */
  | "blob";

export interface Field {
  /** The key in the record. */
  readonly key: string;
  /** The column: the key, unless that is taken, reserved, empty or too long. */
  readonly column: string;
  readonly kind: FieldKind;
  /** Of kind `nested`. */
  readonly shape?: Shape;
}

/** Columns every stream table has beside the records' own; a field of such a name gets another. */
export const METADATA_COLUMNS = ["_topic", "_partition", "_offset", "_timestamp", "_key", "_headers"] as const;

/** Holds a whole record that has fields beyond `FIELDS_MAX`. */
export const REST_COLUMN = "_rest";

const RESERVED_COLUMNS: readonly string[] = [...METADATA_COLUMNS, REST_COLUMN, "_seq", "rowid"];

/** A table has at most this many columns of its own; a record's further fields stay readable in `_rest`. */
export const FIELDS_MAX = 500;

const COLUMN_NAME_CHARACTERS_MAX = 64;

/** The narrowest kind that holds both. Every step is exact, or ends in text. */
export function widenKind(current: FieldKind, observed: FieldKind): FieldKind {
  if (current === observed || observed === "null") return current;
  if (current === "null") return observed;
  const pair = [current, observed];
  if (pair.every((kind) => kind === "bigint" || kind === "hugeint")) return "hugeint";
  if (pair.every((kind) => kind === "bigint" || kind === "hugeint" || kind === "double")) return "double";
  if (pair.every((kind) => kind === "timestamp" || kind === "text")) return "text";
  return "mixed";
}

/** Observations of one batch, folded into the fields: the same array when nothing changed. */
export function widenFields(fields: readonly Field[], observed: ReadonlyMap<string, FieldKind>): readonly Field[] {
  const known = new Set(fields.map((field) => field.key));
  const widened = fields.map((field) => {
    const kind = widenKind(field.kind, observed.get(field.key) ?? "null");
    return kind === field.kind ? field : { ...field, kind };
  });
  const added: Field[] = [];
  for (const [key, kind] of observed) {
    if (known.has(key) || fields.length + added.length >= FIELDS_MAX) continue;
    added.push({ key, kind, column: fieldColumn(key, [...fields, ...added]) });
  }
  const changed = added.length > 0 || widened.some((field, index) => field !== fields[index]);
  return changed ? [...widened, ...added] : fields;
}

/** What changed, in words for the status line; empty when nothing a reader would notice did. */
export function describeWidening(before: readonly Field[], after: readonly Field[]): string[] {
  const sentences: string[] = [];
  after.forEach((field, index) => {
    const earlier = before[index];
    const spelled = field.column === field.key ? "" : ` (field ${JSON.stringify(field.key)})`;
    if (earlier === undefined) {
      if (before.length > 0) sentences.push(`new column ${field.column}${spelled}`);
    } else if (earlier.kind !== field.kind && earlier.kind !== "null") {
      sentences.push(describeChange(field.column, earlier.kind, field.kind));
    }
  });
  return sentences;
}

function describeChange(column: string, before: FieldKind, after: FieldKind): string {
  if (after === "mixed") return `column ${column} is text now, because its values are of several types`;
  return `column ${column} went from ${kindInWords(before)} to ${kindInWords(after)}`;
}

function kindInWords(kind: FieldKind): string {
  switch (kind) {
    case "bigint":
      return "integer";
    case "hugeint":
      return "128-bit integer";
    default:
      return kind;
  }
}

/** SQL engines compare column names without case and refuse empty ones and NUL. */
export function fieldColumn(key: string, taken: readonly Field[]): string {
  const cleaned = replaceControlCharacters(key).slice(0, COLUMN_NAME_CHARACTERS_MAX);
  const base = cleaned === "" ? "_empty" : cleaned;
  const used = new Set([...RESERVED_COLUMNS, ...taken.map((field) => field.column)].map((name) => name.toLowerCase()));
  let name = base;
  for (let suffix = 2; used.has(name.toLowerCase()); suffix++) name = `${base}_${suffix}`;
  return name;
}

function replaceControlCharacters(text: string): string {
  return Array.from(text, (character) => (character < " " || character === "\u007f" ? "_" : character))
    .join("")
    .toWellFormed();
}
