/**
 * What the word under the pointer is: in a SQL cell a table, a column or a function, from the catalogue of now; in a
 * TypeScript cell what the kernel's compiler says. Text only.
 */
import type { Extension } from "@codemirror/state";
import { type EditorView, hoverTooltip, type Tooltip } from "@codemirror/view";
import type { ISessionContext } from "@jupyterlab/apputils";
import { Text } from "@jupyterlab/coreutils";
import { tokenizeSql } from "../../sql/sql-text.js";
import { functions } from "../../sql/sql-vocabulary.js";
import { namedTables } from "../../sql/statement-tables.js";
import { element } from "./dom.js";
import type { PanelClient, TableState } from "./panel-client.js";
import { isSqlCell } from "./sql-cells.js";

const hoverAfterMs = 400;

let links: { readonly panel: PanelClient; readonly sessionContext: ISessionContext } | undefined;

/** Editors are made before the page has a kernel to ask. */
export function connectHover(panel: PanelClient, sessionContext: ISessionContext): void {
  links = { panel, sessionContext };
}

export function explainOnHover(): Extension {
  return hoverTooltip(explain, { hoverTime: hoverAfterMs });
}

async function explain(view: EditorView, position: number): Promise<Tooltip | null> {
  const word = view.state.wordAt(position);
  if (word === null || links === undefined) return null;
  const text = isSqlCell(view.state)
    ? explainSql(view.state.sliceDoc(word.from, word.to), links.panel.state.tables, view.state.doc.toString())
    : await inspect(links.sessionContext, view.state.doc.toString(), word.to);
  if (text === undefined) return null;
  return {
    pos: word.from,
    end: word.to,
    above: true,
    create: () => ({ dom: element("div", "tt-hover", text) }),
  };
}

/** Pure. Undefined where the word is none of the catalogue's, nor a name that the cell gives to a table. */
export function explainSql(word: string, tables: readonly TableState[], cell: string): string | undefined {
  const same = (name: string) => name.toLowerCase() === word.toLowerCase();
  const code = tokenizeSql(cell.replace(/^.*\n/, "")).filter(({ kind }) => kind !== "space" && kind !== "comment");
  const named = [...namedTables(code, tables).values()];
  const alias = named.find(({ name, table }) => same(name) && !same(table?.name ?? ""));
  const table = tables.find(({ name }) => same(name));
  if (alias !== undefined || table !== undefined) {
    const { kind, columns } = table ?? { kind: alias?.table?.kind ?? "subquery", ...(alias ?? { columns: [] }) };
    const of = alias?.table === undefined ? kind : `${kind} ${alias.table.name}`;
    const lines = columns.map(({ name, sqlType }) => `  ${name}${sqlType === undefined ? "" : ` ${sqlType}`}`);
    return [alias === undefined ? `${kind} ${table?.name}` : `${alias.name}: ${of}`, ...lines].join("\n");
  }
  // Of the tables that the cell reads, where it reads any that has such a column.
  const among = (
    from: ReadonlyArray<Pick<TableState, "name"> & { readonly columns: (typeof named)[number]["columns"] }>,
  ) =>
    from.flatMap(({ name, columns }) =>
      columns.filter((column) => same(column.name)).map((column) => `${name}.${column.name} ${column.sqlType ?? ""}`),
    );
  const read = among(named.map(({ name, columns, table: of }) => ({ name: of?.name ?? name, columns })));
  const columns = read.length > 0 ? read : among(tables);
  if (columns.length > 0) return [...new Set(columns)].join("\n").trim();
  return functions.get(word.toLowerCase());
}

async function inspect({ session }: ISessionContext, code: string, offset: number): Promise<string | undefined> {
  // A kernel that computes would answer late, under a pointer that has moved on.
  if (session?.kernel == null || session.kernel.status !== "idle") return undefined;
  const { content } = await session.kernel.requestInspect({
    code,
    cursor_pos: Text.jsIndexToCharIndex(offset, code),
    detail_level: 0,
  });
  if (content.status !== "ok" || !content.found) return undefined;
  const text = content.data["text/plain"];
  return typeof text === "string" ? text : undefined;
}
