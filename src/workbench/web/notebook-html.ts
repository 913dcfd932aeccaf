/**
 * A notebook as one HTML page that needs nothing else: text, code, tables, pictures of its charts. Runs no script,
 * wherever it is opened: what cells wrote as HTML is sanitised first.
 */
import { Sanitizer } from "@jupyterlab/apputils";
import { createMarkdownParser } from "@jupyterlab/markedparser-extension";
import { createLanguages } from "./languages.js";

const style = `body{max-width:60rem;margin:2rem auto;padding:0 1rem;font:16px/1.6 system-ui,sans-serif;color:#1c2733}
pre{padding:.75rem 1rem;border:1px solid #dfe5ea;border-radius:6px;background:#f7f9fa;overflow:auto;font-size:14px}
pre.output{border:0;background:none}pre.error{background:#fdf4f3}table{border-collapse:collapse;font-size:14px}
th,td{padding:.2rem .6rem;border-bottom:1px solid #dfe5ea}img{max-width:100%}`;
const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

export async function notebookHtml(notebook: unknown, title: string): Promise<string> {
  const sanitizer = new Sanitizer();
  const markdown = createMarkdownParser(createLanguages());
  const parts: string[] = [];
  for (const cell of cellsOf(notebook)) {
    const source = joined(cell.source);
    if (cell.cell_type === "markdown") parts.push(sanitizer.sanitize(await markdown.render(source)));
    else parts.push(`<pre><code>${escaped(source)}</code></pre>`);
    const outputs = Array.isArray(cell.outputs) ? cell.outputs.filter(isRecord) : [];
    for (const output of outputs) parts.push(outputHtml(output, sanitizer));
  }
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escaped(title)}</title><style>${style}</style></head>
<body>
${parts.join("\n")}
</body></html>
`;
}

function outputHtml(output: Fields, sanitizer: Sanitizer): string {
  if (output.output_type === "stream") return `<pre class="output">${escaped(plain(joined(output.text)))}</pre>`;
  if (output.output_type === "error") {
    return `<pre class="output error">${escaped(plain(`${joined(output.ename)}: ${joined(output.evalue)}`))}</pre>`;
  }
  const data = isRecord(output.data) ? output.data : {};
  const picture = data["image/png"];
  if (typeof picture === "string") return `<p><img alt="" src="data:image/png;base64,${escaped(picture.trim())}"></p>`;
  if ("text/html" in data) return `<div>${sanitizer.sanitize(joined(data["text/html"]))}</div>`;
  return `<pre class="output">${escaped(joined(data["text/plain"]))}</pre>`;
}

type Fields = Readonly<Record<string, unknown>>;

function cellsOf(notebook: unknown): readonly Fields[] {
  return isRecord(notebook) && Array.isArray(notebook.cells) ? notebook.cells.filter(isRecord) : [];
}

function joined(text: unknown): string {
  return Array.isArray(text) ? text.join("") : typeof text === "string" ? text : "";
}

/** Without the colours of a terminal. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
