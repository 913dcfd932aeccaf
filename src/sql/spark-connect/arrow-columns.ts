/**
 * From Spark's Arrow batches to our columns: each logical type in the one form that schema.ts describes, decimals with
 * their point, instants as UTC milliseconds. Every batch is checked against the first; counts every row, carries at most
 * `rowLimit`. Pure. Longer than most because each of Arrow's types has its form here and nowhere else.
 */
import {
  type Data,
  DataType,
  type Decimal,
  type Field,
  type IntervalYearMonth,
  type RecordBatch,
  RecordBatchReader,
  type Schema,
  TimeUnit,
  type Vector,
} from "apache-arrow";
import { errorMessage, TidetableError } from "../../errors.js";
import type { Column, ColumnValues, LogicalType, QueryResult } from "../schema.js";
import { checkMetadata } from "./arrow-metadata.js";
import { malformed } from "./errors.js";

/** Values carried to the cell at the most, as in the DuckDB adapter. */
const RESULT_BYTES_MAX = 256 * 1024 * 1024;

/** The batches of one message: an Arrow stream of its own, schema included. @throws SparkError for bytes that are none. */
export function readBatches(bytes: Uint8Array): { readonly schema: Schema; readonly batches: readonly RecordBatch[] } {
  try {
    checkMetadata(bytes);
    const reader = RecordBatchReader.from(bytes);
    reader.open();
    const { schema } = reader;
    if (schema === null || schema === undefined) throw new Error("it has no schema");
    const batches = [...reader];
    for (const batch of batches) checkBatch(batch, schema);
    return { schema, batches };
  } catch (error) {
    throw malformed(`a batch of rows is damaged (${errorMessage(error)})`, error);
  }
}

/** Arrow's reader believes what a batch says of its own lengths; a buffer that is too short would read as zeros. */
function checkBatch(batch: RecordBatch, schema: Schema): void {
  const { data } = batch;
  if (data.children.length !== schema.fields.length) throw new Error("a column is missing");
  for (const child of data.children) checkData(child, batch.numRows);
}

function checkData(data: Data, length: number): void {
  if (data.length !== length) throw new Error("a column has another length than its batch");
  const { type, valueOffsets, values, nullBitmap, nullCount, children } = data;
  if (nullCount > 0 && nullBitmap !== undefined && nullBitmap.length * 8 < length) throw new Error("its nulls are cut");
  if (DataType.isNull(type)) return;
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    checkOffsets(valueOffsets, length, values?.length ?? 0);
  } else if (DataType.isList(type) || DataType.isMap(type)) {
    const [child] = children;
    if (child === undefined) throw new Error("a list has no items");
    checkOffsets(valueOffsets, length, child.length);
    checkData(child, child.length);
  } else if (DataType.isStruct(type)) {
    for (const child of children) checkData(child, length);
  } else if (DataType.isBool(type)) {
    if (values.length * 8 < length) throw new Error("its values are cut");
  } else if (values === undefined || values.length < length * (data.stride ?? 1)) {
    throw new Error("its values are cut");
  }
}

function checkOffsets(offsets: Int32Array | undefined, length: number, end: number): void {
  if (length === 0) return;
  if (offsets === undefined || offsets.length < length + 1) throw new Error("its offsets are cut");
  let previous = offsets[0] as number;
  if (previous < 0) throw new Error("an offset is negative");
  for (let row = 1; row <= length; row++) {
    const offset = offsets[row] as number;
    if (offset < previous) throw new Error("its offsets go back");
    previous = offset;
  }
  if (previous > end) throw new Error("an offset passes its values");
}

/** Gathers the columns of one result over all batches. */
export class ResultColumns {
  readonly #rowLimit: number;
  #builders: ColumnBuilder[] | undefined;
  #schemaText = "";
  #carried = 0;
  #total = 0;
  #bytes = 0;

  constructor(rowLimit: number) {
    this.#rowLimit = rowLimit;
  }

  get totalRowCount(): number {
    return this.#total;
  }

