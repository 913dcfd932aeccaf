/**
 * DuckDB's SQL, token by token, as text that AlaSQL's parser reads. That parser sees nothing of what a user wrote but
 * allow-listed words and symbols: every name becomes `[i0]`, every value `?`, so a text can bring no string, no number, no
 * back-quote and no keyword of AlaSQL's own into it. Operators that only DuckDB has travel as operators that only AlaSQL
 * has. Runs nothing, evaluates nothing. Pure.
 *
 * Long because the dialect is one table of tokens and the rules that join them; cut in two, neither half could be checked.
 */

import { quoteText } from "../identifiers.js";
import { type SqlToken, tokenizeSql } from "../sql-text.js";
import { nullLiteral, readNumber, readType } from "./literals.js";
import type { Literal } from "./syntax.js";
import { literalInterval, readDate, readTimestamp } from "./times.js";
import { literalText, mergeSymbols, shown, textLiteral, textOf } from "./tokens.js";
import { DATE, invalidSql, notInEngine, type SqlType, TIMESTAMP } from "./types.js";

export type Placeholder =
  | Literal
  | { readonly kind: "parameter"; readonly index: number }
  | { readonly kind: "type"; readonly type: SqlType; readonly tolerant: boolean }
  /** `GROUP BY ALL`; a HAVING without GROUP BY, which AlaSQL's grammar does not have. */
  | { readonly kind: "mark"; readonly mark: "GROUP ALL" | "NO GROUP" };

export interface Translation {
  readonly text: string;
  /** What `[i0]`, `[i1]`, … stand for. */
  readonly names: readonly string[];
  /** What each `?` stands for. */
  readonly placeholders: readonly Placeholder[];
  /** The token of the original that stands at an offset of `text`. */
  tokenAt(offset: number): SqlToken | undefined;
  readonly parameterCount: number;
}

/** AlaSQL's spelling of operators that DuckDB spells otherwise or that only DuckDB has. */
export const borrowedOperators: ReadonlyMap<string, string> = new Map([
  ["===", "ILIKE"],
  ["!==", "NOT ILIKE"],
  ["!===", "IS DISTINCT FROM"],
  ["==", "IS NOT DISTINCT FROM"],
  ["REGEXP", "::"],
  ["GLOB", "FILTER"],
  ["^", "//"],
]);

const borrowedFor = new Map([...borrowedOperators].map(([spelled, meaning]) => [meaning, spelled]));

/** Each token becomes several characters; this bounds text, tree and recursion at once. */
const TOKENS_MAX = 4_000;
const DEPTH_MAX = 100;

/** Words of DuckDB that cannot be a name without quotes and that this engine has no use for. */
const refusedWords = new Set(
  (
    "analyse analyze any array asymmetric both check collate column constraint create default deferrable describe do fetch " +
    "for foreign initially into lambda lateral leading only pivot pivot_longer pivot_wider placing primary qualify references " +
    "returning show some summarize symmetric table to trailing unique unpivot variadic window anti asof at natural positional " +
    "semi similar tablesample values glob map struct row isnull notnull"
  ).split(" "),
);
/** Words that pass as they are wherever they stand. */
const plainWords = new Set(
  "select distinct from as where order asc desc and or not in is null true false case when then else end with between except intersect union join inner cross on using by limit".split(
    " ",
  ),
);
const aggregatesWithDistinct = new Set(["count", "sum", "min", "max", "avg"]);

interface Frame {
  readonly cast: "CAST" | "TRY_CAST" | undefined;
  grouped: boolean;
  limited: boolean;
}

/** @throws TidetableError SQL_INVALID that names what this engine does not take. */
export function translate(text: string): Translation {
  return new Translator(text).run();
}

class Translator {
  readonly #tokens: readonly SqlToken[];
  readonly #names: string[] = [];
  readonly #nameIndexes = new Map<string, number>();
  readonly #placeholders: Placeholder[] = [];
  readonly #frames: Frame[] = [{ cast: undefined, grouped: false, limited: false }];
  readonly #starts: number[] = [];
  readonly #sources: SqlToken[] = [];
  #parameters = 0;
  #text = "";
  #at = 0;

