/** The names of a query's columns, where they are plain to see; undefined where they are not. Pure. */

export function selectedColumns(body: string): readonly string[] | undefined {
  const sql = body
    .replace(/^\s*%%sql[^\n]*\n/, "")
    .replace(/--[^\n]*/g, "")
    .replace(/\/\*[\s\S]*?\*\//g, "");
  const start = /^\s*select\s+(?:distinct\s+)?/i.exec(sql);
  if (start === null) return undefined;
  const items = listUntilFrom(sql.slice(start[0].length));
  const names = items.map(columnName);
  return names.every((name) => name !== undefined) ? names : undefined;
}

/** Splits at the commas that stand in no parenthesis and no quotes. */
function listUntilFrom(text: string): readonly string[] {
  const items: string[] = [];
  let depth = 0;
  let item = "";
  for (const [token] of text.matchAll(/'[^']*'|"[^"]*"|`[^`]*`|\w+|[^\w]/g)) {
    if (depth === 0 && /^from$/i.test(token)) break;
    if (token === "(") depth += 1;
    else if (token === ")") depth -= 1;
    if (depth === 0 && token === ",") {
      items.push(item);
      item = "";
    } else item += token;
  }
  return [...items, item].map((part) => part.trim());
}

function columnName(item: string): string | undefined {
  const named = /(?:\bas\s+|[\s)])(["`]?)(\w+)\1$/i.exec(item) ?? /^(?:\w+\.)?(["`]?)([A-Za-z_]\w*)\1$/.exec(item);
  return named?.[2];
}
