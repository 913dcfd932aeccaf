/** Values as what is shown of them: a bundle as it is, a thing that knows how to show itself, anything else as text. */
import { inspect } from "node:util";
import type { MimeBundle } from "../cell-output.js";
import { TidetableError } from "../errors.js";
import { displaySymbol } from "../sql/result-rows.js";

/** @throws TidetableError SQL_INVALID for a value that can only be shown once something has run: a promise, a query. */
export function toBundle(value: unknown): MimeBundle {
  if (isPromise(value)) throw waiting(value);
  const shows = (value as { readonly [displaySymbol]?: unknown } | null | undefined)?.[displaySymbol];
  if (typeof shows === "function") {
    const bundle: unknown = shows.call(value);
    if (isPromise(bundle)) throw waiting(value);
    return bundle as MimeBundle;
  }
  if (isBundle(value)) return value;
  return { "text/plain": typeof value === "string" ? value : inspect(value, { depth: 4, maxArrayLength: 100 }) };
}

function isPromise(value: unknown): boolean {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === "function";
}

function waiting(value: unknown): TidetableError {
  const what = value instanceof Promise ? "a promise" : "a value that shows itself later";
  return new TidetableError("SQL_INVALID", `display got ${what}; write await before it.`);
}

/** An object whose every key is a mime type. */
function isBundle(value: unknown): value is MimeBundle {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => /^[a-z]+\/[\w.+-]+$/i.test(key));
}
