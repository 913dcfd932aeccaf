/** Writes columns into the chunk of a table function: numbers as blocks of memory, text as bytes. Knows no records. */
import type { DuckDBDataChunk } from "@duckdb/node-api";
import bindings, { type Vector } from "@duckdb/node-bindings";

/** Rows that DuckDB takes in one chunk. */
export const CHUNK_ROWS = 2048;

/** Copies without touching single values; a bigint per offset would cost more than the rest of the row. */
export function copyInto(
  chunk: DuckDBDataChunk,
  column: number,
  source: Int32Array | BigInt64Array,
  from: number,
  count: number,
): void {
  const vector = bindings.data_chunk_get_vector(chunk.chunk, column);
  const width = source.BYTES_PER_ELEMENT;
  bindings.copy_data_to_vector(vector, 0, arrayBufferOf(source), source.byteOffset + from * width, count * width);
}

function arrayBufferOf(source: Int32Array | BigInt64Array): ArrayBuffer {
  if (source.buffer instanceof ArrayBuffer) return source.buffer;
  throw new TypeError("a batch's columns must not lie in shared memory");
}

/** Fills a VARCHAR or BLOB column; null where `bytesAt` answers null. */
export function fillText(
  chunk: DuckDBDataChunk,
  column: number,
  count: number,
  bytesAt: (index: number) => Uint8Array | null,
): void {
  const vector = bindings.data_chunk_get_vector(chunk.chunk, column);
  const nulls: number[] = [];
  for (let index = 0; index < count; index++) {
    const bytes = bytesAt(index);
    if (bytes === null) nulls.push(index);
    else bindings.vector_assign_string_element_len(vector, index, bytes);
  }
  if (nulls.length > 0) markNulls(vector, count, nulls);
}

/** The entries of `source` at `rows`, moved as pairs of 32-bit halves to stay clear of bigint values. */
export function pick(source: BigInt64Array, rows: Int32Array): BigInt64Array {
  const from = new Int32Array(source.buffer, source.byteOffset, source.length * 2);
  const picked = new BigInt64Array(rows.length);
  const to = new Int32Array(picked.buffer);
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] as number;
    to[index * 2] = from[row * 2] as number;
    to[index * 2 + 1] = from[row * 2 + 1] as number;
  }
  return picked;
}

/** Makes every row of a column NULL. */
export function fillNulls(chunk: DuckDBDataChunk, column: number, count: number): void {
  markNulls(bindings.data_chunk_get_vector(chunk.chunk, column), count);
}

/** Makes the rows of a vector NULL: all, or those at `indexes`. */
export function markNulls(vector: Vector, count: number, indexes?: readonly number[]): void {
  let validity = NO_ROW_VALID;
  if (indexes !== undefined) {
    const bits = new Uint8Array(CHUNK_ROWS / 8).fill(0xff);
    for (const index of indexes) bits[index >> 3] = (bits[index >> 3] as number) & ~(1 << (index & 7));
    validity = bits.buffer;
  }
  bindings.vector_ensure_validity_writable(vector);
  bindings.copy_data_to_vector_validity(vector, 0, validity, 0, Math.ceil(count / 64) * 8);
}

const NO_ROW_VALID = new ArrayBuffer(CHUNK_ROWS / 8);

/** `first`, `first` + 1, …; written as pairs of 32-bit halves to stay clear of bigint values. */
export function countingFrom(first: bigint, count: number): BigInt64Array {
  const numbers = new BigInt64Array(count);
  const halves = new Uint32Array(numbers.buffer);
  let low = Number(first & 0xffff_ffffn);
  let high = Number(first >> 32n);
  for (let index = 0; index < count; index++) {
    halves[index * 2] = low;
    halves[index * 2 + 1] = high;
    low += 1;
    if (low > 0xffff_ffff) {
      low = 0;
      high += 1;
    }
  }
  return numbers;
}

let repeating = new Int32Array(CHUNK_ROWS);

/** One number for every row of a chunk. Shared, so not to be written to. */
export function repeated(value: number): Int32Array {
  if (repeating[0] !== value) repeating = new Int32Array(CHUNK_ROWS).fill(value);
  return repeating;
}
