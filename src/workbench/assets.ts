/**
 * The built page: the files of dist/web, read once and served as they are, and the HTML that loads them. The file
 * names carry a hash of their content, so a browser may keep them for ever.
 */
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { TidetableError } from "../errors.js";

export interface Asset {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same, gzipped; undefined where that saves nothing. */
  readonly gzipped: Uint8Array<ArrayBuffer> | undefined;
}

export interface Assets {
  get(name: string): Asset | undefined;
  /** @param pageConfig read by the page's script; holds no secret */
  html(title: string, pageConfig: Readonly<Record<string, string>>, page?: keyof Manifest["pages"]): string;
}

const types: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".woff": "font/woff",
  ".ttf": "font/ttf",
  ".png": "image/png",
};

/** @throws TidetableError COMPONENT_MISSING when the page has not been built */
export async function loadAssets(webDirectory: string): Promise<Assets> {
  const manifest = await readManifest(webDirectory);
  const files = new Map<string, Asset>();
  for (const name of await readdir(webDirectory)) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const read = async (file: string) => new Uint8Array(await readFile(join(webDirectory, file)));
    files.set(name, { type, bytes: await read(name), gzipped: await read(`${name}.gz`).catch(() => undefined) });
  }
  return {
    get: (name) => files.get(name),
    html: (title, pageConfig, page = "main") => pageHtml(title, pageConfig, manifest, page),
  };
}

interface Manifest {
  readonly pages: Readonly<Record<"main" | "view", { readonly script: string; readonly style: string }>>;
  readonly chartTrial: string;
  readonly icon: string;
}

async function readManifest(webDirectory: string): Promise<Manifest> {
  try {
    return JSON.parse(await readFile(join(webDirectory, "manifest.json"), "utf8")) as Manifest;
  } catch (cause) {
    throw new TidetableError(
      "COMPONENT_MISSING",
      "the workbench's page has not been built; run: node scripts/build.mjs",
      {
        cause,
      },
    );
  }
}

function pageHtml(
  title: string,
  pageConfig: Readonly<Record<string, string>>,
  { pages, chartTrial, icon }: Manifest,
  page: keyof Manifest["pages"],
): string {
  const { script, style } = pages[page];
  // `<` would end the script element early inside a notebook's name.
  const config = JSON.stringify({ ...pageConfig, chartTrial: `/assets/${chartTrial}` }).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="/assets/${icon}">
<link rel="stylesheet" href="/assets/${style}">
<script id="jupyter-config-data" type="application/json">${config}</script>
<script type="module" src="/assets/${script}"></script>
</head>
<body data-jp-theme-light="true" data-jp-theme-name="JupyterLab Light">
<div id="opening" role="status">Opening ${escapeHtml(title)} …</div>
<noscript>The workbench needs JavaScript.</noscript>
</body>
</html>
`;
}

/** A page of plain words, for those who are not let in. */
export function messageHtml(heading: string, message: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tidetable</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:18vh auto;padding:0 1.5rem;color:#1f2933}h1{font-size:1.25rem}</style>
</head><body><h1>${escapeHtml(heading)}</h1><p>${escapeHtml(message)}</p></body></html>
`;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
