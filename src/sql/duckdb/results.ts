/**
 * From DuckDB's chunks to our columns: numbers are copied as they lie in memory, strings go through a dictionary, the
 * rest is converted value by value. Counts every row, carries at most `rowLimit`.
 */
import {
  type DuckDBDataChunk,
  type DuckDBResult,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
} from "@duckdb/node-api";
import bindings from "@duckdb/node-bindings";
import { TidetableError } from "../../errors.js";
import type { Column, ColumnValues, LogicalType } from "../schema.js";
import { nullsOf } from "./nulls.js";
import { converters, logicalTypeOf, microsToMs } from "./value-converters.js";

/** Text and bytes carried to the cell at the most; a cell that shows more would only freeze its page. */
const RESULT_BYTES_MAX = 256 * 1024 * 1024;

export interface ResultRows {
  readonly columns: readonly Column[];
  readonly rowCount: number;
  readonly totalRowCount: number;
}

/** Reads a streaming result to its end. `check` is called between chunks and throws to stop. */
export async function readResult(result: DuckDBResult, rowLimit: number, check: () => void): Promise<ResultRows> {
  const names = result.columnNames();
  const budget = new ByteBudget();
  const builders = result.columnTypes().map((type, index) => createBuilder(names[index] ?? "", type, budget));
  let carried = 0;
  let total = 0;
  for (;;) {
    check();
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    const take = Math.min(chunk.rowCount, rowLimit - carried);
    if (take > 0) {
      builders.forEach((builder, index) => {
        builder.append(chunk, index, take);
      });
      carried += take;
    }
    total += chunk.rowCount;
  }
  return { columns: builders.map((builder) => builder.finish()), rowCount: carried, totalRowCount: total };
}

/** What the columns of one result hold together. Counted value by value: one chunk of long texts can be gigabytes. */
class ByteBudget {
  #used = 0;

  take(bytes: number): void {
    this.#used += bytes;
    if (this.#used <= RESULT_BYTES_MAX) return;
    throw new TidetableError(
      "RESULT_TOO_LARGE",
      `The result holds more than ${RESULT_BYTES_MAX / 1024 / 1024} MiB. Select fewer columns, or fewer rows with LIMIT.`,
    );
  }
}

/** Gathers one column over all chunks. */
abstract class ColumnBuilder {
  protected readonly budget: ByteBudget;
  protected rowCount = 0;
  readonly #name: string;
  readonly #type: LogicalType;
  readonly #sqlType: string;
  #nulls: Uint8Array | undefined;

  constructor(name: string, type: DuckDBType, budget: ByteBudget) {
    this.budget = budget;
    this.#name = name;
    this.#type = logicalTypeOf(type.typeId);
    this.#sqlType = type.alias ?? String(type);
  }

  append(chunk: DuckDBDataChunk, index: number, count: number): void {
    const vector = bindings.data_chunk_get_vector(chunk.chunk, index);
    this.#markNulls(vector, count);
    this.take(chunk, index, count);
    this.rowCount += count;
  }

  finish(): Column {
    const nulls = this.#nulls === undefined ? {} : { nulls: withLength(this.#nulls, this.rowCount) };
    return { name: this.#name, type: this.#type, sqlType: this.#sqlType, data: this.values(), ...nulls };
  }

  protected abstract take(chunk: DuckDBDataChunk, index: number, count: number): void;
  protected abstract values(): ColumnValues;

  #markNulls(vector: ReturnType<typeof bindings.data_chunk_get_vector>, count: number): void {
    const isNull = nullsOf(vector, count);
    if (isNull === undefined) return;
    for (let row = 0; row < count; row++) {
      if (!isNull(row)) continue;
      if (this.#nulls === undefined || this.#nulls.length < this.rowCount + count) {
        this.#nulls = withLength(this.#nulls ?? new Uint8Array(), Math.max(4096, 2 * (this.rowCount + count)));
      }
      this.#nulls[this.rowCount + row] = 1;
    }
  }
}

function withLength(bytes: Uint8Array, length: number): Uint8Array {
  const resized = new Uint8Array(length);
  resized.set(bytes.subarray(0, length));
  return resized;
}

type FixedArray = Float64Array | Int32Array | BigInt64Array;

/** Fixed-width numbers, taken chunk by chunk as typed arrays. */
class FixedBuilder<Values extends FixedArray> extends ColumnBuilder {
  readonly #parts: Values[] = [];
  readonly #width: number;
  readonly #read: (bytes: Uint8Array, count: number) => Values;
  readonly #join: (parts: readonly Values[], length: number) => ColumnValues;

