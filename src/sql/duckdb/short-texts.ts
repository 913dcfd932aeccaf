/**
 * Texts of at most 12 bytes lie in DuckDB's vectors as 16 bytes: the length, then the text, zeros behind it. Those that
 * were seen before are found by these bytes, so that a group that comes with every refresh is decoded once.
 * Layout: DuckDB's `string_t`, https://duckdb.org/docs/stable/clients/c/vector
 */
import type { DuckDBDataChunk, DuckDBValue } from "@duckdb/node-api";
import bindings from "@duckdb/node-bindings";
import type { KeptColumn } from "../live/groups.js";
import { nullsOf } from "./nulls.js";

const INLINE_BYTES_MAX = 12;
const WORDS = 4;
const PLACES_MIN = 4_096;

export class ShortTexts {
  /** Open addressing: the words of the text at a place, and its number plus one; 0 where there is none. */
  #words = new Int32Array(PLACES_MIN * WORDS);
  #numbers = new Int32Array(PLACES_MIN);
  readonly #texts: string[] = [];

  /** Appends the texts of a VARCHAR column. */
  append(target: KeptColumn, chunk: DuckDBDataChunk, index: number, count: number): void {
    const vector = bindings.data_chunk_get_vector(chunk.chunk, index);
    const words = new Int32Array(bindings.vector_get_data(vector, count * WORDS * 4).slice().buffer);
    const isNull = nullsOf(vector, count);
    let column: ReturnType<DuckDBDataChunk["getColumnVector"]> | undefined;
    for (let row = 0; row < count; row++) {
      const at = row * WORDS;
      const isShort = (words[at] as number) <= INLINE_BYTES_MAX;
      const known = isShort && !isNull?.(row) ? this.#known(words, at) : undefined;
      if (known !== undefined) {
        target.push(known);
        continue;
      }
      column ??= chunk.getColumnVector(index);
      const text = textOrNull(column.getItem(row));
      if (isShort && text !== null) this.#learn(words, at, text);
      target.push(text);
    }
  }

  #known(words: Int32Array, at: number): string | undefined {
    return this.#texts[(this.#numbers[this.#place(words, at)] as number) - 1];
  }

  #learn(words: Int32Array, at: number, text: string): void {
    this.#texts.push(text);
    this.#put(words, at, this.#texts.length);
    if (this.#texts.length * 2 > this.#numbers.length) this.#grow();
  }

  #grow(): void {
    const [words, numbers] = [this.#words, this.#numbers];
    this.#words = new Int32Array(words.length * 2);
    this.#numbers = new Int32Array(numbers.length * 2);
    numbers.forEach((number, place) => {
      if (number !== 0) this.#put(words, place * WORDS, number);
    });
  }

  #put(words: Int32Array, at: number, number: number): void {
    const place = this.#place(words, at);
    this.#numbers[place] = number;
    this.#words.set(words.subarray(at, at + WORDS), place * WORDS);
  }

  /** Where the text is, or where it would be. */
  #place(words: Int32Array, at: number): number {
    const [a, b, c, d] = [words[at], words[at + 1], words[at + 2], words[at + 3]] as [number, number, number, number];
    const mask = this.#numbers.length - 1;
    let place = hash(a, b, c, d) & mask;
    while (this.#numbers[place] !== 0) {
      const known = place * WORDS;
      if (
        this.#words[known] === a &&
        this.#words[known + 1] === b &&
        this.#words[known + 2] === c &&
        this.#words[known + 3] === d
      ) {
        return place;
      }
      place = (place + 1) & mask;
    }
    return place;
  }
}

function textOrNull(value: DuckDBValue): string | null {
  if (value === null || typeof value === "string") return value;
  throw new TypeError("a column of texts holds something else");
}

/** Every bit of the four words reaches the low ones of the result. */
function hash(a: number, b: number, c: number, d: number): number {
  let mixed = Math.imul(a ^ 0x9e3779b1, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15) ^ b, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 13) ^ c, 0x27d4eb2f);
  mixed = Math.imul(mixed ^ (mixed >>> 16) ^ d, 0x165667b1);
  return mixed ^ (mixed >>> 15);
}
