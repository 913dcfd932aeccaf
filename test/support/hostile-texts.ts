/** Names and values as somebody would choose them who wants a statement to be another one. */
import { seededRandom } from "./seeded-random.js";

/** Pieces that end a literal, a name, a comment or a statement somewhere. */
const pieces = [
  ...[
    "'",
    '"',
    "`",
    "\\",
    "\\'",
    "''",
    '""',
    ";",
    "--",
    "/*",
    "*/",
    "#",
    "?",
    "$1",
    ":a",
    "@x",
    "%s",
    "{}",
    "[",
    "]",
    "(",
    ")",
  ],
  ...["\n", "\r\n", "\t", " ", "\u00a0", "\u2028", "\u02bc", "\uff07", "é", "日本", "🙂", "\u202e", "‘", "’"],
  ...[
    "DROP TABLE t",
    "OR 1=1",
    "UNION SELECT 1",
    "$$",
    "$x$",
    "E'",
    "U&'",
    "x'00'",
    "NULL",
    "true",
    "0x0",
    "1e9",
    "SELECT",
    "t",
  ],
];

/** Each is another one. */
export function hostileTexts(count: number, seed: number): readonly string[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) =>
    [String(index), ...Array.from({ length: 1 + random.below(8) }, () => random.pick(pieces))].join(""),
  );
}
