/** The first line of a paragraph, `%group.name(key=value)`, told from its body by Zeppelin's own rules. Pure. */

export interface ParagraphText {
  /** Everything before the body, its line break included: `head + body` is the text. */
  readonly head: string;
  /** `spark.sql`; undefined where the paragraph runs in the server's default interpreter. */
  readonly interpreter?: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly body: string;
  /** The parenthesis does not close: Zeppelin then refuses the whole note. */
  readonly unclosed: boolean;
}

const magic = /^\s*%([A-Za-z0-9_-]+(?:\.\w+)*)/;

export function splitParagraphText(text: string): ParagraphText {
  const match = magic.exec(text);
  if (match === null) return { head: "", properties: {}, body: text, unclosed: false };
  const interpreter = match[1] ?? "";
  let end = match[0].length;
  let properties: Readonly<Record<string, string>> = {};
  if (text[end] === "(") {
    const parsed = parseProperties(text, end + 1);
    if (parsed === undefined) return { head: "", interpreter, properties, body: text, unclosed: true };
    ({ properties, end } = parsed);
  }
  const space = /^[ \t]*(?:\r?\n)?/.exec(text.slice(end))?.[0] ?? "";
  const bodyStart = end + space.length;
  return { head: text.slice(0, bodyStart), interpreter, properties, body: text.slice(bodyStart), unclosed: false };
}

/** Values may be quoted, and a backslash takes the next character as it is. Undefined: no closing parenthesis. */
function parseProperties(text: string, start: number) {
  const properties: Record<string, string> = {};
  let key: string | undefined;
  let word = "";
  let quoted = false;
  const finish = () => {
    if (key !== undefined) properties[key] = word.trim();
    else if (word.trim() !== "") properties[word.trim()] = "true";
    key = undefined;
    word = "";
  };
  for (let index = start; index < text.length; index += 1) {
    const character = text[index] ?? "";
    if (character === "\\") {
      index += 1;
      word += text[index] ?? "";
    } else if (character === '"') quoted = !quoted;
    else if (quoted) word += character;
    else if (character === ")") {
      finish();
      return { properties, end: index + 1 };
    } else if (character === ",") finish();
    else if (character === "=" && key === undefined) {
      key = word.trim();
      word = "";
    } else word += character;
  }
  return undefined;
}

/** `%spark.sql(limit=5)` without its blanks, as it stands in a text. */
export function magicOf(text: ParagraphText): string {
  return text.head.trim();
}