  constructor(
    name: string,
    type: DuckDBType,
    budget: ByteBudget,
    width: number,
    read: (bytes: Uint8Array, count: number) => Values,
    join: (parts: readonly Values[], length: number) => ColumnValues,
  ) {
    super(name, type, budget);
    this.#width = width;
    this.#read = read;
    this.#join = join;
  }

  protected take(chunk: DuckDBDataChunk, index: number, count: number): void {
    const vector = bindings.data_chunk_get_vector(chunk.chunk, index);
    this.#parts.push(this.#read(bindings.vector_get_data(vector, count * this.#width), count));
    this.budget.take(count * 8);
  }

  protected values(): ColumnValues {
    return this.#join(this.#parts, this.rowCount);
  }
}

/** Strings, and whatever else is shown as text: each different value crosses once. */
class DictionaryBuilder extends ColumnBuilder {
  readonly #codesByText = new Map<string, number>();
  readonly #codes: number[] = [];
  readonly #convert: (value: Exclude<DuckDBValue, null>) => string;

  constructor(
    name: string,
    type: DuckDBType,
    budget: ByteBudget,
    convert: (value: Exclude<DuckDBValue, null>) => string,
  ) {
    super(name, type, budget);
    this.#convert = convert;
  }

  protected take(chunk: DuckDBDataChunk, index: number, count: number): void {
    const vector = chunk.getColumnVector(index);
    for (let row = 0; row < count; row++) {
      const value = vector.getItem(row);
      this.#codes.push(value === null ? 0 : this.#codeOf(this.#convert(value)));
    }
  }

  #codeOf(text: string): number {
    const known = this.#codesByText.get(text);
    if (known !== undefined) return known;
    const code = this.#codesByText.size;
    this.#codesByText.set(text, code);
    this.budget.take(text.length * 2);
    return code;
  }

