/** The `.properties` text that Java clients are configured with, as names and values. Pure. */

/** `key=value`, `key: value`, `key value`; comments, continued lines and escapes as java.util.Properties has them. */
export function parseProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const { key, value } = split(line);
    properties.set(unescapeText(key), unescapeText(value));
  }
  return properties;
}

function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let open = "";
  for (const raw of text.split(/\r\n|\n|\r/)) {
    const line = raw.trimStart();
    if (open === "" && (line === "" || line.startsWith("#") || line.startsWith("!"))) continue;
    // An even number of backslashes at the end is backslashes; an odd one continues the line.
    const backslashes = /\\*$/.exec(line)?.[0].length ?? 0;
    if (backslashes % 2 === 1) {
      open += line.slice(0, -1);
      continue;
    }
    lines.push(open + line);
    open = "";
  }
  if (open !== "") lines.push(open);
  return lines;
}

function split(line: string): { readonly key: string; readonly value: string } {
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at];
    if (character === "\\") at += 1;
    else if (character === "=" || character === ":" || character === " " || character === "\t") {
      return { key: line.slice(0, at), value: line.slice(at).replace(/^\s*[=:]?\s*/, "") };
    }
  }
  return { key: line, value: "" };
}

function unescapeText(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, code: string | undefined, character: string) =>
    code === undefined
      ? ({ n: "\n", t: "\t", r: "\r", f: "\f" }[character] ?? character)
      : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
