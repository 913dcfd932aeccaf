/**
 * Reads the outline of one JSON object straight from its bytes: is it valid, which fields does it have, of what kind is
 * each value. No JS string is made for a record that looks like the ones before it. Pure.
 *
 * This scanner is the one place that decides what JSON is. It follows RFC 8259 strictly (no `NaN`, no trailing comma, no
 * lone surrogates), and it refuses what the database would quietly bend: `1.5` in an integer column, an instant with an
 * offset in a timestamp column, a field that occurs twice, text that is not UTF-8.
 *
 * Long because the grammar of JSON is one thing.
 */
import { isUtf8 } from "node:buffer";
import { declaredMisfit } from "./declared.js";
import { ExpectedObjects } from "./expected.js";
import type { Field, FieldKind } from "./fields.js";
import { isInstant, mergeObserved, numberKind } from "./kinds.js";
import { matches, skipBlanks, skipDigits, skipEscape, startsWithKey, stringAt } from "./lexis.js";
import type { Shape } from "./shape.js";

/** Deeper values are refused: some JSON functions of SQL engines recurse and would end the process. */
export const DEPTH_MAX = 200;
/** A record with more fields is refused. */
export const RECORD_FIELDS_MAX = 1_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** 1 for the bytes of a string that stand for themselves. */
const ORDINARY = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);
/** The same without those that have to be valid UTF-8 together. */
const ORDINARY_ASCII = ORDINARY.map((ordinary, byte) => (byte < 0x80 ? ordinary : 0));

/** Where the values of one field stand, as they were written: a string with its quotes. */
export interface Spans {
  readonly starts: Int32Array;
  /** -1: the record has no such field, or null. */
  readonly lengths: Int32Array;
  /** Records whose value is a string with escapes in it. Few have any. */
  readonly escaped: ReadonlySet<number>;
}

interface KnownField {
  readonly index: number;
  readonly keyBytes: Uint8Array;
  readonly kind: FieldKind;
  readonly shape: Shape | undefined;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  readonly escaped: Set<number>;
}

/** `open`: new fields become columns. `full`: there is no room for more. `declared`: the fields are what they are. */
export type FieldPolicy = "open" | "full" | "declared";

/** One batch's worth of scanning against one set of fields. */
export class JsonScanner {
  /** Field key → kind seen, for keys that are new and for values that do not fit their column. */
  readonly observed: Map<string, FieldKind> = new Map();
  /** By field index. */
  readonly spans: ReadonlyMap<number, Spans>;
  /** True once a record had a field that has no column because the table is full. */
  overflowed = false;

  readonly #known: KnownField[];
  readonly #byKey = new Map<string, KnownField>();
  readonly #expected: ExpectedObjects;
  readonly #policy: FieldPolicy;
  /** Row that last set the field, to find fields that occur twice. */
  readonly #lastRow: Int32Array;
  #reason = "";
  /** The record at hand has bytes beyond ASCII. Most have none, and need no look at whether they are UTF-8. */
  #beyondAscii = false;
  /** The value at hand has an escape in it. */
  #escaped = false;

  // What the record at hand adds; folded in only when the whole record is valid. Most records add nothing.
  #noted = false;
  #newKeys: string[] = [];
  #newKinds: FieldKind[] = [];
  #driftFields: KnownField[] = [];
  #driftKinds: FieldKind[] = [];
  #valueKind: FieldKind = "null";