  /** @throws SparkError when the batch is of another shape than those before, TidetableError RESULT_TOO_LARGE. */
  append(bytes: Uint8Array, announcedRows: number, startOffset: number | undefined): void {
    if (startOffset !== undefined && startOffset !== this.#total) {
      throw malformed(`it sends row ${startOffset} after row ${this.#total}`);
    }
    const { schema, batches } = readBatches(bytes);
    const text = String(schema);
    if (this.#builders === undefined) {
      this.#builders = schema.fields.map((field) => new ColumnBuilder(field));
      this.#schemaText = text;
    } else if (text !== this.#schemaText) {
      throw malformed("its columns change within one result");
    }
    const rows = batches.reduce((sum, batch) => sum + batch.numRows, 0);
    if (rows !== announcedRows) throw malformed(`it announces ${announcedRows} rows and sends ${rows}`);
    for (const batch of batches) {
      const take = Math.min(batch.numRows, this.#rowLimit - this.#carried);
      if (take <= 0) continue;
      this.#take(batch, take);
      this.#carried += take;
      if (this.#bytes > RESULT_BYTES_MAX) throw tooLarge();
    }
    this.#total += rows;
  }

  #take(batch: RecordBatch, take: number): void {
    try {
      this.#builders?.forEach((builder, index) => {
        const column = batch.getChildAt(index);
        if (column !== null) this.#bytes += builder.append(column, take);
      });
    } catch (error) {
      // Text that is no UTF-8, an instant that is none.
      throw error instanceof TidetableError ? error : malformed(`a value is damaged (${errorMessage(error)})`, error);
    }
  }

  finish(elapsedMs: number): QueryResult {
    const columns = (this.#builders ?? []).map((builder) => builder.finish());
    return { columns, rowCount: this.#carried, totalRowCount: this.#total, elapsedMs };
  }
}

function tooLarge(): TidetableError {
  return new TidetableError(
    "RESULT_TOO_LARGE",
    `The result holds more than ${RESULT_BYTES_MAX / 1024 / 1024} MiB. Select fewer columns, or fewer rows with LIMIT.`,
  );
}

class ColumnBuilder {
  readonly #field: Field;
  readonly #type: LogicalType;
  readonly #values: unknown[] = [];
  readonly #codes = new Map<string, number>();
  readonly #read: (data: Data, row: number) => unknown;
  #nulls: number[] = [];

  constructor(field: Field) {
    this.#field = field;
    this.#type = logicalTypeOf(field.type);
    this.#read = reader(field.type);
  }

  /** Answers about how many bytes were taken. */
  append(column: Vector, take: number): number {
    let left = take;
    let bytes = 0;
    for (const data of column.data) {
      const count = Math.min(data.length, left);
      for (let row = 0; row < count; row++) {
        const value = data.getValid(row) ? this.#read(data, row) : null;
        bytes += sizeOf(value);
        if (value === null) this.#nulls.push(this.#values.length);
        this.#values.push(this.#type === "text" && typeof value === "string" ? this.#code(value) : value);
      }
      left -= count;
    }
    return bytes;
  }

  finish(): Column {
    const values = this.#values;
    const nulls = new Uint8Array(this.#nulls.length === 0 ? 0 : values.length);
    for (const row of this.#nulls) nulls[row] = 1;
    return {
      name: this.#field.name,
      type: this.#type,
      sqlType: sqlTypeOf(this.#field.type),
      data: this.#data(),
      ...(this.#nulls.length === 0 ? {} : { nulls }),
    };
  }

  #data(): ColumnValues {
    const values = this.#values;
    switch (this.#type) {
      case "integer":
        return { kind: "numbers", values: Int32Array.from(values, (value) => (value as number | null) ?? 0) };
      case "double":
      case "date":
      case "timestamp":
      case "time":
        return { kind: "numbers", values: Float64Array.from(values, (value) => (value as number | null) ?? 0) };
      case "bigint":
        return { kind: "bigints", values: BigInt64Array.from(values, (value) => (value as bigint | null) ?? 0n) };
      case "text":
        return {
          kind: "dictionary",
          codes: Uint32Array.from(values, (value) => (value as number | null) ?? 0),
          dictionary: [...this.#codes.keys()],
        };
      default:
        return { kind: "values", values };
    }
  }

  #code(text: string): number {
    const known = this.#codes.get(text);
    if (known !== undefined) return known;
    const code = this.#codes.size;
    this.#codes.set(text, code);
    return code;
  }
}

function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length * 2;
  if (value instanceof Uint8Array) return value.length;
  return typeof value === "object" && value !== null ? 64 : 8;
}

function logicalTypeOf(type: DataType): LogicalType {
  if (DataType.isBool(type)) return "boolean";
  if (DataType.isInt(type)) return type.bitWidth === 64 ? "bigint" : "integer";
  if (DataType.isFloat(type)) return "double";
  if (DataType.isDecimal(type)) return "decimal";
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isNull(type)) return "text";
  if (DataType.isBinary(type) || DataType.isLargeBinary(type)) return "blob";
  if (DataType.isDate(type)) return "date";
  if (DataType.isTimestamp(type)) return "timestamp";
  if (DataType.isTime(type)) return "time";
  if (DataType.isDuration(type) || DataType.isInterval(type)) return "interval";
  return "nested";
}

/** Spark's own name for it. */
export function sqlTypeOf(type: DataType): string {
  if (DataType.isNull(type)) return "VOID";
  if (DataType.isBool(type)) return "BOOLEAN";
  if (DataType.isInt(type)) return { 8: "TINYINT", 16: "SMALLINT", 32: "INT", 64: "BIGINT" }[type.bitWidth];
  if (DataType.isFloat(type)) return type.precision === 2 ? "DOUBLE" : "FLOAT";
  if (DataType.isDecimal(type)) return `DECIMAL(${type.precision},${type.scale})`;
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return "STRING";
  if (DataType.isBinary(type) || DataType.isLargeBinary(type)) return "BINARY";
  if (DataType.isDate(type)) return "DATE";
  if (DataType.isTimestamp(type)) return type.timezone ? "TIMESTAMP" : "TIMESTAMP_NTZ";
  if (DataType.isTime(type)) return "TIME";
  if (DataType.isDuration(type)) return "INTERVAL DAY TO SECOND";
  if (DataType.isInterval(type)) return "INTERVAL YEAR TO MONTH";
  if (DataType.isMap(type)) {
    const [key, value] = fieldsOf(type.children[0]?.type).map((field) => sqlTypeOf(field.type));
    return `MAP<${key}, ${value}>`;
  }
  if (DataType.isList(type)) return `ARRAY<${fieldsOf(type).map((field) => sqlTypeOf(field.type))}>`;
  if (DataType.isStruct(type)) {
    return `STRUCT<${type.children.map((field) => `${field.name}: ${sqlTypeOf(field.type)}`).join(", ")}>`;
  }
  return String(type).toUpperCase();
}

function fieldsOf(type: DataType | undefined): readonly Field[] {
  return (type?.children as readonly Field[] | null | undefined) ?? [];
}

/** How a value of the type, not null, is read out of Arrow's memory. */
function reader(type: DataType): (data: Data, row: number) => unknown {
  if (DataType.isBool(type)) return (data, row) => (((data.values[row >> 3] as number) >> (row & 7)) & 1) === 1;
  if (DataType.isInt(type) || DataType.isFloat(type)) return (data, row) => data.values[row];
  if (DataType.isDecimal(type)) return (data, row) => decimalText(data as Data<Decimal>, row);
  if (DataType.isUtf8(type)) return (data, row) => utf8.decode(bytesAt(data, row));
  if (DataType.isBinary(type)) return (data, row) => Uint8Array.from(bytesAt(data, row));
  if (DataType.isDate(type)) return (data, row) => data.values[row] * 86_400_000;
  if (DataType.isTimestamp(type) && type.unit === TimeUnit.MICROSECOND) {
    return (data, row) => Number(data.values[row]) / 1000;
  }
  if (DataType.isTime(type) && type.unit === TimeUnit.NANOSECOND) return (data, row) => Number(data.values[row]) / 1000;
  if (DataType.isDuration(type) && type.unit === TimeUnit.MICROSECOND) {
    return (data, row) => durationText(BigInt(data.values[row]));
  }
  if (DataType.isInterval(type)) {
    return (data, row) => monthsText((data as Data<IntervalYearMonth>).values[row] as number);
  }
  if (DataType.isNull(type)) return () => null;
  if (DataType.isMap(type) || DataType.isList(type) || DataType.isStruct(type)) return nestedReader(type);
  throw malformed(`it has a column of the type ${type}, which this client does not know`);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function bytesAt(data: Data, row: number): Uint8Array {
  return data.values.subarray(data.valueOffsets[row], data.valueOffsets[row + 1]);
}

/** Four 32-bit words, lowest first, are one two's complement number; the type says where its point stands. */
function decimalText({ values, stride, type }: Data<Decimal>, row: number): string {
  let unscaled = 0n;
  for (let word = stride - 1; word >= 0; word--)
    unscaled = (unscaled << 32n) | BigInt(values[row * stride + word] ?? 0);
  unscaled = BigInt.asIntN(32 * stride, unscaled);
  const { scale } = type;
  if (scale <= 0) return String(unscaled);
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** As DuckDB writes one: `1 day 02:00:00`. */
function durationText(micros: bigint): string {
  const sign = micros < 0n ? "-" : "";
  const all = micros < 0n ? -micros : micros;
  const days = all / 86_400_000_000n;
  const rest = all % 86_400_000_000n;
  const two = (value: bigint) => String(value).padStart(2, "0");
  const clock = `${two(rest / 3_600_000_000n)}:${two((rest / 60_000_000n) % 60n)}:${two((rest / 1_000_000n) % 60n)}`;
  const fraction = rest % 1_000_000n === 0n ? "" : `.${String(rest % 1_000_000n).padStart(6, "0")}`;
  const day = days === 0n ? "" : `${sign}${days} ${days === 1n ? "day" : "days"}`;
  if (rest === 0n && days !== 0n) return day;
  return `${day}${day === "" ? "" : " "}${sign}${clock}${fraction}`;
}

function monthsText(months: number): string {
  const years = Math.trunc(months / 12);
  const rest = months % 12;
  const part = (amount: number, unit: string) =>
    amount === 0 ? "" : `${amount} ${unit}${Math.abs(amount) === 1 ? "" : "s"}`;
  return [part(years, "year"), part(rest, "month")].filter((text) => text !== "").join(" ") || "0 months";
}

/** Plain arrays and objects without a prototype; maps with text keys as objects, others as pairs; instants as text. */
function nestedReader(type: DataType): (data: Data, row: number) => unknown {
  if (DataType.isStruct(type)) {
    const readers = type.children.map((field) => inner(field.type));
    return (data, row) => {
      const object: Record<string, unknown> = Object.create(null);
      type.children.forEach((field, index) => {
        const child = data.children[index];
        object[field.name] = child === undefined ? null : readers[index]?.(child, row);
      });
      return object;
    };
  }
  const itemType = fieldsOf(type)[0]?.type as DataType;
  const readItem = inner(itemType);
  const items = (data: Data, row: number): unknown[] => {
    const [child] = data.children;
    const read: unknown[] = [];
    for (let item = data.valueOffsets[row] as number; item < (data.valueOffsets[row + 1] as number); item++) {
      read.push(child === undefined ? null : readItem(child, item));
    }
    return read;
  };
  if (!DataType.isMap(type)) return items;
  const [key, value] = fieldsOf(itemType).map((field) => field.name);
  const hasTextKeys = DataType.isUtf8(fieldsOf(itemType)[0]?.type);
  return (data, row) => {
    const pairs = items(data, row).map((entry) => {
      const pair = entry as Record<string, unknown>;
      return [pair[key ?? ""], pair[value ?? ""]] as const;
    });
    if (!hasTextKeys) return pairs;
    const object: Record<string, unknown> = Object.create(null);
    for (const [name, held] of pairs) object[String(name)] = held;
    return object;
  };
}

/** Inside a list or struct, what is no JSON value by itself is text, as in the DuckDB adapter. */
function inner(type: DataType): (data: Data, row: number) => unknown {
  const read = reader(type);
  const shown = innerText(type);
  return (data, row) => (data.getValid(row) ? shown(read(data, row)) : null);
}

function innerText(type: DataType): (value: unknown) => unknown {
  if (DataType.isDate(type)) return (value) => new Date(value as number).toISOString().slice(0, 10);
  if (DataType.isTimestamp(type)) return (value) => instantText(value as number);
  return (value) => value;
}

function instantText(ms: number): string {
  const micros = Math.round((ms - Math.floor(ms)) * 1000);
  const text = new Date(Math.floor(ms)).toISOString().replace("T", " ").slice(0, -1);
  const exact = micros === 0 ? text.replace(/0+$/, "") : `${text}${String(micros).padStart(3, "0")}`;
  return exact.endsWith(".") ? exact.slice(0, -1) : exact;
}
