/**
 * Text into the chunk of a table function without a call for each value: the bytes of all its rows are handed to DuckDB
 * once, in a BLOB column that no statement reads, and the entries of the text columns point into them. Knows no records.
 *
 * An entry is DuckDB's `string_t`: 16 bytes, the length first; up to 12 bytes of text follow in place, of longer text its
 * first four bytes and a pointer. The pointers hold while the chunk does, and the statements that read these chunks copy what
 * they take from each before they ask for the next (INSERT … SELECT of expressions, without joins or order). DuckDB's
 * version is pinned, and `test/sql/duckdb-text-vectors.live.test.ts` compares every length and place with what went in.
 */
import type { DuckDBDataChunk } from "@duckdb/node-api";
import bindings from "@duckdb/node-bindings";
import { stringAt } from "../../streaming/json/lexis.js";
import type { Spans } from "../../streaming/json/scan.js";
import { CHUNK_ROWS, markNulls } from "./vectors.js";

const QUOTE = 0x22;
const ENTRY_BYTES = 16;
const ENTRY_WORDS = 4;
const INLINE_BYTES_MAX = 12;
const WORD = 0x1_0000_0000;
/** Bytes that may lie between the values of a chunk: framing of records, keys, and records that are no rows. */
const BETWEEN_BYTES_MAX = 1024 * 1024;

/** Filled and copied from within one call. */
const entries = new Uint32Array(CHUNK_ROWS * ENTRY_WORDS);

/** Rows `rows[from]` to `rows[from + count - 1]` of a batch. */
export interface ChunkRows {
  readonly rows: Int32Array;
  readonly from: number;
  readonly count: number;
}

/** Bytes that DuckDB has a copy of, for as long as the chunk lives. */
export interface PlacedBytes {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Address of the copy of `bytes[start]`. */
  readonly addressLow: number;
  readonly addressHigh: number;
}

/**
 * Hands over the part of `bytes` in which the rows' values stand, of each column that is given, to the BLOB column `column`.
 * Undefined where too much else lies between them: then values are handed over one by one.
 */
export function placeBytes(
  chunk: DuckDBDataChunk,
  column: number,
  bytes: Buffer,
  columns: ReadonlyArray<Omit<Spans, "escaped">>,
  { rows, from, count }: ChunkRows,
): PlacedBytes | undefined {
  let start = bytes.length;
  let end = 0;
  let wanted = 0;
  for (const { starts, lengths } of columns) {
    for (let index = from; index < from + count; index++) {
      const row = rows[index] as number;
      const length = lengths[row] as number;
      if (length <= 0) continue;
      const first = starts[row] as number;
      if (first < start) start = first;
      if (first + length > end) end = first + length;
      wanted += length;
    }
  }
  const size = end - start;
  const vector = bindings.data_chunk_get_vector(chunk.chunk, column);
  markNulls(vector, count);
  if (size <= INLINE_BYTES_MAX || size - wanted > BETWEEN_BYTES_MAX) return undefined;
  bindings.vector_assign_string_element_len(vector, 0, bytes.subarray(start, end));
  const entry = bindings.vector_get_data(vector, ENTRY_BYTES);
  const [length, , addressLow, addressHigh] = new Uint32Array(entry.buffer, entry.byteOffset, ENTRY_WORDS);
  if (length !== size || addressLow === undefined || addressHigh === undefined) return undefined;
  return { bytes, start, end, addressLow, addressHigh };
}

/** Fills a VARCHAR or BLOB column with what stands at `spans`, all of it within the placed bytes. `unquote`: strings without quotes and escapes. */
export function fillPlaced(
  chunk: DuckDBDataChunk,
  column: number,
  placed: PlacedBytes,
  { starts, lengths, escaped }: Spans,
  { rows, from, count, unquote }: ChunkRows & { readonly unquote: boolean },
): void {
  const { bytes } = placed;
  const vector = bindings.data_chunk_get_vector(chunk.chunk, column);
  let nulls: number[] | undefined;
  let texts: Array<readonly [index: number, text: Buffer]> | undefined;
  for (let index = 0; index < count; index++) {
    const row = rows[from + index] as number;
    let start = starts[row] as number;
    let length = lengths[row] as number;
    if (length < 0) {
      nulls ??= [];
      nulls.push(index);
      length = 0;
    } else if (unquote && bytes[start] === QUOTE) {
      start += 1;
      length -= 2;
      if (escaped.size > 0 && escaped.has(row)) {
        texts ??= [];
        texts.push([index, Buffer.from(stringAt(bytes, start, start + length))]);
        length = 0;
      }
    }
    writeEntry(index * ENTRY_WORDS, placed, start, length);
  }
  bindings.copy_data_to_vector(vector, 0, entries.buffer, 0, count * ENTRY_BYTES);
  for (const [index, text] of texts ?? []) bindings.vector_assign_string_element_len(vector, index, text);
  if (nulls !== undefined) markNulls(vector, count, nulls);
}

/** The bytes of one value, for when they are handed over by themselves. */
export function textAt(
  bytes: Buffer,
  { starts, lengths, escaped }: Spans,
  row: number,
  unquote: boolean,
): Uint8Array | null {
  const start = starts[row] as number;
  const length = lengths[row] as number;
  if (length < 0) return null;
  if (!unquote || bytes[start] !== QUOTE) return bytes.subarray(start, start + length);
  if (escaped.has(row)) return Buffer.from(stringAt(bytes, start + 1, start + length - 1));
  return bytes.subarray(start + 1, start + length - 1);
}

function writeEntry(at: number, { bytes, start, addressLow, addressHigh }: PlacedBytes, from: number, length: number) {
  entries[at] = length;
  if (length <= INLINE_BYTES_MAX) {
    // Unused bytes are zero: DuckDB compares entries as a whole.
    entries[at + 1] = firstBytes(bytes, from, length);
    entries[at + 2] = firstBytes(bytes, from + 4, length - 4);
    entries[at + 3] = firstBytes(bytes, from + 8, length - 8);
    return;
  }
  entries[at + 1] = firstBytes(bytes, from, 4);
  const low = addressLow + (from - start);
  entries[at + 2] = low < WORD ? low : low - WORD;
  entries[at + 3] = low < WORD ? addressHigh : addressHigh + 1;
}

/** Up to four bytes as a little-endian word, the rest zero. */
function firstBytes(bytes: Buffer, at: number, count: number): number {
  if (count <= 0) return 0;
  let word = bytes[at] as number;
  if (count > 1) word |= (bytes[at + 1] as number) << 8;
  if (count > 2) word |= (bytes[at + 2] as number) << 16;
  if (count > 3) word |= (bytes[at + 3] as number) << 24;
  return word;
}
