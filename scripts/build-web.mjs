/**
 * Builds the workbench's page: src/workbench/web/ and JupyterLab's components into dist/web, as modules whose names
 * carry a hash, gzipped beside the originals. Plain JavaScript, because it runs before anything is built.
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { build } from "esbuild";
import { writeLicences } from "./build-licences.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const source = join(root, "src/workbench/web");
const outputDirectory = join(root, "dist/web");
const gzipAsync = promisify(gzip);

/**
 * JupyterLab names these, the page never reaches them: settings forms, diagrams, an icon font, and the languages of
 * other kernels.
 */
const stubbed =
  /^(@rjsf\/.*|@jupyterlab\/mermaid|@fortawesome\/.*|@codemirror\/legacy-modes\/.*|@codemirror\/lang-(cpp|java|php|rust|wast|xml|python)|@jupyterlab\/(filebrowser|docmanager-extension))$/;

/** Two copies of one of these break the page in ways that are hard to see: values of one are not values of the other. */
const singletons =
  /^(.*node_modules\/(@lumino\/[^/]+|yjs|react|react-dom|@jupyter\/ydoc|@codemirror\/(?:state|view|language))\/)(.*\.[cm]?js)$/;
/** Of these, one bundle is the whole package, so a second file of it is the CommonJS twin: a second copy. */
const singleFile = /^(@lumino\/|yjs|@codemirror\/)/;

const gzipBytesMin = 1024;

/** @returns {Promise<{ eagerGzipBytes: number, totalBytes: number, files: number }>} */
export async function buildWeb() {
  // Built aside and moved into place, so that a workbench that is running never sees half of it.
  const aside = `${outputDirectory}.new`;
  await rm(aside, { recursive: true, force: true });
  await mkdir(aside, { recursive: true });
  const { metafile, outputFiles } = await bundle(aside);
  requireSingletons(metafile);
  const sizes = await write(aside, metafile, outputFiles);
  await rm(outputDirectory, { recursive: true, force: true });
  await rename(aside, outputDirectory);
  await writeLicences(root, "PAGE-LICENSES.txt", [metafile]);
  return sizes;
}

function bundle(outdir) {
  return build({
    entryPoints: {
      main: join(source, "main.ts"),
      view: join(source, "view.ts"),
      "chart-trial": join(source, "chart-trial-worker.ts"),
      icon: join(source, "icon.svg"),
    },
    outdir,
    absWorkingDir: root,
    write: false,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    metafile: true,
    entryNames: "[name]-[hash]",
    chunkNames: "chunk-[hash]",
    assetNames: "[name]-[hash]",
    publicPath: "/assets",
    legalComments: "none",
    logLevel: "warning",
    logOverride: { "import-is-undefined": "silent" },
    loader: { ".svg": "text", ".woff": "file", ".woff2": "file", ".ttf": "file", ".eot": "empty", ".png": "dataurl" },
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    inject: [join(source, "process-shim.ts")],
    tsconfig: join(source, "tsconfig.json"),
    plugins: [stubs, styleAssets],
  });
}

const stubs = {
  name: "stubs",
  setup(building) {
    building.onResolve({ filter: stubbed }, () => ({ path: "stub", namespace: "stub" }));
    // CommonJS: whatever name is imported from it is undefined, and nothing has to be listed.
    building.onLoad({ filter: /.*/, namespace: "stub" }, () => ({ contents: "module.exports = {};", loader: "js" }));
  },
};

/** An SVG is text for a script (icons) and a data URL for a style; `~` in styles means node_modules. */
const styleAssets = {
  name: "style-assets",
  setup(building) {
    building.onResolve({ filter: /^~/ }, ({ path, resolveDir, kind }) =>
      building.resolve(path.slice(1), { resolveDir, kind }),
    );
    building.onResolve({ filter: /\.svg(\?.*)?$/ }, ({ path, resolveDir, kind }) =>
      kind === "url-token" ? { path: resolve(resolveDir, path.replace(/\?.*$/, "")), namespace: "svg-url" } : undefined,
    );
    building.onLoad({ filter: /.*/, namespace: "svg-url" }, async ({ path }) => ({
      contents: await readFile(path),
      loader: "dataurl",
    }));
    building.onLoad({ filter: /src\/workbench\/web\/icon\.svg$/ }, async ({ path }) => ({
      contents: await readFile(path),
      loader: "copy",
    }));
  },
};

function requireSingletons(metafile) {
  const copies = new Map();
  for (const path of Object.keys(metafile.inputs)) {
    const [, home, name, file] = singletons.exec(path) ?? [];
    if (name === undefined || file.startsWith("style/")) continue;
    copies.set(name, (copies.get(name) ?? new Set()).add(singleFile.test(name) ? path : home));
  }
  const doubled = [...copies].filter(([, places]) => places.size > 1);
  if (doubled.length === 0) return;
  const list = doubled.map(([name, places]) => `${name} (${[...places].join(", ")})`).join("; ");
  throw new Error(`the page would hold two copies of ${list}; align their versions in package.json`);
}

async function write(aside, metafile, outputFiles) {
  const eager = eagerFiles(metafile);
  const sizes = { eagerGzipBytes: 0, totalBytes: 0, files: outputFiles.length };
  for (const { path, contents } of outputFiles) {
    await writeFile(path, contents);
    sizes.totalBytes += contents.length;
    if (contents.length < gzipBytesMin || !/\.(js|css|svg)$/.test(path)) continue;
    const zipped = await gzipAsync(contents, { level: 9 });
    await writeFile(`${path}.gz`, zipped);
    if (eager.has(basename(path))) sizes.eagerGzipBytes += zipped.length;
  }
  const named = (start, end) =>
    outputFiles.map(({ path }) => basename(path)).find((name) => name.startsWith(start) && name.endsWith(end));
  const manifest = {
    pages: {
      main: { script: named("main-", ".js"), style: named("main-", ".css") },
      view: { script: named("view-", ".js"), style: named("view-", ".css") },
    },
    chartTrial: named("chart-trial-", ".js"),
    icon: named("icon-", ".svg"),
    sizes,
  };
  await writeFile(join(aside, "manifest.json"), JSON.stringify(manifest));
  return sizes;
}

/** What the browser loads before anything shows: the entry, its style, and all they import statically. */
function eagerFiles(metafile) {
  const byName = new Map(Object.entries(metafile.outputs).map(([path, output]) => [path, output]));
  const found = new Set();
  const visit = (path) => {
    const output = byName.get(path);
    if (output === undefined || found.has(basename(path))) return;
    found.add(basename(path));
    for (const { path: imported, kind } of output.imports) if (kind === "import-statement") visit(imported);
    if (output.cssBundle !== undefined) visit(output.cssBundle);
  };
  for (const [path, { entryPoint }] of byName) if (entryPoint?.endsWith("web/main.ts")) visit(path);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { eagerGzipBytes, totalBytes, files } = await buildWeb();
  console.log(
    `page: ${Math.round(eagerGzipBytes / 1024)} KB gzipped at start, ${Math.round(totalBytes / 1024)} KB in ${files} files`,
  );
}
