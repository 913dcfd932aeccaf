/**
 * A paragraph's text to a cell's source and back. Where the way back would not give the same text again, the text is
 * kept beside the source and holds for as long as nobody edits the source. Pure.
 */
import { graphOf, markOf, modeOf, withGraphMode } from "./charts.js";
import { digest } from "./digest.js";
import { type BoundForm, bindForms, findForms, pasteForms, unbindForms } from "./forms.js";
import { kernelOf, languageOf } from "./interpreters.js";
import type { JsonObject, JsonValue } from "./json.js";
import { isJsonObject } from "./json.js";
import type { Paragraph } from "./model.js";
import { magicOf, splitParagraphText } from "./paragraph-text.js";

export interface CellSource {
  readonly cellType: "markdown" | "code";
  readonly source: string;
  /** What the way back needs: the magic, the places of forms. */
  readonly memo: JsonObject;
  /** Values that a `%%sql` cell binds; they want a cell before it. */
  readonly values: readonly BoundForm[];
  /** For a person: what will not run as it did. */
  readonly remarks: readonly string[];
}

const switchedOffRemark = "It is switched off in Zeppelin; a notebook runs it with all others.";

type TextAndConfig = Pick<Paragraph, "text" | "config">;

/** @param kernel the notebook's, `tidetable` for ours */
export function cellSourceOf(paragraph: Paragraph, kernel: string): CellSource {
  const plain = plainCellSource(paragraph, kernel);
  const switchedOff = paragraph.config.enabled === false && plain.cellType === "code";
  const cell = switchedOff ? { ...plain, remarks: [...plain.remarks, switchedOffRemark] } : plain;
  const again = textOf(cell.cellType, cell.source, cell.memo, paragraph.config, kernel);
  if (again.text === paragraph.text && again.config === paragraph.config) return cell;
  return { ...cell, memo: { ...cell.memo, text: paragraph.text, source: digest(cell.source) } };
}

function plainCellSource(paragraph: Paragraph, kernel: string): CellSource {
  const split = splitParagraphText(paragraph.text);
  const magic = magicOf(split);
  const none = { values: [], remarks: [] };
  switch (languageOf(split)) {
    case "markdown":
      return { cellType: "markdown", source: split.body, memo: magic === "%md" ? {} : { magic }, ...none };
    case "sql":
      return kernel === "tidetable"
        ? sqlCell(paragraph, magic, split.body, split.properties)
        : asItIs(paragraph, kernel);
    case "default":
      return paragraph.text.trim() === ""
        ? { cellType: "code", source: paragraph.text, memo: { magic: "" }, ...none }
        : asItIs(paragraph, kernel);
    default:
      if (kernelOf(split) !== kernel) return asItIs(paragraph, kernel);
      return {
        ...(split.properties.form === "simple"
          ? withFormValues(paragraph, split.body)
          : { source: split.body, ...none }),
        cellType: "code",
        memo: magic === defaultMagic(kernel) ? {} : { magic },
      };
  }
}

function defaultMagic(kernel: string): string {
  return `%jupyter(kernel=${kernel})`;
}

/** For interpreters that the notebook's kernel is not: the whole text, whose first line then names what is missing. */
function asItIs(paragraph: Paragraph, kernel: string): CellSource {
  const { interpreter } = splitParagraphText(paragraph.text);
  const message =
    interpreter === undefined
      ? `It names no interpreter, so nothing says whether the kernel ${kernel} can run it.`
      : `%${interpreter} does not run in the kernel ${kernel}; the cell holds the text as it was.`;
  return { cellType: "code", source: paragraph.text, memo: { asItIs: true }, values: [], remarks: [message] };
}

/** Zeppelin pastes forms into code before the kernel sees it; here nobody does, so the cell holds what it would paste. */
function withFormValues(paragraph: Paragraph, body: string): Omit<CellSource, "cellType" | "memo"> {
  const names = [...new Set(findForms(body).map(({ name }) => name))];
  const remark = `The forms ${names.join(", ")} are written as the values that they hold; the note keeps them as forms while nobody edits the cell.`;
  return {
    source: pasteForms(body, paragraph.settings.params),
    values: [],
    remarks: names.length === 0 ? [] : [remark],
  };
}

function sqlCell(
  paragraph: Paragraph,
  magic: string,
  body: string,
  properties: Readonly<Record<string, string>>,
): CellSource {
  const graph = graphOf(paragraph.config);
  const mark = graph === undefined ? undefined : markOf(graph);
  const options = [
    ...(properties.refreshInterval === undefined ? [] : ["--live"]),
    ...(mark === undefined ? [] : [`--chart ${mark}`]),
    ...(/^\d+$/.test(properties.limit ?? "") ? [`--limit ${properties.limit}`] : []),
  ];
  const bound = findForms(body).length === 0 ? undefined : bindForms(body, paragraph.settings.params);
  const remarks = [
    ...(graph !== undefined && mark === undefined
      ? [`The chart ${String(graph.mode)} has no like here; the setting is kept for Zeppelin.`]
      : []),
    ...(bound?.unclear ?? []).map(
      (form) =>
        `The form ${form} was pasted into the SQL as text; a cell binds it as a value, which is no table's or column's name.`,
    ),
  ];
  const pieces = Object.fromEntries((bound?.values ?? []).map(({ variable, piece }) => [variable, piece]));
  return {
    cellType: "code",
    source: `${["%%sql", ...options].join(" ")}\n${bound?.sql ?? body}`,
    memo: { magic, sql: true, ...(bound === undefined ? {} : { pieces }) },
    values: bound?.values ?? [],
    remarks,
  };
}

/** The way back. `config` comes too, since a cell's `--chart` may have changed. */
export function textOf(
  cellType: string,
  source: string,
  memo: JsonObject,
  config: JsonObject,
  kernel: string,
): TextAndConfig {
  if (typeof memo.text === "string" && memo.source === digest(source)) return { text: memo.text, config };
  const magic = typeof memo.magic === "string" ? memo.magic : undefined;
  if (cellType === "markdown") return { text: `${magic ?? "%md"}\n${source}`, config };
  if (cellType === "raw") return { text: `%md\n${source}`, config };
  if (memo.asItIs === true) return { text: source, config };
  const sql = memo.sql === true ? /^%%sql([^\n]*)(?:\n|$)/.exec(source) : null;
  if (sql !== null) {
    const body = unbindForms(source.slice(sql[0].length), asObject(memo.pieces));
    const mark = /--chart[ =](\w+)/.exec(sql[1] ?? "")?.[1];
    const mode = mark === undefined ? undefined : modeOf(mark);
    return {
      text: `${magic ?? "%spark.sql"}\n${body}`,
      config: mode === undefined ? config : withGraphMode(config, mode),
    };
  }
  if (magic === "" && source.trim() === "") return { text: source, config };
  // A cell that was SQL for another interpreter and is something else now runs in the notebook's kernel.
  const head = memo.sql === true || magic === undefined || magic === "" ? defaultMagic(kernel) : magic;
  return { text: `${head}\n${source}`, config };
}

/** The chart that a `%%sql` cell of ours asks for, as Zeppelin's setting, where it has none yet. */
export function chartConfigOf(source: string, config: JsonObject): JsonObject {
  const mark = /^\s*%%sql\b[^\n]*--chart[ =](\w+)/.exec(source)?.[1];
  const mode = mark === undefined ? undefined : modeOf(mark);
  return mode === undefined || graphOf(config) !== undefined ? config : withGraphMode(config, mode);
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
