/**
 * Texts of at most 12 bytes lie in DuckDB's vectors as 16 bytes: the length, then the text, zeros behind it. Those that
 * were seen before are found by these bytes, so that a group that comes with every refresh is decoded once.
 * Layout: DuckDB's `string_t`, https://duckdb.org/docs/stable/clients/c/vector
 */
import type { DuckDBDataChunk, DuckDBValue } from "@duckdb/node-api";
import bindings from "@duckdb/node-bindings";
import type { KeptColumn, KeptValue } from "../live/groups.js";

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
    const validity: Uint8Array | null = bindings.vector_get_validity(vector, Math.ceil(count / 64) * 8);
    let column: ReturnType<DuckDBDataChunk["getColumnVector"]> | undefined;
    const decode = (row: number): KeptValue => {
      column ??= chunk.getColumnVector(index);
      return textOrNull(column.getItem(row));
    };
    for (let row = 0; row < count; row++) {
      const isNull = validity && (((validity[row >> 3] as number) >> (row & 7)) & 1) === 0;
      const isShort = !isNull && (words[row * WORDS] as number) <= INLINE_BYTES_MAX;
      target.push(isShort ? this.#known(words, row * WORDS, () => decode(row)) : decode(row));
    }
  }

  #known(words: Int32Array, at: number, decode: () => KeptValue): KeptValue {
    const [a, b, c, d] = [words[at], words[at + 1], words[at + 2], words[at + 3]] as [number, number, number, number];
    const mask = this.#numbers.length - 1;
    let place = hash(a, b, c, d) & mask;
    for (let number = this.#numbers[place]; number !== 0; number = this.#numbers[place]) {
      const known = place * WORDS;
      if (
        this.#words[known + 1] === b &&
        this.#words[known + 2] === c &&
        this.#words[known + 3] === d &&
        this.#words[known] === a
      ) {
        return this.#texts[(number as number) - 1] as string;
      }
      place = (place + 1) & mask;
    }
    const text = decode();
    if (typeof text !== "string") return text;
    this.#texts.push(text);
    this.#numbers[place] = this.#texts.length;
    this.#words.set([a, b, c, d], place * WORDS);
    if (this.#texts.length * 2 > this.#numbers.length) this.#grow();
    return text;
  }

  #grow(): void {
    const [words, numbers] = [this.#words, this.#numbers];
    this.#words = new Int32Array(words.length * 2);
    this.#numbers = new Int32Array(numbers.length * 2);
    const mask = this.#numbers.length - 1;
    numbers.forEach((number, from) => {
      if (number === 0) return;
      const text = words.subarray(from * WORDS, (from + 1) * WORDS);
      let place = hash(...(text as unknown as [number, number, number, number])) & mask;
      while (this.#numbers[place] !== 0) place = (place + 1) & mask;
      this.#numbers[place] = number;
      this.#words.set(text, place * WORDS);
    });
  }
}

function textOrNull(value: DuckDBValue): KeptValue {
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
