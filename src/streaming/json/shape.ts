/**
 * Shapes of nested JSON values, as a schema declares them: STRUCT, LIST and what they are made of. Checks a value that the
 * scanner has found valid against its shape, because the database would bend what does not fit. Pure.
 */
import { isInstant, numberKind } from "./kinds.js";
import { skipBlanks, skipEscape, stringAt } from "./lexis.js";

export type ScalarKind = "boolean" | "bigint" | "hugeint" | "double" | "timestamp" | "text" | "json";

export type Shape =
  | { readonly kind: ScalarKind }
  | { readonly list: Shape }
  | { readonly struct: ReadonlyArray<{ readonly key: string; readonly shape: Shape }> };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;

const SCALAR_TYPES: Readonly<Record<ScalarKind, string>> = {
  boolean: "BOOLEAN",
  bigint: "BIGINT",
  hugeint: "HUGEINT",
  double: "DOUBLE",
  timestamp: "TIMESTAMP",
  text: "VARCHAR",
  json: "JSON",
};

/** `STRUCT("id" BIGINT, "tags" VARCHAR[])`. */
export function sqlTypeOfShape(shape: Shape): string {
  if ("kind" in shape) return SCALAR_TYPES[shape.kind];
  if ("list" in shape) return `${sqlTypeOfShape(shape.list)}[]`;
  const members = shape.struct.map(
    ({ key, shape: inner }) => `"${key.replaceAll('"', '""')}" ${sqlTypeOfShape(inner)}`,
  );
  return `STRUCT(${members.join(", ")})`;
}

/** As `from_json` takes it: `{"id":"BIGINT","tags":["VARCHAR"]}`. */
export function jsonStructureOf(shape: Shape): string {
  if ("kind" in shape) return JSON.stringify(SCALAR_TYPES[shape.kind]);
  if ("list" in shape) return `[${jsonStructureOf(shape.list)}]`;
  // Written by hand: a JS object would reorder keys that look like numbers.
  return `{${shape.struct.map(({ key, shape: inner }) => `${JSON.stringify(key)}:${jsonStructureOf(inner)}`).join(",")}}`;
}

/** Why the valid JSON value at `start` does not fit, beginning with the path to it (`.user.id is text, not BIGINT`); undefined: it fits. */
export function misfit(bytes: Buffer, start: number, end: number, shape: Shape): string | undefined {
  const reader = new ShapeReader(bytes, end);
  return reader.read(start, shape, "") < 0 ? reader.reason : undefined;
}

class ShapeReader {
  reason = "";
  readonly #bytes: Buffer;
  readonly #end: number;

  constructor(bytes: Buffer, end: number) {
    this.#bytes = bytes;
    this.#end = end;
  }

  /** Position after the value; -1 when it does not fit. As deep as the shape, which is shallow. */
  read(position: number, shape: Shape, path: string): number {
    const first = this.#bytes[position];
    if (first === 0x6e) return position + 4; // null fits everything
    if ("list" in shape)
      return first === BRACKET_OPEN ? this.#readList(position, shape.list, path) : this.#not(path, position, shape);
    if ("struct" in shape)
      return first === BRACE_OPEN ? this.#readStruct(position, shape.struct, path) : this.#not(path, position, shape);
    const after = this.#skip(position);
    return shape.kind === "json" || this.#scalarFits(position, after, shape.kind)
      ? after
      : this.#not(path, position, shape);
  }

  #readList(from: number, shape: Shape, path: string): number {
    let position = skipBlanks(this.#bytes, from + 1, this.#end);
    for (let index = 0; this.#bytes[position] !== BRACKET_CLOSE; index++) {
      position = this.read(position, shape, `${path}[${index}]`);
      if (position < 0) return -1;
      position = this.#pastComma(position);
    }
    return position + 1;
  }

  #readStruct(
    from: number,
    members: ReadonlyArray<{ readonly key: string; readonly shape: Shape }>,
    path: string,
  ): number {
    const seen = new Set<string>();
    let position = skipBlanks(this.#bytes, from + 1, this.#end);
    while (this.#bytes[position] !== BRACE_CLOSE) {
      const keyEnd = this.#skip(position);
      const key = stringAt(this.#bytes, position + 1, keyEnd - 1);
      position = skipBlanks(this.#bytes, skipBlanks(this.#bytes, keyEnd, this.#end) + 1, this.#end);
      const member = members.find((candidate) => candidate.key === key);
      if (member !== undefined && seen.has(key)) return this.#fail(`${path}.${key} occurs twice`);
      seen.add(key);
      position = member === undefined ? this.#skip(position) : this.read(position, member.shape, `${path}.${key}`);
      if (position < 0) return -1;
      position = this.#pastComma(position);
    }
    return position + 1;
  }

  #pastComma(position: number): number {
    const next = skipBlanks(this.#bytes, position, this.#end);
    return this.#bytes[next] === COMMA ? skipBlanks(this.#bytes, next + 1, this.#end) : next;
  }

  #scalarFits(start: number, end: number, kind: ScalarKind): boolean {
    const first = this.#bytes[start] as number;
    if (first === QUOTE) return kind === "text" || (kind === "timestamp" && isInstant(this.#bytes, start + 1, end - 1));
    if (first === BRACE_OPEN || first === BRACKET_OPEN) return false;
    if (first === 0x74 || first === 0x66) return kind === "boolean";
    return numberKind(this.#bytes, start, end, kind) === kind;
  }

  /** Past a valid value of any kind. */
  #skip(from: number): number {
    const first = this.#bytes[from];
    if (first === QUOTE) return this.#skipString(from);
    let position = from;
    for (let depth = 0; position < this.#end; ) {
      const byte = this.#bytes[position] as number;
      if (byte === QUOTE) {
        position = this.#skipString(position);
        continue;
      }
      if (depth === 0 && (byte === COMMA || byte === BRACE_CLOSE || byte === BRACKET_CLOSE || byte <= 0x20)) break;
      if (byte === BRACE_OPEN || byte === BRACKET_OPEN) depth++;
      if ((byte === BRACE_CLOSE || byte === BRACKET_CLOSE) && --depth === 0) return position + 1;
      position++;
    }
    return position;
  }

  #skipString(from: number): number {
    let position = from + 1;
    while (this.#bytes[position] !== QUOTE) {
      position = this.#bytes[position] === BACKSLASH ? skipEscape(this.#bytes, position, this.#end) : position + 1;
    }
    return position + 1;
  }

  #not(path: string, position: number, shape: Shape): number {
    return this.#fail(`${path} is ${kindAt(this.#bytes, position)}, not ${sqlTypeOfShape(shape)}`);
  }

  #fail(reason: string): number {
    this.reason = reason;
    return -1;
  }
}

/** What a JSON value is, in a word with its beginning where that helps. */
export function kindAt(bytes: Buffer, position: number): string {
  const first = bytes[position] as number;
  if (first === BRACE_OPEN) return "an object";
  if (first === BRACKET_OPEN) return "a list";
  if (first === 0x74 || first === 0x66) return "a boolean";
  if (first === QUOTE)
    return `the text ${bytes.toString("utf8", position, Math.min(bytes.length, position + 24)).split(/(?<=.)"/u)[0]}"`;
  return `the number ${/^[-+.0-9eE]{1,40}/.exec(bytes.toString("latin1", position, position + 40))?.[0] ?? "?"}`;
}
