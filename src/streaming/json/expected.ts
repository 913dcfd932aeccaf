/**
 * The short way through a record that looks like the ones before it: the known fields in their order, one blank between
 * them at the most, strings without escapes and bytes beyond ASCII, each value of its field's kind. Four bytes a step.
 * Whatever else a record has is the scanner's to read: it alone decides what JSON is, and this file says "as expected" only
 * where the scanner would say the same. Pure.
 */
import type { FieldKind } from "./fields.js";
import { isInstant } from "./kinds.js";
import { skipDigits } from "./lexis.js";

const BLANK = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const BACKSLASH = 0x5c;
const LETTER_E = 0x65;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

/** `null`, `true` and the beginning of `false`, four bytes each. */
const WORD_NULL = 0x6c6c756e;
const WORD_TRUE = 0x65757274;
const WORD_FALS = 0x736c6166;

/** Digits that always fit a BIGINT, and that a DOUBLE always holds exactly. */
const DIGITS_MAX = 15;

const EXPECTED_KINDS: ReadonlySet<FieldKind> = new Set(["text", "timestamp", "bigint", "double", "boolean"]);

export interface ExpectedField {
  readonly keyBytes: Uint8Array;
  readonly kind: FieldKind;
  /** Where the value of each record stands; filled here. */
  readonly starts: Int32Array;
  /** -1 before a record is read. */
  readonly lengths: Int32Array;
}

/** A field's key as it stands in a record, `"key":`, in steps of four bytes, and its last four bytes. */
interface KeyText {
  readonly length: number;
  readonly words: Int32Array;
  readonly lastWord: number;
}

export class ExpectedObjects {
  readonly #fields: readonly ExpectedField[];
  readonly #keys: readonly KeyText[];
  #bytes: Uint8Array | undefined;
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(fields: readonly ExpectedField[]) {
    // A kind that needs a closer look, or a key that can be written in several ways: no record is as expected.
    const isSimple = fields.every(({ keyBytes, kind }) => EXPECTED_KINDS.has(kind) && isPlain(keyBytes));
    this.#fields = isSimple ? fields : [];
    this.#keys = this.#fields.map(({ keyBytes }) => keyText(keyBytes));
  }

  /** Whether the record is as expected; only then it is noted where its values stand. */
  read(bytes: Buffer, start: number, end: number, row: number): boolean {
    if (this.#fields.length === 0) return false;
    if (this.#bytes !== bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    if (end - start < 2 || bytes[start] !== BRACE_OPEN) return false;
    return this.#readFields(bytes, start + 1, end, row);
  }

  #readFields(bytes: Buffer, from: number, end: number, row: number): boolean {
    const view = this.#view;
    let position = from;
    for (let index = 0; index < this.#fields.length; index++) {
      const field = this.#fields[index] as ExpectedField;
      const valueStart = afterKey(view, bytes, position, end, this.#keys[index] as KeyText);
      position = valueStart < 0 ? -1 : afterValue(view, bytes, valueStart, end, field.kind);
      if (position < 0) return this.#forget(index, row);
      if (bytes[valueStart] !== 0x6e) {
        field.starts[row] = valueStart;
        field.lengths[row] = position - valueStart;
      }
      const next = position < end ? bytes[position++] : -1;
      if (next === BRACE_CLOSE) return position === end || this.#forget(index + 1, row);
      if (next !== COMMA) return this.#forget(index + 1, row);
      if (bytes[position] === BLANK) position++;
    }
    return this.#forget(this.#fields.length, row);
  }

  #forget(count: number, row: number): false {
    for (let index = 0; index < count; index++) (this.#fields[index] as ExpectedField).lengths[row] = -1;
    return false;
  }
}

/** Where the value of the key begins; -1: another key stands there. */
function afterKey(view: DataView, bytes: Buffer, from: number, end: number, key: KeyText): number {
  const { length, words, lastWord } = key;
  if (from + length + 2 > end) return -1;
  for (let word = 0; word < words.length; word++) {
    if (view.getInt32(from + word * 4, true) !== words[word]) return -1;
  }
  const after = from + length;
  if (view.getInt32(after - 4, true) !== lastWord) return -1;
  // Many writers put one blank there.
  return bytes[after] === BLANK ? after + 1 : after;
}

/** Position after a value of the kind, or after `null`; -1: it is none, or not as expected. */
function afterValue(view: DataView, bytes: Buffer, from: number, end: number, kind: FieldKind): number {
  const first = bytes[from] as number;
  if (first === QUOTE) {
    if (kind !== "text" && kind !== "timestamp") return -1;
    let position = from + 1;
    while (position + 4 <= end && isOrdinaryWord(view.getInt32(position, true))) position += 4;
    while (position < end && isOrdinary(bytes[position] as number)) position++;
    if (position >= end || bytes[position] !== QUOTE) return -1;
    return kind === "text" || isInstant(bytes, from + 1, position) ? position + 1 : -1;
  }
  if (isDigit(first) || first === MINUS) {
    return kind === "bigint" || kind === "double" ? afterNumber(bytes, from, end, kind === "double") : -1;
  }
  if (from + 4 > end) return -1;
  const word = view.getInt32(from, true);
  if (word === WORD_NULL) return from + 4;
  if (kind !== "boolean") return -1;
  if (word === WORD_TRUE) return from + 4;
  return word === WORD_FALS && from + 4 < end && bytes[from + 4] === LETTER_E ? from + 5 : -1;
}

function afterNumber(bytes: Buffer, from: number, end: number, mayHaveFraction: boolean): number {
  const digits = bytes[from] === MINUS ? from + 1 : from;
  let position = skipDigits(bytes, digits, end);
  const count = position - digits;
  if (count === 0 || count > DIGITS_MAX || (count > 1 && bytes[digits] === ZERO)) return -1;
  if (mayHaveFraction && position < end && bytes[position] === POINT) {
    const fraction = position + 1;
    position = skipDigits(bytes, fraction, end);
    if (position === fraction) return -1;
  }
  return position;
}

/** Whether four bytes all stand for themselves inside a string. */
function isOrdinaryWord(word: number): boolean {
  // The highest bit of a byte is set where it was, or where the subtraction borrowed; a borrow spreads only from a byte that
  // is out of the ordinary itself.
  const special = word | (word - 0x20202020) | ((word ^ 0x22222222) - 0x01010101) | ((word ^ 0x5c5c5c5c) - 0x01010101);
  return (special & 0x80808080) === 0;
}

/** ASCII, no control character, no quote, no backslash. */
function isOrdinary(byte: number): boolean {
  return byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== BACKSLASH;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

function isPlain(key: Uint8Array): boolean {
  // The text of an empty key has three bytes, which make no word.
  return key.length > 0 && key.every(isOrdinary);
}

function keyText(key: Uint8Array): KeyText {
  const text = Buffer.concat([Buffer.from('"'), key, Buffer.from('":')]);
  const words = Int32Array.from({ length: Math.floor(text.length / 4) }, (_, word) => text.readInt32LE(word * 4));
  return { length: text.length, words, lastWord: text.readInt32LE(text.length - 4) };
}