  protected values(): ColumnValues {
    return { kind: "dictionary", codes: Uint32Array.from(this.#codes), dictionary: [...this.#codesByText.keys()] };
  }
}

/** One JS value a row. */
class ValuesBuilder extends ColumnBuilder {
  protected readonly items: unknown[] = [];
  readonly #convert: (value: Exclude<DuckDBValue, null>) => unknown;

  constructor(
    name: string,
    type: DuckDBType,
    budget: ByteBudget,
    convert: (value: Exclude<DuckDBValue, null>) => unknown,
  ) {
    super(name, type, budget);
    this.#convert = convert;
  }

  protected take(chunk: DuckDBDataChunk, index: number, count: number): void {
    const vector = chunk.getColumnVector(index);
    for (let row = 0; row < count; row++) {
      const value = vector.getItem(row);
      const converted = value === null ? null : this.#convert(value);
      this.budget.take(converted instanceof Uint8Array ? converted.length : 16);
      this.items.push(converted);
    }
  }

  protected values(): ColumnValues {
    return { kind: "values", values: this.items };
  }
}

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Wide integers travel as a typed array whenever they all fit one: `sum` of a BIGINT is a HUGEINT that rarely needs it. */
class WideIntegerBuilder extends ValuesBuilder {
  protected override values(): ColumnValues {
    const items = this.items as ReadonlyArray<bigint | null>;
    if (!items.every((item) => item === null || (item >= INT64_MIN && item <= INT64_MAX))) return super.values();
    return { kind: "bigints", values: BigInt64Array.from(items, (item) => item ?? 0n) };
  }
}

function createBuilder(name: string, type: DuckDBType, budget: ByteBudget): ColumnBuilder {
  switch (type.typeId) {
    case DuckDBTypeId.TINYINT:
      return new FixedBuilder(
        name,
        type,
        budget,
        1,
        (bytes, count) => Int32Array.from(new Int8Array(copy(bytes), 0, count)),
        int32s,
      );
    case DuckDBTypeId.SMALLINT:
      return new FixedBuilder(
        name,
        type,
        budget,
        2,
        (bytes, count) => Int32Array.from(new Int16Array(copy(bytes), 0, count)),
        int32s,
      );
    case DuckDBTypeId.INTEGER:
      return new FixedBuilder(name, type, budget, 4, (bytes, count) => new Int32Array(copy(bytes), 0, count), int32s);
    case DuckDBTypeId.UTINYINT:
      return new FixedBuilder(
        name,
        type,
        budget,
        1,
        (bytes, count) => Int32Array.from(bytes.subarray(0, count)),
        int32s,
      );
    case DuckDBTypeId.USMALLINT:
      return new FixedBuilder(
        name,
        type,
        budget,
        2,
        (bytes, count) => Int32Array.from(new Uint16Array(copy(bytes), 0, count)),
        int32s,
      );
    case DuckDBTypeId.UINTEGER:
      return new FixedBuilder(
        name,
        type,
        budget,
        4,
        (bytes, count) => Float64Array.from(new Uint32Array(copy(bytes), 0, count)),
        doubles,
      );
    case DuckDBTypeId.BIGINT:
      return new FixedBuilder(
        name,
        type,
        budget,
        8,
        (bytes, count) => new BigInt64Array(copy(bytes), 0, count),
        int64s,
      );
    case DuckDBTypeId.FLOAT:
      return new FixedBuilder(
        name,
        type,
        budget,
        4,
        (bytes, count) => Float64Array.from(new Float32Array(copy(bytes), 0, count)),
        doubles,
      );
    case DuckDBTypeId.DOUBLE:
      return new FixedBuilder(
        name,
        type,
        budget,
        8,
        (bytes, count) => new Float64Array(copy(bytes), 0, count),
        doubles,
      );
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_TZ:
      return new FixedBuilder(
        name,
        type,
        budget,
        8,
        (bytes, count) => Float64Array.from(new BigInt64Array(copy(bytes), 0, count), microsToMs),
        doubles,
      );
    default:
      return createValueBuilder(name, type, budget);
  }
}

function createValueBuilder(name: string, type: DuckDBType, budget: ByteBudget): ColumnBuilder {
  const logical = logicalTypeOf(type.typeId);
  switch (logical) {
    case "text":
    case "decimal":
    case "interval":
      return new DictionaryBuilder(name, type, budget, converters[logical]);
    case "bigint":
      return new WideIntegerBuilder(name, type, budget, converters.bigint);
    case "date":
    case "timestamp":
    case "time":
    case "integer":
    case "double":
      return new NumbersBuilder(name, type, budget, converters[logical]);
    case "boolean":
    case "blob":
    case "nested":
      return new ValuesBuilder(name, type, budget, converters[logical]);
  }
}

/** Numbers of the rarer types, converted one by one. */
class NumbersBuilder extends ValuesBuilder {
  protected override values(): ColumnValues {
    return {
      kind: "numbers",
      values: Float64Array.from(this.items as ReadonlyArray<number | null>, (item) => item ?? 0),
    };
  }
}

/** A chunk's memory is DuckDB's: what outlives the chunk is copied. */
function copy(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

function int32s(parts: readonly Int32Array[], length: number): ColumnValues {
  return { kind: "numbers", values: joined(parts, new Int32Array(length)) };
}

function doubles(parts: readonly Float64Array[], length: number): ColumnValues {
  return { kind: "numbers", values: joined(parts, new Float64Array(length)) };
}

function int64s(parts: readonly BigInt64Array[], length: number): ColumnValues {
  const values = new BigInt64Array(length);
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return { kind: "bigints", values };
}

function joined<Values extends Int32Array | Float64Array>(parts: readonly Values[], target: Values): Values {
  let at = 0;
  for (const part of parts) {
    target.set(part, at);
    at += part.length;
  }
  return target;
}
