/**
 * From the value of a cell's last expression to what is shown of it. A value may say itself how it wants to be shown,
 * by the symbol that other TypeScript notebooks use too. Plain text carries no colour codes: it is saved in files.
 */
import { inspect } from "node:util";
import type { MimeBundle } from "./executor.js";

const DISPLAY = Symbol.for("Jupyter.display");
/** A cell that returns a huge value must not make a huge notebook. */
const TEXT_LENGTH_MAX = 64 * 1024;

/** Undefined for what shows nothing: `undefined`, and a value that says so by an empty bundle. */
export async function bundleOf(value: unknown): Promise<MimeBundle | undefined> {
  if (value === undefined) return undefined;
  const own = await ownBundle(value);
  if (own !== undefined && Object.keys(own).length === 0) return undefined;
  if (own === undefined) return { "text/plain": plainText(value) };
  return "text/plain" in own ? own : { ...own, "text/plain": plainText(value) };
}

export function plainText(value: unknown): string {
  const text = inspectSafely(value);
  return text.length <= TEXT_LENGTH_MAX
    ? text
    : `${text.slice(0, TEXT_LENGTH_MAX)}\n… ${text.length - TEXT_LENGTH_MAX} more characters`;
}

async function ownBundle(value: unknown): Promise<MimeBundle | undefined> {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return undefined;
  const show: unknown = Reflect.get(value, DISPLAY);
  if (typeof show !== "function") return undefined;
  const bundle: unknown = await show.call(value);
  return typeof bundle === "object" && bundle !== null ? { ...bundle } : undefined;
}

function inspectSafely(value: unknown): string {
  try {
    return inspect(value, { depth: 4, maxArrayLength: 100, maxStringLength: TEXT_LENGTH_MAX, breakLength: 100 });
  } catch (error) {
    // A getter or an inspect method of the user's own failed; the cell itself did not.
    return `[a value that cannot be shown: ${error instanceof Error ? error.message : String(error)}]`;
  }
}
