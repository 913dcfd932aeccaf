/** Names of results: by its name a page asks for the rows that it was not sent. A result that nobody named has none. */
import type { QueryResult } from "./schema.js";

const ids = new WeakMap<QueryResult, string>();

export function noteResultId(result: QueryResult, id: string): void {
  ids.set(result, id);
}

export function resultIdOf(result: QueryResult): string | undefined {
  return ids.get(result);
}