  constructor(fields: readonly Field[], rowCount: number, policy: FieldPolicy) {
    this.#known = fields.map((field, index) => ({
      index,
      keyBytes: Buffer.from(field.key),
      kind: field.kind,
      shape: field.shape,
      starts: new Int32Array(rowCount),
      lengths: new Int32Array(rowCount).fill(-1),
      escaped: new Set<number>(),
    }));
    this.#known.forEach((known, index) => {
      const field = fields[index];
      if (field !== undefined) this.#byKey.set(field.key, known);
    });
    this.spans = new Map(this.#known.map((known) => [known.index, known]));
    this.#expected = new ExpectedObjects(this.#known);
    this.#lastRow = new Int32Array(fields.length).fill(-1);
    this.#policy = policy;
  }

  /** Scans one record; answers why it is refused, or undefined. `overflow` of the row is told through `overflowed`. */
  scan(bytes: Buffer, start: number, end: number, row: number): string | undefined {
    if (this.#expected.read(bytes, start, end, row)) return undefined;
    if (this.#noted) this.#forget();
    this.#beyondAscii = false;
    let position = this.#scanObject(bytes, start, end, row);
    if ((position < 0 || this.#beyondAscii) && !isUtf8(bytes.subarray(start, end))) {
      this.#reason = "not valid UTF-8";
      position = -1;
    }
    if (position < 0) {
      for (const spans of this.spans.values()) spans.lengths[row] = -1;
      return this.#reason;
    }
    if (this.#noted) this.#fold();
    return undefined;
  }

  #forget(): void {
    this.#noted = false;
    this.#newKeys.length = 0;
    this.#newKinds.length = 0;
    this.#driftFields.length = 0;
    this.#driftKinds.length = 0;
  }

  #fold(): void {
    for (let index = 0; index < this.#newKeys.length; index++) {
      this.#observe(this.#newKeys[index] as string, this.#newKinds[index] as FieldKind);
    }
    for (let index = 0; index < this.#driftFields.length; index++) {
      const field = this.#driftFields[index] as KnownField;
      this.#observe(Buffer.from(field.keyBytes).toString(), this.#driftKinds[index] as FieldKind);
    }
  }

  #observe(key: string, kind: FieldKind): void {
    const before = this.observed.get(key);
    this.observed.set(key, before === undefined ? kind : mergeObserved(before, kind));
  }

  #fail(at: number, start: number, what: string): number {
    this.#reason = `not valid JSON at byte ${at - start}: ${what}`;
    return -1;
  }

  #scanObject(bytes: Buffer, start: number, end: number, row: number): number {
    let position = skipBlanks(bytes, start, end);
    if (position >= end) {
      this.#reason = "empty";
      return -1;
    }
    if (bytes[position] !== BRACE_OPEN) {
      this.#reason = describeNonObject(bytes, position, end);
      return -1;
    }
    position = skipBlanks(bytes, position + 1, end);
    if (bytes[position] === BRACE_CLOSE && position < end) return this.#scanEnd(bytes, start, position + 1, end);
    let expected = 0;
    for (let count = 1; ; count++) {
      if (count > RECORD_FIELDS_MAX) {
        this.#reason = `more than ${RECORD_FIELDS_MAX} fields`;
        return -1;
      }
      if (position >= end || bytes[position] !== QUOTE)
        return this.#fail(position, start, "a field name should stand here");
      const keyStart = position + 1;
      let known: KnownField | undefined = this.#known[expected];
      let newKey: string | undefined;
      if (known !== undefined && startsWithKey(bytes, keyStart, end, known.keyBytes)) {
        position = keyStart + known.keyBytes.length + 1;
      } else {
        const keyEnd = this.#scanString(bytes, start, keyStart, end);
        if (keyEnd < 0) return -1;
        const key = stringAt(bytes, keyStart, keyEnd);
        known = this.#byKey.get(key);
        if (known === undefined) newKey = key;
        position = keyEnd + 1;
      }
      if (known !== undefined) {
        expected = known.index + 1;
        if (this.#lastRow[known.index] === row) return this.#repeats(Buffer.from(known.keyBytes).toString());
        this.#lastRow[known.index] = row;
      }
      position = skipBlanks(bytes, position, end);
      if (position >= end || bytes[position] !== COLON) return this.#fail(position, start, 'a ":" should stand here');
      const valueStart = skipBlanks(bytes, position + 1, end);
      this.#escaped = false;
      position = this.#scanValue(bytes, start, valueStart, end, known?.kind ?? "null");
      if (position < 0) return -1;
      const kind = this.#valueKind;
      if (known !== undefined) {
        if (kind !== known.kind && kind !== "null") {
          if (this.#policy !== "declared") this.#noteDrift(known, kind);
          else {
            const misfit = declaredMisfit(bytes, valueStart, position, kind, known);
            if (misfit !== undefined) {
              this.#reason = misfit;
              return -1;
            }
          }
        }
        if (kind !== "null") {
          known.starts[row] = valueStart;
          known.lengths[row] = position - valueStart;
          if (this.#escaped) known.escaped.add(row);
        }
      } else if (newKey !== undefined) {
        if (this.#newKeys.includes(newKey)) return this.#repeats(newKey);
        if (this.#policy === "open") {
          this.#noted = true;
          this.#newKeys.push(newKey);
          this.#newKinds.push(kind);
        } else if (this.#policy === "full") {
          this.overflowed = true;
        }
      }
      position = skipBlanks(bytes, position, end);
      const next = position < end ? bytes[position] : -1;
      if (next === BRACE_CLOSE) return this.#scanEnd(bytes, start, position + 1, end);
      if (next !== COMMA) return this.#fail(position, start, 'a "," or "}" should stand here');
      position = skipBlanks(bytes, position + 1, end);
    }
  }

  #repeats(key: string): number {
    this.#reason = `the field ${JSON.stringify(key.slice(0, 64))} occurs twice`;
    return -1;
  }

  #noteDrift(known: KnownField, kind: FieldKind): void {
    if (known.kind === "mixed") return;
    this.#noted = true;
    this.#driftFields.push(known);
    this.#driftKinds.push(kind);
  }

  #scanEnd(bytes: Buffer, start: number, position: number, end: number): number {
    const after = skipBlanks(bytes, position, end);
    return after === end ? end : this.#fail(after, start, "text after the object");
  }

  /** Position after the value; its kind goes to `#valueKind`, chosen to fit `wanted` where there is a choice. */
  #scanValue(bytes: Buffer, start: number, position: number, end: number, wanted: FieldKind): number {
    const first = position < end ? (bytes[position] as number) : -1;
    if (first === QUOTE) {
      const close = this.#scanString(bytes, start, position + 1, end);
      if (close < 0) return -1;
      const mayBeInstant = wanted === "timestamp" || wanted === "null";
      this.#valueKind = mayBeInstant && isInstant(bytes, position + 1, close) ? "timestamp" : "text";
      return close + 1;
    }
    if (first === BRACE_OPEN || first === BRACKET_OPEN) {
      this.#valueKind = "json";
      return this.#scanNested(bytes, start, position, end);
    }
    if (first === MINUS || (first >= ZERO && first <= NINE)) {
      const after = this.#scanNumber(bytes, start, position, end);
      if (after > 0) this.#valueKind = numberKind(bytes, position, after, wanted);
      return after;
    }
    return this.#scanLiteral(bytes, start, position, end);
  }

  #scanLiteral(bytes: Buffer, start: number, position: number, end: number): number {
    if (matches(bytes, position, end, "null")) {
      this.#valueKind = "null";
      return position + 4;
    }
    this.#valueKind = "boolean";
    if (matches(bytes, position, end, "true")) return position + 4;
    if (matches(bytes, position, end, "false")) return position + 5;
    return this.#fail(position, start, "a value should stand here");
  }

  /** Position of the closing quote. */
  #scanString(bytes: Buffer, start: number, from: number, end: number): number {
    let position = from;
    let ordinary = ORDINARY_ASCII;
    for (;;) {
      // This loop sees most bytes of a stream: one look-up each. It may run past the record's end, to the next quote.
      while (ordinary[bytes[position] as number] === 1) position++;
      if (position >= end) return this.#fail(end, start, "the string does not end");
      const byte = bytes[position] as number;
      if (byte === QUOTE) return position;
      if (byte >= 0x80) {
        this.#beyondAscii = true;
        ordinary = ORDINARY;
        continue;
      }
      if (byte !== BACKSLASH) return this.#fail(position, start, "a control character inside a string");
      const after = skipEscape(bytes, position, end);
      if (after < 0) return this.#fail(position, start, "a bad escape inside a string");
      this.#escaped = true;
      position = after;
    }
  }

  #scanNumber(bytes: Buffer, start: number, from: number, end: number): number {
    let position = bytes[from] === MINUS ? from + 1 : from;
    const digits = skipDigits(bytes, position, end);
    if (digits === position) return this.#fail(position, start, "a digit should stand here");
    if (bytes[position] === ZERO && digits > position + 1)
      return this.#fail(position, start, "a number with a leading zero");
    position = digits;
    if (position < end && bytes[position] === 0x2e) {
      const fraction = skipDigits(bytes, position + 1, end);
      if (fraction === position + 1) return this.#fail(fraction, start, "a digit should stand here");
      position = fraction;
    }
    if (position < end && (bytes[position] === 0x65 || bytes[position] === 0x45)) {
      position++;
      if (position < end && (bytes[position] === 0x2b || bytes[position] === MINUS)) position++;
      const exponent = skipDigits(bytes, position, end);
      if (exponent === position) return this.#fail(position, start, "a digit should stand here");
      position = exponent;
    }
    return position;
  }

  /** Validates an object or array without recursion, so that depth costs nothing but a counter. */
  #scanNested(bytes: Buffer, start: number, from: number, end: number): number {
    const closers: number[] = [];
    let position = from;
    for (;;) {
      // A value starts at `position`.
      const first = position < end ? bytes[position] : -1;
      if (first === BRACE_OPEN || first === BRACKET_OPEN) {
        // The record's own object is the first level.
        if (closers.length + 2 > DEPTH_MAX) {
          this.#reason = `nested deeper than ${DEPTH_MAX} levels`;
          return -1;
        }
        const closer = first === BRACE_OPEN ? BRACE_CLOSE : BRACKET_CLOSE;
        position = skipBlanks(bytes, position + 1, end);
        if (position < end && bytes[position] === closer) {
          position++;
        } else {
          closers.push(closer);
          if (closer === BRACE_CLOSE) {
            position = this.#scanKey(bytes, start, position, end);
            if (position < 0) return -1;
          }
          continue;
        }
      } else {
        position = this.#scanScalar(bytes, start, position, end);
        if (position < 0) return -1;
      }
      // A value has ended: close what closes, or go to the next one.
      for (;;) {
        const closer = closers.at(-1);
        if (closer === undefined) {
          this.#valueKind = "json";
          return position;
        }
        position = skipBlanks(bytes, position, end);
        const next = position < end ? bytes[position] : -1;
        if (next === closer) {
          closers.pop();
          position++;
          continue;
        }
        if (next !== COMMA)
          return this.#fail(position, start, `a "," or "${String.fromCharCode(closer)}" should stand here`);
        position = skipBlanks(bytes, position + 1, end);
        if (closer === BRACE_CLOSE) {
          position = this.#scanKey(bytes, start, position, end);
          if (position < 0) return -1;
        }
        break;
      }
    }
  }

  /** Past `"key" :` to where its value starts. */
  #scanKey(bytes: Buffer, start: number, position: number, end: number): number {
    if (position >= end || bytes[position] !== QUOTE)
      return this.#fail(position, start, "a field name should stand here");
    const close = this.#scanString(bytes, start, position + 1, end);
    if (close < 0) return -1;
    const colon = skipBlanks(bytes, close + 1, end);
    if (colon >= end || bytes[colon] !== COLON) return this.#fail(colon, start, 'a ":" should stand here');
    return skipBlanks(bytes, colon + 1, end);
  }

  #scanScalar(bytes: Buffer, start: number, position: number, end: number): number {
    const first = position < end ? (bytes[position] as number) : -1;
    if (first === QUOTE) {
      const close = this.#scanString(bytes, start, position + 1, end);
      return close < 0 ? -1 : close + 1;
    }
    if (first === MINUS || (first >= ZERO && first <= NINE)) return this.#scanNumber(bytes, start, position, end);
    return this.#scanLiteral(bytes, start, position, end);
  }
}

function describeNonObject(bytes: Buffer, position: number, end: number): string {
  const first = bytes[position] as number;
  if (first === 0) return "not JSON text: the first byte is 0 (Avro, Protobuf or another binary format?)";
  if (first === BRACKET_OPEN) return "a JSON array, not an object";
  if (first === 0xef && bytes[position + 1] === 0xbb) return "not valid JSON at byte 0: a byte order mark";
  const shown = JSON.stringify(bytes.toString("utf8", position, Math.min(end, position + 24)));
  return `not a JSON object: it begins with ${shown}`;
}
