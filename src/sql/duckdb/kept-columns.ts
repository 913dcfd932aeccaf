/**
 * Between DuckDB's vectors and the values of a kept state, for the types whose adding and comparing is exact in
 * JavaScript; any other type has no place there. The result's columns are those that a plain query would bring.
 */
import {
  type DuckDBDataChunk,
  DuckDBDateValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
} from "@duckdb/node-api";
import bindings from "@duckdb/node-bindings";
import type { Merge } from "../live/aggregates.js";
import { type KeptColumn, type KeptValue, wholeValue } from "../live/groups.js";
import type { Column, ColumnValues } from "../schema.js";
import { nullsOf } from "./nulls.js";
import { ShortTexts } from "./short-texts.js";
import { converters, logicalTypeOf, microsToMs } from "./value-converters.js";

const KEPT_TYPES = new Set([
  DuckDBTypeId.BOOLEAN,
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.DOUBLE,
  DuckDBTypeId.VARCHAR,
  DuckDBTypeId.DATE,
  DuckDBTypeId.TIMESTAMP,
]);

const WHOLE_TYPES = new Set([
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.DATE,
  DuckDBTypeId.TIMESTAMP,
]);

/** Whether a column of this type can be kept, as a group (no merge) or merged that way. */
export function canKeep(type: DuckDBType, merge: Merge | undefined): boolean {
  if (!KEPT_TYPES.has(type.typeId) || type.alias !== undefined) return false;
  if (merge === "state" || merge === "arg_min" || merge === "arg_max") return false;
  // Of other types the sum is another one, with a range of its own.
  return merge !== "sum" || type.typeId === DuckDBTypeId.HUGEINT || type.typeId === DuckDBTypeId.DOUBLE;
}

/** Integers and instants: whatever a sum of theirs is, it has to be exact. */
export function isWhole(type: DuckDBType): boolean {
  return WHOLE_TYPES.has(type.typeId);
}

/** Reads the columns of one state's chunks into kept values. */
export class KeptReader {
  readonly #texts = new ShortTexts();

  /** `isGroup`: values that come again and again, as those of other columns may not. */
  append(target: KeptColumn, chunk: DuckDBDataChunk, index: number, type: DuckDBType, isGroup: boolean): void {
    const count = chunk.rowCount;
    if (isWide(type)) appendWide(target, chunk, index, count);
    else if (isGroup && type.typeId === DuckDBTypeId.VARCHAR) this.#texts.append(target, chunk, index, count);
    else {
      const vector = chunk.getColumnVector(index);
      for (let row = 0; row < count; row++) target.push(toKept(vector.getItem(row)));
    }
  }
}

function isWide({ typeId }: DuckDBType): boolean {
  return typeId === DuckDBTypeId.BIGINT || typeId === DuckDBTypeId.TIMESTAMP;
}

/** 64 bits as two halves: most values fit a number, and a bigint would be an allocation for each. */
function appendWide(target: KeptColumn, chunk: DuckDBDataChunk, index: number, count: number): void {
  const vector = bindings.data_chunk_get_vector(chunk.chunk, index);
  const halves = new Int32Array(bindings.vector_get_data(vector, count * 8).slice().buffer);
  const isNull = nullsOf(vector, count);
  for (let row = 0; row < count; row++) {
    const [low, high] = [halves[2 * row] as number, halves[2 * row + 1] as number];
    const value = high * 2 ** 32 + (low >>> 0);
    if (isNull?.(row)) target.push(null);
    else target.push(Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low >>> 0));
  }
}

function toKept(value: DuckDBValue): KeptValue {
  if (typeof value === "bigint") return wholeValue(value);
  if (value instanceof DuckDBDateValue) return value.days;
  if (value === null || typeof value !== "object") return value;
  throw new TypeError(`a value of type ${value.constructor.name} is not kept`);
}

/** The values at `slots` as a result's column. */
export function keptColumn(name: string, type: DuckDBType, kept: KeptColumn, slots: Int32Array): Column {
  const values = Array.from(slots, (slot) => kept[slot] as KeptValue);
  const nulls = values.includes(null) ? { nulls: Uint8Array.from(values, (value) => Number(value === null)) } : {};
  return { name, type: logicalTypeOf(type.typeId), sqlType: String(type), data: columnValues(type, values), ...nulls };
}

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

function columnValues(type: DuckDBType, values: readonly KeptValue[]): ColumnValues {
  switch (type.typeId) {
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
      return { kind: "numbers", values: Int32Array.from(values, Number) };
    case DuckDBTypeId.DOUBLE:
      return { kind: "numbers", values: Float64Array.from(values, Number) };
    case DuckDBTypeId.TIMESTAMP:
      return { kind: "numbers", values: Float64Array.from(values, (value) => microsToMs(wide(value))) };
    case DuckDBTypeId.DATE:
      return { kind: "numbers", values: Float64Array.from(values, dayOf) };
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.HUGEINT:
      return wideIntegers(values);
    case DuckDBTypeId.VARCHAR:
      return dictionary(values);
    default:
      return { kind: "values", values };
  }
}

function wide(value: KeptValue): bigint {
  return typeof value === "bigint" ? value : typeof value === "number" ? BigInt(value) : 0n;
}

function dayOf(value: KeptValue): number {
  return value === null ? 0 : Number(converters.date(new DuckDBDateValue(Number(value))));
}

function wideIntegers(values: readonly KeptValue[]): ColumnValues {
  const fit = values.every((value) => typeof value !== "bigint" || (value >= INT64_MIN && value <= INT64_MAX));
  return fit
    ? { kind: "bigints", values: BigInt64Array.from(values, wide) }
    : { kind: "values", values: values.map((value) => (value === null ? null : wide(value))) };
}

function dictionary(values: readonly KeptValue[]): ColumnValues {
  const codesByText = new Map<string, number>();
  const codes = Uint32Array.from(values, (value) => {
    if (typeof value !== "string") return 0;
    const code = codesByText.get(value) ?? codesByText.size;
    codesByText.set(value, code);
    return code;
  });
  return { kind: "dictionary", codes, dictionary: [...codesByText.keys()] };
}
