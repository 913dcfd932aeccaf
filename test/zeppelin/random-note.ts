// biome-ignore-all lint/suspicious/noTemplateCurlyInString: in a note a form stands as ${…} in plain text
/** Notes and notebooks made by chance, from pieces that are awkward to carry. */
import type { JsonObject } from "../../zeppelin/json.js";
import type { Random } from "../support/seeded-random.js";

const heads = [
  "",
  "%md\n",
  "%md ",
  "%spark\n",
  "%spark.sql\n",
  "%sql\n",
  "%jdbc(refreshInterval=1000)\n",
  "%jupyter(kernel=tidetable)\n",
  "%jupyter(kernel=tidetable,form=simple)\n",
  "%jupyter(kernel=python3)\n",
  "%python\n",
  "%sh ",
  " \n%md\n",
  '%jdbc(template="a, (b)")\n',
  "%spark.conf\n",
  "%r.ir\n",
  "%html\n",
];
const bodies = [
  "",
  "\n",
  "x",
  "# Title\n\ntext\n",
  "SELECT 1",
  "select * from t where a = '${a=1,1|2}' and b = ${n=3}",
  "select ${t=tweets} from ${t}",
  "%%sql --live --chart bar\nSELECT 1",
  "%%sql\n",
  "// %% not a cell\nlet a = 1",
  "line\r\nline",
  '`${x}` \\ "q" \u2028',
  "%table a\tb\n1\t2",
  "   indented\n\n\n",
  "## Title",
  'z.textbox("a", "b")',
];
const titles = ["Top Tweeters", "  spaced  out ", "two\nlines", "", "# hash", "ünï ⚓"];
const types = ["TEXT", "HTML", "TABLE", "IMG", "SVG", "ANGULAR", "NULL", "NETWORK"] as const;
const datas = [
  "",
  "\n",
  "a\tb\n1\t2\n",
  "<table><tr><td>1</td></tr></table>",
  "/9j/AAAA",
  "%text x",
  "line\nline",
  "\u001b[31mred",
];
const modes = ["table", "multiBarChart", "pieChart", "lineChart", "network"];

export function randomNoteFile(random: Random): JsonObject {
  const count = random.below(6);
  return {
    name: random.pick(["n", "Folder/Name", "ü"]),
    ...(random.chance(0.5) ? { id: "2ABCDEFGH" } : {}),
    ...(random.chance(0.5) ? { config: { isZeppelinNotebookCronEnable: false }, info: {}, noteForms: {} } : {}),
    paragraphs: Array.from({ length: count }, () => randomParagraph(random)),
  };
}

function randomParagraph(random: Random): JsonObject {
  const messages = Array.from({ length: random.below(4) }, () => ({
    type: random.pick(types),
    data: random.pick(datas),
  }));
  return {
    ...(random.chance(0.9) ? { text: random.pick(heads) + random.pick(bodies) } : {}),
    ...(random.chance(0.5) ? { title: random.pick(titles) } : {}),
    ...(random.chance(0.8)
      ? { id: random.pick(["a", "b", "paragraph_1_2", "ä", "x".repeat(70), "20161018-1_2"]) }
      : {}),
    ...(random.chance(0.7)
      ? { config: { colWidth: 6, results: { "0": { graph: { mode: random.pick(modes), keys: [] } } } } }
      : {}),
    ...(random.chance(0.5)
      ? { settings: { params: { a: "2", n: random.pick(["4", "x"]) }, forms: { a: { name: "a", type: "Select" } } } }
      : {}),
    ...(random.chance(0.6)
      ? { results: { code: random.pick(["SUCCESS", "ERROR", "INCOMPLETE"]), msg: messages } }
      : {}),
    ...(random.chance(0.3) ? { status: "FINISHED", dateCreated: "2026-01-02 03:04:05.006" } : {}),
  };
}

export function randomNotebook(random: Random): JsonObject {
  const kernel = random.pick(["tidetable", "python3", "ir", "deno"]);
  return {
    cells: Array.from({ length: random.below(6) }, (_, index) => randomCell(random, index)),
    metadata: { kernelspec: { name: kernel, display_name: kernel }, ...(random.chance(0.3) ? { authors: [] } : {}) },
    nbformat: 4,
    nbformat_minor: 5,
  };
}

function randomCell(random: Random, index: number): JsonObject {
  const type = random.pick(["markdown", "code", "code", "raw"]);
  const source = random.pick(["", ...bodies, ...heads.map((head) => `${head}x`)]);
  return {
    cell_type: type,
    id: `cell-${index}`,
    metadata: random.chance(0.3) ? { tags: ["x"] } : {},
    source: random.chance(0.5) ? source : source.split(/(?<=\n)/),
    ...(type === "markdown" && random.chance(0.2) ? { attachments: { "a.png": { "image/png": "iVBO" } } } : {}),
    ...(type === "code"
      ? {
          execution_count: random.chance(0.5) ? random.below(9) : null,
          outputs: Array.from({ length: random.below(3) }, () => randomOutput(random)),
        }
      : {}),
  };
}

function randomOutput(random: Random): JsonObject {
  return random.pick<JsonObject>([
    { output_type: "stream", name: random.pick(["stdout", "stderr"]), text: ["a\n", "b"] },
    { output_type: "error", ename: "TypeError", evalue: "x", traceback: random.pick([[], ["a", "b"]]) },
    { output_type: "execute_result", execution_count: 3, metadata: {}, data: { "text/plain": "1" } },
    { output_type: "display_data", metadata: {}, data: { "image/png": "iVBORw0KGgo=\n", "text/plain": "<Figure>" } },
    {
      output_type: "display_data",
      metadata: { isolated: true },
      data: { "text/html": "<table><tr><th>a</th></tr><tr><td>1</td></tr></table>" },
    },
    {
      output_type: "display_data",
      metadata: {},
      data: {
        "application/vnd.vegalite.v5+json": {
          mark: "bar",
          data: { values: [{ a: "x", b: 1 }] },
          encoding: { x: { field: "b" }, y: { field: "a" } },
        },
      },
    },
    {
      output_type: "display_data",
      metadata: {},
      data: {
        "application/vnd.vegalite.v5+json": {
          layer: [{ mark: { type: "bar" } }, { mark: "text", encoding: { text: { field: "b" } } }],
          data: { name: "live", values: [{ a: "x", b: 1 }] },
          encoding: { x: { field: "b" }, y: { field: "a" } },
        },
        "image/png": "iVBORw0KGgo=",
        "text/plain": "Chart: b by a, 1 point",
      },
    },
    { output_type: "display_data", metadata: {}, data: { "application/x-other": 1 } },
  ]);
}
