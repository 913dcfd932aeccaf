/**
 * A schema as a user declares it, `{ id: "VARCHAR", n: "BIGINT", at: "EPOCH_MS", user: { id: "BIGINT" }, tags: ["VARCHAR"] }`,
 * read into fields. Owns the names of the types and the messages about what is none. Pure.
 */
import { TidetableError } from "../errors.js";
import { probablyMeant } from "../sql/identifiers.js";
import { FIELDS_MAX, type Field, type FieldKind, fieldColumn } from "./json/fields.js";
import type { ScalarKind, Shape } from "./json/shape.js";

/** A column's type. `EPOCH_…`: the record has a number since 1970, the column is a TIMESTAMP. */
export type ColumnType =
  | "VARCHAR"
  | "BOOLEAN"
  | "BIGINT"
  | "HUGEINT"
  | "DOUBLE"
  | "TIMESTAMP"
  | "JSON"
  | "EPOCH_S"
  | "EPOCH_MS"
  | "EPOCH_US";

/** A type, `[type]` for a list, an object of types for a struct. */
export type DeclaredType = ColumnType | readonly [DeclaredType] | { readonly [key: string]: DeclaredType };

/** Columns by the key of the record's field. */
export type DeclaredSchema = Readonly<Record<string, DeclaredType>>;

const SCALARS: Readonly<Record<string, ScalarKind>> = {
  VARCHAR: "text",
  BOOLEAN: "boolean",
  BIGINT: "bigint",
  HUGEINT: "hugeint",
  DOUBLE: "double",
  TIMESTAMP: "timestamp",
  JSON: "json",
};
const EPOCHS: Readonly<Record<string, FieldKind>> = { EPOCH_S: "epoch_s", EPOCH_MS: "epoch_ms", EPOCH_US: "epoch_us" };
const NAMES = [...Object.keys(SCALARS), ...Object.keys(EPOCHS)];
/** Other words for the same, as people know them from SQL and TypeScript. */
const ALIASES: Readonly<Record<string, string>> = {
  TEXT: "VARCHAR",
  STRING: "VARCHAR",
  INT: "BIGINT",
  INTEGER: "BIGINT",
  LONG: "BIGINT",
  INT64: "BIGINT",
  FLOAT: "DOUBLE",
  REAL: "DOUBLE",
  NUMBER: "DOUBLE",
  BOOL: "BOOLEAN",
  DATETIME: "TIMESTAMP",
  DATE: "TIMESTAMP",
  OBJECT: "JSON",
};
const DEPTH_MAX = 16;

/** @throws TidetableError CONFIG_INVALID naming the field, what stands there and what may. */
export function readDeclaredSchema(schema: unknown): readonly Field[] {
  if (!isObject(schema) || Object.keys(schema).length === 0) {
    throw invalid(`schema is ${show(schema)}; write columns with their types, as { id: "VARCHAR", n: "BIGINT" }.`);
  }
  const entries = Object.entries(schema);
  if (entries.length > FIELDS_MAX) throw invalid(`schema has ${entries.length} columns; ${FIELDS_MAX} at the most.`);
  const fields: Field[] = [];
  for (const [key, type] of entries) fields.push(readField(key, type, fields));
  return fields;
}

function readField(key: string, type: unknown, taken: readonly Field[]): Field {
  const column = fieldColumn(key, taken);
  const epoch = typeof type === "string" ? EPOCHS[type.toUpperCase()] : undefined;
  if (epoch !== undefined) return { key, column, kind: epoch };
  const shape = readShape(`schema.${key}`, type, 0);
  return "kind" in shape ? { key, column, kind: shape.kind } : { key, column, kind: "nested", shape };
}

function readShape(path: string, type: unknown, depth: number): Shape {
  if (depth > DEPTH_MAX) throw invalid(`${path} is nested deeper than ${DEPTH_MAX} levels; declare it as "JSON".`);
  if (typeof type === "string") return { kind: readScalar(path, type) };
  if (Array.isArray(type) && type.length === 1) return { list: readShape(`${path}[0]`, type[0], depth + 1) };
  if (isObject(type) && Object.keys(type).length > 0) return { struct: readMembers(path, type, depth) };
  throw invalid(
    `${path} is ${show(type)}; write a type (${NAMES.join(", ")}), [type] for a list, or { key: type } for a struct.`,
  );
}

function readMembers(path: string, type: object, depth: number): Array<{ key: string; shape: Shape }> {
  const lower = new Map<string, string>();
  return Object.entries(type).map(([key, member]) => {
    const twin = lower.get(key.toLowerCase());
    if (twin !== undefined || key === "" || key.includes("\u0000")) {
      const why = twin === undefined ? "is no name that a struct can have" : `differs from "${twin}" in case only`;
      throw invalid(`${path} has the key ${JSON.stringify(key)}, which ${why}; declare ${path} as "JSON".`);
    }
    lower.set(key.toLowerCase(), key);
    return { key, shape: readShape(`${path}.${key}`, member, depth + 1) };
  });
}

function readScalar(path: string, type: string): ScalarKind {
  const name = type.trim().toUpperCase();
  const kind = SCALARS[name];
  if (kind !== undefined) return kind;
  if (EPOCHS[name] !== undefined) {
    throw invalid(
      `${path} is "${type}" inside a list or struct; there it is "BIGINT", and make_timestamp_ms() in a query.`,
    );
  }
  const meant = ALIASES[name] ?? (/^TIMESTAMP|^EPOCH/.test(name) ? "EPOCH_MS" : probablyMeant(name, NAMES));
  const hint = meant === undefined ? "" : ` Did you mean "${meant}"?`;
  throw invalid(`${path} is "${type}", which is none of the types ${NAMES.join(", ")}.${hint}`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? String(value));
}

function invalid(message: string): TidetableError {
  return new TidetableError("CONFIG_INVALID", message);
}
