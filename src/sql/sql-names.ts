/** Names in SQL text on the kernel's side. Pure. */
import { quoteIdentifier } from "./identifiers.js";
import { keywords, statementKeywords } from "./sql-vocabulary.js";

const reserved = new Set([...keywords.map((keyword) => keyword.toLowerCase()), ...statementKeywords]);

/** The name as one writes it in a query: in double quotes only where it would not be read as a name without them. */
export function quoteWhereNeeded(name: string): string {
  const plain = /^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) && !reserved.has(name.toLowerCase());
  return plain ? name : quoteIdentifier(name);
}
