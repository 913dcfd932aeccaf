/**
 * Dynamic forms in a text, `${name=default}`: found as Zeppelin finds them, and turned into bound values of a `%%sql`
 * cell and back. Pure.
 */
import type { JsonObject } from "./json.js";
import { isJsonArray } from "./json.js";

export interface Form {
  /** The whole piece, `${checkbox:kind=a|b,a|b|c}`. */
  readonly piece: string;
  readonly index: number;
  readonly kind: "textbox" | "select" | "checkbox" | "password";
  readonly name: string;
  readonly default: string;
  /** `$${…}`: one form for the whole note. */
  readonly noteScope: boolean;
}

export function findForms(text: string): Form[] {
  return [...text.matchAll(/\$?\$\{([^{}]*)\}/g)].flatMap((match) => {
    const inside = match[1] ?? "";
    const equals = inside.indexOf("=");
    const left = equals < 0 ? inside : inside.slice(0, equals);
    const rest = equals < 0 ? "" : inside.slice(equals + 1);
    const typed = /^\s*(\w+)(?:\([^()]*\))?:(.*)$/s.exec(left);
    const name = (typed?.[2] ?? left).trim();
    if (name === "" || name.includes(":")) return [];
    // `${name=default,option(Label)|option}`: the options follow the first comma.
    const comma = rest.indexOf(",");
    const form: Form = {
      piece: match[0],
      index: match.index,
      kind: kindOf(typed?.[1], comma >= 0),
      name,
      default: comma >= 0 ? rest.slice(0, comma) : rest,
      noteScope: match[0].startsWith("$$"),
    };
    return [form];
  });
}

function kindOf(type: string | undefined, hasOptions: boolean): Form["kind"] {
  if (type === "checkbox" || type === "password") return type;
  return hasOptions || type === "select" ? "select" : "textbox";
}

/** What Zeppelin hands to an interpreter: each form replaced by its value, or by its default. */
export function pasteForms(text: string, params: JsonObject): string {
  let pasted = "";
  let end = 0;
  for (const form of findForms(text)) {
    pasted += text.slice(end, form.index) + pastedText(form, params);
    end = form.index + form.piece.length;
  }
  return pasted + text.slice(end);
}

function pastedText(form: Form, params: JsonObject): string {
  const given = params[form.name];
  if (isJsonArray(given)) return given.map(String).join(",");
  if (typeof given === "string" || typeof given === "number") return String(given);
  return form.kind === "checkbox" ? form.default.split("|").join(",") : form.default;
}

export interface BoundForms {
  readonly sql: string;
  /** In order of first use. */
  readonly values: readonly BoundForm[];
  /** Forms whose text cannot be a value: the name of a table, or a piece of a longer string. */
  readonly unclear: readonly string[];
}

export interface BoundForm {
  readonly variable: string;
  readonly form: string;
  readonly value: string | number | readonly string[];
  /** What stood in the SQL, quotes included. */
  readonly piece: string;
}

/** Zeppelin pastes a form's text; a cell binds a value. `'${name=x}'` and numbers mean the same in both. */
export function bindForms(sql: string, params: JsonObject): BoundForms {
  const values: BoundForm[] = [];
  const unclear: string[] = [];
  const variables = new Map<string, string>();
  let bound = "";
  let end = 0;
  for (const form of findForms(sql)) {
    const given = params[form.name];
    const text = typeof given === "string" ? given : typeof given === "number" ? String(given) : form.default;
    const quoted = sql[form.index - 1] === "'" && sql[form.index + form.piece.length] === "'";
    const numeric = text.trim() !== "" && Number.isFinite(Number(text));
    const list = form.kind === "checkbox";
    if (!quoted && !numeric) unclear.push(form.name);
    const start = form.index - (quoted ? 1 : 0);
    const next = form.index + form.piece.length + (quoted ? 1 : 0);
    const variable = variableFor(form.name, variables);
    if (!values.some((value) => value.variable === variable)) {
      const checked = isJsonArray(given) ? given.map(String) : text.split("|");
      values.push({
        variable,
        form: form.name,
        value: list ? checked : quoted || !numeric ? text : Number(text),
        piece: sql.slice(start, next),
      });
    }
    bound += `${sql.slice(end, start)}\${${variable}}`;
    end = next;
  }
  return { sql: bound + sql.slice(end), values, unclear };
}

/** The forms back in their places, in SQL that a person has edited. */
export function unbindForms(sql: string, pieces: JsonObject): string {
  return sql.replace(/\$\{([A-Za-z_$][\w$]*)\}/g, (whole, variable: string) => {
    const piece = pieces[variable];
    return Object.hasOwn(pieces, variable) && typeof piece === "string" ? piece : whole;
  });
}

/** `Kafka brokers` → `kafkaBrokers`; two forms never share a variable. */
function variableFor(form: string, known: Map<string, string>): string {
  const before = known.get(form);
  if (before !== undefined) return before;
  const words = form.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const camel = words.map((word, index) => (index === 0 ? lowerFirst(word) : upperFirst(word))).join("");
  const base = /^[A-Za-z]/.test(camel) && !reserved.has(camel) ? camel : `form${upperFirst(camel)}`;
  const taken = new Set(known.values());
  let variable = base;
  for (let count = 2; taken.has(variable); count += 1) variable = `${base}${count}`;
  known.set(form, variable);
  return variable;
}

const reserved = new Set(
  "break case catch class const continue debugger default delete do else enum export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield await async sql stream show chart live display".split(
    " ",
  ),
);

function lowerFirst(word: string): string {
  return word.charAt(0).toLowerCase() + word.slice(1);
}

function upperFirst(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