  constructor(text: string) {
    this.#tokens = mergeSymbols(
      tokenizeSql(text).filter((token) => token.kind !== "space" && token.kind !== "comment"),
    );
  }

  run(): Translation {
    this.#refuseStatement();
    while (this.#at < this.#tokens.length) this.#step(this.#token());
    const starts = this.#starts;
    const sources = this.#sources;
    return {
      text: this.#text,
      names: this.#names,
      placeholders: this.#placeholders,
      parameterCount: this.#parameters,
      tokenAt: (offset) => sources[starts.findLastIndex((start) => start <= offset)],
    };
  }

  #refuseStatement(): void {
    while (this.#tokens.at(-1)?.text === ";") (this.#tokens as SqlToken[]).pop();
    const first = this.#tokens[0];
    if (first === undefined) throw invalidSql("There is no SQL statement here.");
    if (this.#tokens.some((token) => token.text === ";")) throw notInEngine("A text of several statements");
    if (this.#tokens.length > TOKENS_MAX) throw notInEngine(`A statement of more than ${TOKENS_MAX} words and symbols`);
    if (first.kind === "symbol" && first.text === "(") {
      throw notInEngine("A query in parentheses (write SELECT * FROM (…) AS q instead)");
    }
    if (!["select", "with"].includes(first.text.toLowerCase())) {
      throw notInEngine(`A statement that begins with ${shown(first)}; it runs SELECT only, and it`);
    }
  }

  #step(token: SqlToken): void {
    if (!token.closed) throw invalidSql(`${shown(token)} has no end.`);
    switch (token.kind) {
      case "word":
        this.#word(token, token.text.toLowerCase());
        return;
      case "quoted":
        this.#at += 1;
        this.#name(token.text.slice(1, -1).replaceAll('""', '"'), token);
        return;
      case "string":
        this.#at += 1;
        this.#place(textLiteral(token), token);
        return;
      case "number":
        this.#at += 1;
        this.#place(readNumber(token.text), token);
        return;
      default:
        this.#symbol(token);
        return;
    }
  }

  #word(token: SqlToken, word: string): void {
    const next = this.#tokens[this.#at + 1];
    const nextWord = next?.kind === "word" ? next.text.toLowerCase() : "";
    const opens = next?.text === "(";
    const previous = this.#tokens[this.#at - 1];
    // After a dot everything is a name; so is a reserved word in quotes, which is no word token.
    const named = previous?.text.toLowerCase() === "as" && !opens;
    if (previous?.text === "." || named) {
      this.#takeName(token);
      return;
    }
    switch (word) {
      case "cast":
      case "try_cast":
        if (opens) {
          this.#beginCast(token, word === "cast" ? "CAST" : "TRY_CAST");
          return;
        }
        break;
      case "extract":
        if (opens) {
          this.#beginExtract(token);
          return;
        }
        break;
      case "interval":
        this.#interval(token);
        return;
      case "date":
      case "timestamp":
        if (next?.kind === "string") {
          this.#timeLiteral(token, word, next);
          return;
        }
        break;
      case "group":
        this.#group(token, nextWord);
        return;
      case "having":
        this.#at += 1;
        this.#emit(this.#frame().grouped ? "HAVING" : `GROUP BY ${this.#mark("NO GROUP")} HAVING`, token);
        return;
      case "limit":
        this.#frame().limited = true;
        if (nextWord === "all") throw notInEngine("LIMIT ALL");
        break;
      case "offset":
        this.#at += 1;
        this.#emit(this.#frame().limited ? "OFFSET" : `LIMIT ${this.#put(nullLiteral)} OFFSET`, token);
        return;
      case "select":
        this.#frame().grouped = false;
        this.#frame().limited = false;
        if (nextWord === "all") this.#at += 1;
        if (nextWord === "distinct" && this.#tokens[this.#at + 2]?.text.toLowerCase() === "on") {
          throw notInEngine("DISTINCT ON");
        }
        break;
      case "union":
      case "except":
      case "intersect":
        this.#setOperator(token, word, nextWord);
        return;
      case "left":
      case "right":
      case "full":
        if (!opens) {
          this.#outerJoin(token, word, nextWord);
          return;
        }
        break;
      case "filter":
        if (opens && previous?.text === ")" && this.#wordAt(2) === "where") {
          this.#filter(token);
          return;
        }
        break;
      case "over":
        if (opens && previous?.text === ")") {
          this.#keyword(token);
          return;
        }
        if (previous?.text === ")") throw notInEngine("A named window");
        break;
      case "partition":
        if (nextWord === "by") {
          this.#keyword(token);
          return;
        }
        break;
      case "nulls":
        if (nextWord === "first" || nextWord === "last") {
          this.#nullsOrder(token, nextWord);
          return;
        }
        break;
      case "exists":
        if (opens) {
          this.#keyword(token);
          return;
        }
        break;
      case "like":
      case "ilike":
        this.#like(token, word, "");
        return;
      case "not":
        if (nextWord === "like" || nextWord === "ilike") {
          this.#at += 1;
          this.#like(token, nextWord, "NOT ");
          return;
        }
        break;
      case "is":
        if (this.#distinctFrom(token)) return;
        break;
      case "recursive":
        if (previous?.text.toLowerCase() === "with") throw notInEngine("WITH RECURSIVE");
        break;
    }
    if (opens && aggregatesWithDistinct.has(word) && this.#wordAt(2) === "distinct") {
      this.#keyword(token);
      return;
    }
    if (opens && this.#wordAt(2) === "distinct" && !plainWords.has(word)) {
      throw notInEngine(`DISTINCT in ${word}(…)`);
    }
    if (word === "all") throw notInEngine("ALL in this place");
    if (refusedWords.has(word) && !(opens && word === "at")) throw notInEngine(word.toUpperCase());
    if (plainWords.has(word)) {
      this.#keyword(token);
      return;
    }
    this.#takeName(token);
  }

  #symbol(token: SqlToken): void {
    const { text } = token;
    if (text === "?") {
      this.#at += 1;
      this.#parameters += 1;
      this.#place({ kind: "parameter", index: this.#parameters - 1 }, token);
      return;
    }
    if (text === "$") {
      this.#numberedParameter(token);
      return;
    }
    if (text === "::") {
      this.#castOperator(token);
      return;
    }
    if (text === "(") {
      this.#open(token);
      return;
    }
    if (text === ")") {
      this.#close(token);
      return;
    }
    const spelled = symbols.get(text);
    if (spelled === undefined) throw notInEngine(`The symbol ${text}`);
    this.#at += 1;
    this.#emit(spelled, token);
  }

  #open(token: SqlToken, cast?: Frame["cast"]): void {
    if (this.#frames.length > DEPTH_MAX) throw notInEngine(`A statement nested more than ${DEPTH_MAX} deep`);
    const before = this.#tokens[this.#at - 1]?.text.toLowerCase() ?? "";
    if (this.#wordAt(1) === "with") throw notInEngine("WITH inside a subquery (write it at the beginning)");
    // AlaSQL's tree does not keep which side of a set operation stood in parentheses.
    if (
      ["union", "except", "intersect", "all"].includes(before) ||
      (this.#tokens[this.#at + 1]?.text === "(" && this.#opensQuery(1))
    ) {
      throw notInEngine("A set operation with parentheses (write SELECT * FROM (…) AS q for that side)");
    }
    this.#frames.push({ cast, grouped: false, limited: false });
    this.#at += 1;
    this.#emit("(", token);
  }

  #opensQuery(from: number): boolean {
    let index = from;
    while (this.#tokens[this.#at + index]?.text === "(") index += 1;
    return ["select", "with"].includes(this.#wordAt(index));
  }

  #close(token: SqlToken): void {
    if (this.#frames.length === 1) throw invalidSql(`There is a ) without its (.`);
    this.#frames.pop();
    this.#at += 1;
    this.#emit(")", token);
  }

  /** `CAST(x AS t)` becomes a call of two arguments; at its `AS` the type follows (see #keyword). */
  #beginCast(token: SqlToken, cast: "CAST" | "TRY_CAST"): void {
    this.#name(cast, token);
    this.#at += 1;
    this.#open(this.#token(), cast);
  }

  #castOperator(token: SqlToken): void {
    this.#at += 1;
    const type = this.#type();
    this.#emit(borrowedFor.get("::") ?? "", token);
    this.#place({ kind: "type", type, tolerant: false }, token);
  }

  #type(): SqlType {
    const { type, length } = readType(this.#tokens.slice(this.#at));
    this.#at += length;
    return type;
  }

  /** `EXTRACT(year FROM x)` becomes `extract('year', x)`. */
  #beginExtract(token: SqlToken): void {
    const part = this.#tokens[this.#at + 2];
    if (part === undefined || this.#wordAt(3) !== "from") {
      this.#takeName(token);
      return;
    }
    const name = part.kind === "string" ? part.text.slice(1, -1) : part.text;
    this.#name("extract", token);
    this.#at += 1;
    this.#open(this.#token());
    this.#at += 2;
    this.#place(literalText(name.toLowerCase()), part);
    this.#emit(",", part);
  }

  /** `INTERVAL '5 minutes'`, `INTERVAL 5 MINUTE`, `INTERVAL '5' MINUTE`. */
  #interval(token: SqlToken): void {
    const amount = this.#tokens[this.#at + 1];
    if (amount?.kind !== "string" && amount?.kind !== "number") {
      if (amount?.text === "(") throw notInEngine("INTERVAL of an expression");
      this.#takeName(token);
      return;
    }
    const written = amount.kind === "string" ? textOf(amount) : amount.text;
    const unit = this.#wordAt(2);
    const withUnit = literalInterval(`${written} ${unit}`);
    const alone = amount.kind === "string" ? literalInterval(written) : undefined;
    const interval = alone ?? withUnit;
    if (interval === undefined) throw notInEngine(`INTERVAL ${amount.text}`);
    this.#at += alone === undefined ? 3 : 2;
    this.#place(
      { ...interval, shown: alone === undefined ? undefined : `CAST(${quoteText(written)} AS INTERVAL)` },
      token,
    );
  }

  #timeLiteral(token: SqlToken, word: "date" | "timestamp", text: SqlToken): void {
    const written = textOf(text);
    const isDate = word === "date";
    const value = isDate ? readDate(written) : readTimestamp(written);
    if (value === undefined) throw notInEngine(`${word.toUpperCase()} ${text.text}`);
    this.#at += 2;
    const type = isDate ? DATE : TIMESTAMP;
    const name = isDate ? '"DATE"' : "TIMESTAMP";
    this.#place(
      { kind: "literal", value, type, isText: false, shown: `CAST(${quoteText(written)} AS ${name})` },
      token,
    );
  }

  #group(token: SqlToken, nextWord: string): void {
    if (nextWord !== "by") {
      this.#keyword(token);
      return;
    }
    this.#frame().grouped = true;
    this.#at += 2;
    this.#emit("GROUP BY", token);
    const word = this.#wordAt(0);
    if (word === "all") {
      this.#at += 1;
      this.#emit(this.#mark("GROUP ALL"), token);
    } else if (["rollup", "cube", "grouping"].includes(word) && this.#tokens[this.#at + 1]?.text !== ",") {
      throw notInEngine(`GROUP BY ${word.toUpperCase()}`);
    }
  }

  #setOperator(token: SqlToken, word: string, nextWord: string): void {
    if (word === "union" && nextWord === "all") this.#at += 1;
    else if (nextWord === "all") throw notInEngine(`${word.toUpperCase()} ALL`);
    const following = this.#wordAt(1);
    if (following === "by") throw notInEngine("UNION BY NAME");
    if (following === "distinct") throw notInEngine(`${word.toUpperCase()} DISTINCT`);
    if (this.#tokens[this.#at + 1]?.text === "(") {
      throw notInEngine("A set operation with parentheses (write SELECT * FROM (…) AS q for that side)");
    }
    this.#frame().grouped = false;
    this.#at += 1;
    this.#emit(word === "union" && nextWord === "all" ? "UNION ALL" : word.toUpperCase(), token);
  }

  #outerJoin(token: SqlToken, word: string, nextWord: string): void {
    this.#at += nextWord === "outer" ? 2 : 1;
    this.#emit(word === "full" ? "FULL OUTER" : word.toUpperCase(), token);
  }

  /** `FILTER (WHERE condition)` becomes an operator between the aggregate and `(condition)`. */
  #filter(token: SqlToken): void {
    this.#at += 1;
    this.#emit(borrowedFor.get("FILTER") ?? "", token);
    this.#open(this.#token());
    this.#at += 1;
  }

  /** DuckDB puts NULLs last in either direction. The one spelling that AlaSQL reads stands for the other one here. */
  #nullsOrder(token: SqlToken, nextWord: string): void {
    this.#at += 2;
    if (nextWord === "last") return;
    const directed = /(?:ASC|DESC) $/.test(this.#text);
    this.#emit(`${directed ? "" : "ASC "}NULLS LAST`, token);
  }

  #like(token: SqlToken, word: string, negation: string): void {
    this.#at += 1;
    const meaning = `${negation}${word.toUpperCase()}`;
    this.#emit(borrowedFor.get(meaning) ?? meaning, token);
  }

  #distinctFrom(token: SqlToken): boolean {
    const words = [1, 2, 3].map((index) => this.#wordAt(index));
    const negated = words[0] === "not";
    const [first, second] = negated ? words.slice(1) : words;
    if (first !== "distinct" || second !== "from") return false;
    this.#at += negated ? 4 : 3;
    this.#emit(borrowedFor.get(negated ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM") ?? "", token);
    return true;
  }

  #numberedParameter(token: SqlToken): void {
    const number = this.#tokens[this.#at + 1];
    if (number?.kind !== "number" || number.start !== token.end || !/^[1-9]\d{0,3}$/.test(number.text)) {
      throw notInEngine("The symbol $");
    }
    this.#at += 2;
    this.#parameters = Math.max(this.#parameters, Number(number.text));
    this.#place({ kind: "parameter", index: Number(number.text) - 1 }, token);
  }

  #keyword(token: SqlToken): void {
    const word = token.text.toUpperCase();
    this.#at += 1;
    const { cast } = this.#frame();
    if (word === "AS" && cast !== undefined) {
      this.#emit(",", token);
      const type = this.#type();
      if (this.#tokens[this.#at]?.text !== ")") throw invalidSql(`${cast} has something after its type.`);
      this.#place({ kind: "type", type, tolerant: cast === "TRY_CAST" }, token);
      return;
    }
    this.#emit(word, token);
  }

  #takeName(token: SqlToken): void {
    this.#at += 1;
    this.#name(token.text, token);
  }

  #name(name: string, token: SqlToken): void {
    let index = this.#nameIndexes.get(name);
    if (index === undefined) {
      index = this.#names.push(name) - 1;
      this.#nameIndexes.set(name, index);
    }
    this.#emit(`[i${index}]`, token);
  }

  #mark(mark: "GROUP ALL" | "NO GROUP"): string {
    return this.#put({ kind: "mark", mark });
  }

  #put(placeholder: Placeholder): "?" {
    this.#placeholders.push(placeholder);
    return "?";
  }

  #place(placeholder: Placeholder, token: SqlToken): void {
    this.#emit(this.#put(placeholder), token);
  }

  #emit(text: string, token: SqlToken): void {
    this.#starts.push(this.#text.length);
    this.#sources.push(token);
    this.#text += `${text} `;
  }

  #frame(): Frame {
    return this.#frames.at(-1) as Frame;
  }

  #token(): SqlToken {
    return this.#tokens[this.#at] as SqlToken;
  }

  /** The word `ahead` of the current token, in small letters; empty for anything else. */
  #wordAt(ahead: number): string {
    const token = this.#tokens[this.#at + ahead];
    return token?.kind === "word" ? token.text.toLowerCase() : "";
  }
}

/** DuckDB's symbol → AlaSQL's. Whatever is not here does not pass. */
const symbols: ReadonlyMap<string, string> = new Map([
  ...[",", ".", "*", "+", "-", "/", "%", "=", "<", ">", "<=", ">=", "||"].map((text) => [text, text] as const),
  ["<>", "!="],
  ["!=", "!="],
  ["==", "="],
  ["//", borrowedFor.get("//") ?? ""],
]);
