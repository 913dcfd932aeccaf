/** Rules of running and showing: interpreters, charts, forms, and the text that a table has to be. Pure. */
import { chartColumns, graphOf } from "./charts.js";
import type { CheckedNote, CheckedParagraph, Finding, Rule } from "./check.js";
import { findForms } from "./forms.js";
import { goneInterpreters, hasSimpleForms, languageOf } from "./interpreters.js";
import { isJsonArray, isJsonObject, type JsonObject } from "./json.js";
import { selectedColumns } from "./selected-columns.js";

type Found = Omit<Finding, "rule">;

const broken = (where: string, message: string): Found => ({ severity: "broken", where, message });
const advice = (where: string, message: string): Found => ({ severity: "advice", where, message });

/** A rule that looks at one paragraph at a time. */
const each = (name: string, find: (paragraph: CheckedParagraph) => readonly Found[]): Rule => ({
  name,
  find: (note) => note.paragraphs.flatMap(find),
});

export const runRules: readonly Rule[] = [
  each("interpreter-named", interpreterNamed),
  each("interpreter-gone", interpreterGone),
  each("kernel-named", kernelNamed),
  each("old-result", oldResult),
  each("chart-place", chartPlace),
  each("chart-roles", chartRoles),
  each("chart-columns", chartColumnsExist),
  each("form-native", formsThatStay),
  each("table-text", tableText),
  { name: "allowed-origins", find: linksByAddress },
];

function interpreterNamed({ where, text }: CheckedParagraph): readonly Found[] {
  if (text.interpreter !== undefined || text.body.trim() === "") return [];
  return [
    broken(where, "It names no interpreter and runs in whatever the server's default is. Begin it with %spark, %md, …"),
  ];
}

function interpreterGone({ where, text }: CheckedParagraph): readonly Found[] {
  const name = text.interpreter ?? "";
  const gone = Object.hasOwn(goneInterpreters, name) ? goneInterpreters[name] : undefined;
  if (gone === undefined) return [];
  const versions = (["0.10", "0.11", "0.12"] as const).filter((version) => minor(version) >= minor(gone.since));
  return versions.length === 0
    ? []
    : [{ ...broken(where, `%${name} is gone since Zeppelin ${gone.since}: ${gone.instead}.`), versions }];
}

function minor(version: string): number {
  return Number(version.split(".")[1]);
}

function kernelNamed({ where, text }: CheckedParagraph): readonly Found[] {
  if (text.interpreter !== "jupyter" || text.properties.kernel !== undefined) return [];
  return [broken(where, "%jupyter needs a kernel: %jupyter(kernel=tidetable).")];
}

function oldResult({ where, json }: CheckedParagraph): readonly Found[] {
  if (!isJsonObject(json.result)) return [];
  return [
    broken(where, "Its result is in the form of 2016, which import drops. `npx tidetable note convert` carries it."),
  ];
}

function chartPlace({ where, config }: CheckedParagraph): readonly Found[] {
  if (!isJsonObject(config.graph)) return [];
  return [
    broken(
      where,
      'Its chart is in config.graph, which nothing reads since 0.9; it belongs into config.results["0"].graph.',
    ),
  ];
}

function graphs({ config }: CheckedParagraph): ReadonlyArray<JsonObject> {
  const count = isJsonArray(config.results)
    ? config.results.length
    : isJsonObject(config.results)
      ? Object.keys(config.results).length
      : 0;
  return Array.from({ length: count }, (_, index) => graphOf(config, index)).filter((graph) => graph !== undefined);
}

function chartRoles(paragraph: CheckedParagraph): readonly Found[] {
  return graphs(paragraph).flatMap((graph) => {
    const roles = ["keys", "groups", "values"];
    const missing = roles.filter((role) => !isJsonArray(graph[role]));
    if (missing.length === 0 || missing.length === roles.length) return [];
    return [
      broken(paragraph.where, `Its chart has no ${missing.join(" and no ")}; give keys, groups and values together.`),
    ];
  });
}

/** Zeppelin drops a column that the result has not, and draws the first two instead. */
function chartColumnsExist(paragraph: CheckedParagraph): readonly Found[] {
  const columns = selectedColumns(paragraph.text.body);
  const graph = graphOf(paragraph.config);
  if (graph === undefined || columns === undefined || graph.mode === "table") return [];
  const strange = chartColumns(graph).filter((name) => !columns.includes(name));
  if (strange.length === 0) return [];
  return [broken(paragraph.where, `Its chart draws ${strange.join(", ")}; the query has ${columns.join(", ")}.`)];
}

function formsThatStay({ where, text }: CheckedParagraph): readonly Found[] {
  if (text.interpreter === undefined || hasSimpleForms(text)) return [];
  const forms = findForms(text.body).filter(({ piece }) => piece.includes("=") && !/=[>=]/.test(piece));
  return forms.map(({ piece }) =>
    advice(
      where,
      `${piece} stays as it is: %${text.interpreter} takes forms from its code. As a form it needs (form=simple) in the first line.`,
    ),
  );
}

/** Text that begins a table glues to what was shown before it, unless a line break comes first. */
function tableText({ where, text }: CheckedParagraph): readonly Found[] {
  const language = languageOf(text);
  if (language === "markdown" || language === "sql" || !/(["'`])%table\b/.test(text.body)) return [];
  return [
    broken(
      where,
      'A printed table glues to the output before it: begin it with "\\n%table " and end it with a line break.',
    ),
  ];
}

/** 0.12.1 allows `localhost` and the host's name only; a page opened by address never connects. */
function linksByAddress({ paragraphs }: CheckedNote): readonly Found[] {
  return paragraphs
    .filter(({ text }) => languageOf(text) === "markdown" && /https?:\/\/127\.0\.0\.1:\d+\/#/.test(text.body))
    .map(({ where }) => ({
      ...advice(
        where,
        "A link to Zeppelin by address: 0.12.1 serves only localhost unless ZEPPELIN_ALLOWED_ORIGINS says so.",
      ),
      versions: ["0.12"],
    }));
}
