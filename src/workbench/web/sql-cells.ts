/**
 * A cell that begins with `%%sql` (or `%sql` alone on its line) is coloured as SQL, whatever the notebook's language.
 */
import { SQLDialect, sql } from "@codemirror/lang-sql";
import type { LanguageSupport } from "@codemirror/language";
import { Compartment, type EditorState, type Extension, Prec } from "@codemirror/state";
import { Decoration, EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";

const magicLine = /^%%?sql\b/;

/** Words that are DuckDB's grammar. Names that it merely knows stay plain, so that columns read as columns. */
const duckdb = SQLDialect.define({
  keywords:
    "all and anti any as asc asof at between by case cast columns cross desc describe distinct else end escape except " +
    "exclude exists explain filter first following for from full glob group grouping having ilike in inner intersect " +
    "into is join last lateral left like limit materialized natural not nulls offset on or order outer over partition " +
    "pivot positional preceding qualify range recursive replace returning right rollup row rows sample select semi " +
    "sets show similar some summarize table tablesample then ties to try_cast unbounded union unnest unpivot using " +
    "values when where window with within",
  types:
    "bigint bit blob bool boolean char date decimal double enum float hugeint int integer interval json list map " +
    "numeric real smallint struct text time timestamp timestamptz tinyint ubigint uhugeint uinteger usmallint " +
    "utinyint uuid varchar",
  builtin: "",
  doubleQuotedStrings: false,
  doubleDollarQuotedStrings: true,
  hashComments: false,
  operatorChars: "+-*/<>=~!@%^&|:",
  // The parser knows no identifier that begins with `_`; as special names, `_offset` and its sisters are whole.
  specialVar: "?$_",
});

export function duckdbSql(): LanguageSupport {
  return sql({ dialect: duckdb });
}

export function isSqlCell(state: EditorState): boolean {
  return magicLine.test(state.doc.line(1).text);
}

export function sqlCells(): Extension {
  const compartment = new Compartment();
  const asSql = Prec.highest(duckdbSql());
  const wanted = (state: EditorState) => (isSqlCell(state) ? asSql : []);
  const follow = ViewPlugin.fromClass(
    class {
      constructor(view: EditorView) {
        this.#switch(view);
      }
      update({ docChanged, view }: ViewUpdate): void {
        if (docChanged) this.#switch(view);
      }
      #switch(view: EditorView): void {
        const now = wanted(view.state);
        if (compartment.get(view.state) === now) return;
        // A view may not be changed from inside its own update.
        queueMicrotask(() => {
          if (compartment.get(view.state) !== now) view.dispatch({ effects: compartment.reconfigure(now) });
        });
      }
    },
  );
  return [compartment.of([]), follow, magicMark];
}

/** The magic's line is an instruction to Tidetable, not a part of the query. */
const magicMark = EditorView.decorations.compute(["doc"], (state) => {
  const line = state.doc.line(1);
  return magicLine.test(line.text)
    ? Decoration.set(Decoration.line({ class: "tt-magic-line" }).range(line.from))
    : Decoration.none;
});
