/** The smallest parts of JSON text in bytes: blanks, digits, escapes, keys, words. Positions are indexes; -1 means "not so". Pure. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const NINE = 0x39;

export function skipBlanks(bytes: Buffer, from: number, end: number): number {
  let position = from;
  while (position < end) {
    const byte = bytes[position];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    position++;
  }
  return position;
}

export function skipDigits(bytes: Buffer, from: number, end: number): number {
  let position = from;
  while (position < end && (bytes[position] as number) >= ZERO && (bytes[position] as number) <= NINE) position++;
  return position;
}

/** Past an escape that begins at `position`, or -1. A high surrogate must be followed by an escaped low one. */
export function skipEscape(bytes: Buffer, position: number, end: number): number {
  if (position + 1 >= end) return -1;
  const letter = bytes[position + 1] as number;
  if (letter !== 0x75) return '"\\/bfnrt'.includes(String.fromCharCode(letter)) ? position + 2 : -1;
  const unit = hexUnit(bytes, position + 2, end);
  if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return -1;
  if (unit < 0xd800 || unit > 0xdbff) return position + 6;
  if (position + 8 > end || bytes[position + 6] !== BACKSLASH || bytes[position + 7] !== 0x75) return -1;
  const low = hexUnit(bytes, position + 8, end);
  return low >= 0xdc00 && low <= 0xdfff ? position + 12 : -1;
}

function hexUnit(bytes: Buffer, from: number, end: number): number {
  if (from + 4 > end) return -1;
  let unit = 0;
  for (let position = from; position < from + 4; position++) {
    const byte = bytes[position] as number;
    const digit = byte >= ZERO && byte <= NINE ? byte - ZERO : hexLetter(byte | 0x20);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

function hexLetter(lowerCased: number): number {
  return lowerCased >= 0x61 && lowerCased <= 0x66 ? lowerCased - 0x57 : -1;
}

/** Whether `key"` stands at `from`, written without escapes. */
export function startsWithKey(bytes: Buffer, from: number, end: number, key: Uint8Array): boolean {
  const length = key.length;
  if (from + length >= end || bytes[from + length] !== QUOTE) return false;
  for (let index = 0; index < length; index++) {
    const byte = key[index];
    // A key that itself holds a quote or backslash can only be written with escapes.
    if (bytes[from + index] !== byte || byte === BACKSLASH || byte === QUOTE) return false;
  }
  return true;
}

export function matches(bytes: Buffer, position: number, end: number, word: string): boolean {
  if (position + word.length > end) return false;
  for (let index = 0; index < word.length; index++) {
    if (bytes[position + index] !== word.charCodeAt(index)) return false;
  }
  return true;
}

/** The text of a JSON string whose inside runs from `start` to `end` and has been validated. */
export function stringAt(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString("utf8", start, end);
  return text.includes("\\") ? (JSON.parse(`"${text}"`) as string) : text;
}
