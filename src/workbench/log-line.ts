/**
 * A line of the workbench's log. What a kernel or an error says may hold what strangers wrote: it cannot move the cursor,
 * colour the terminal, pretend to be a further line or fill the disk. Pure.
 */
export const logLineCharactersMax = 8 * 1024;

/** Control characters of both sets, the separators that some viewers break lines at, and what turns the writing around. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is made visible
const unseen = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

export function logLine(text: string): string {
  const rest = text.length - logLineCharactersMax;
  const kept = rest > 0 ? `${text.slice(0, logLineCharactersMax)} … (${rest} more characters)` : text;
  return kept.replace(unseen, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return " ";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
