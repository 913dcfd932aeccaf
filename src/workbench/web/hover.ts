/**
 * What the word under the pointer is: in a SQL cell a table, a column or a function, from the catalogue of now; in a
 * TypeScript cell what the kernel's compiler says. Text only.
 */
import type { Extension } from "@codemirror/state";
import { type EditorView, hoverTooltip, type Tooltip } from "@codemirror/view";
import type { ISessionContext } from "@jupyterlab/apputils";
import { Text } from "@jupyterlab/coreutils";
import { functions } from "../../sql/sql-vocabulary.js";
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
    ? explainSql(view.state.sliceDoc(word.from, word.to), links.panel.state.tables)
    : await inspect(links.sessionContext, view.state.doc.toString(), word.to);
  if (text === undefined) return null;
  return {
    pos: word.from,
    end: word.to,
    above: true,
    create: () => ({ dom: element("div", "tt-hover", text) }),
  };
}

/** Pure. Undefined where the word is none of the catalogue's. */
export function explainSql(word: string, tables: readonly TableState[]): string | undefined {
  const same = (name: string) => name.toLowerCase() === word.toLowerCase();
  const table = tables.find(({ name }) => same(name));
  if (table !== undefined) {
    const columns = table.columns.map(({ name, sqlType }) => `  ${name} ${sqlType}`);
    return [`${table.kind} ${table.name}`, ...columns].join("\n");
  }
  const columns = tables.flatMap(({ name, columns: own }) =>
    own.filter((column) => same(column.name)).map((column) => `${name}.${column.name} ${column.sqlType}`),
  );
  if (columns.length > 0) return columns.join("\n");
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
