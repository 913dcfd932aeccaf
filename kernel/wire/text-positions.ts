/** Cursor positions: the protocol counts code points, JavaScript counts UTF-16 units. Pure. */

/** The UTF-16 index of the code point at `position`; past the end is the end. */
export function utf16FromCodePoints(text: string, position: number): number {
  let index = 0;
  for (let seen = 0; seen < position && index < text.length; seen++) {
    index += isHighSurrogatePair(text, index) ? 2 : 1;
  }
  return index;
}

/** The number of code points before the UTF-16 index `index`. */
export function codePointsFromUtf16(text: string, index: number): number {
  let count = 0;
  for (let at = 0; at < Math.min(index, text.length); at += isHighSurrogatePair(text, at) ? 2 : 1) count++;
  return count;
}

function isHighSurrogatePair(text: string, index: number): boolean {
  return (text.codePointAt(index) ?? 0) > 0xffff;
}
