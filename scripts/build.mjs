/**
 * Builds dist/: one bundle per process (kernel, its socket worker, engine, command line, library), the library's
 * declarations, and the page. What the bundles use is in them, with its licence beside them; see 0184 for why.
 * Plain JavaScript, because it runs before anything is built.
 */
import { existsSync } from "node:fs";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { writeLicences } from "./build-licences.mjs";
import { copyCompiler, copyZeromq, isOutside, zeromqInside } from "./build-packages.mjs";
import { buildTypes } from "./build-types.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Bundle name in dist/ → entry file. */
const entries = {
  kernel: "kernel/main.ts",
  "socket-worker": "kernel/socket/worker.ts",
  engine: "src/engine/process.ts",
  cli: "src/cli/main.ts",
  index: "src/index.ts",
  spark: "src/spark.ts",
};

/** Part of the bundle, with its licence beside it: as a dependency it would bring 600 packages for phones to every user. */
const alasqlInside = {
  name: "alasql-inside",
  setup(build) {
    const path = createRequire(import.meta.url).resolve("alasql");
    build.onResolve({ filter: /^alasql$/ }, () => ({ path }));
    // Only its parser is used; spreadsheets are two thirds of the package.
    build.onResolve({ filter: /modules\/xlsx/ }, () => ({ path: "xlsx", namespace: "empty" }));
    build.onLoad({ filter: /.*/, namespace: "empty" }, () => ({ contents: "" }));
  },
};

/** Part of the bundles that talk to Spark: of its 15 MB, sources and tools for the most part, 0.4 are used. */
const arrowInside = {
  name: "arrow-inside",
  setup(build) {
    build.onResolve({ filter: /^(apache-arrow(\/fb\/[a-z-]+)?|flatbuffers)$/ }, ({ path }) => ({
      path: fileURLToPath(import.meta.resolve(path)),
    }));
    // What Node is given is a wrapper around CommonJS.
    build.onResolve({ filter: /^tslib$/ }, () => ({
      path: fileURLToPath(new URL("../tslib.es6.js", import.meta.resolve("tslib"))),
    }));
  },
};

/** The compiler lies beside the bundle. */
const compilerBeside = {
  name: "compiler-beside",
  setup(build) {
    build.onResolve({ filter: /^(typescript|@tslab\/typescript-for-tslab)$/ }, () => ({
      path: "./typescript/lib/typescript.js",
      external: true,
    }));
  },
};

/** Packages that stay as they are: native ones, and those whose files or types are asked for by name. */
const packagesOutside = {
  name: "packages-outside",
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind !== "entry-point" && isOutside(path) ? { path, external: true } : undefined,
    );
  },
};

/** What the kernel needs of tslab, with the stock compiler in the place of its fork, which alone has 38 MB. */
async function buildTslab(options) {
  const parts =
    'exports.converter = require("tslab/dist/converter"); exports.jupyter = require("tslab/dist/jupyter"); exports.library = require("tslab");';
  const require = createRequire(import.meta.url);
  const { metafile } = await build({
    ...options,
    stdin: { contents: parts, resolveDir: root, sourcefile: "tslab-parts.js" },
    outdir: undefined,
    outfile: join(root, "dist/tslab.cjs"),
    format: "cjs",
    packages: "bundle",
    // Its own way to talk to Jupyter is never started.
    external: ["zeromq"],
    plugins: [compilerBeside],
    sourcemap: false,
    define: {},
    banner: {},
  });
  const folder = dirname(require.resolve("tslab/package.json"));
  await copyFile(join(folder, "dist/public.d.ts"), join(root, "dist/tslab.d.ts"));
  return metafile;
}

export async function buildNode() {
  await mkdir(join(root, "dist"), { recursive: true });
  const present = Object.fromEntries(
    Object.entries(entries)
      .filter(([, entry]) => existsSync(join(root, entry)))
      .map(([name, entry]) => [name, join(root, entry)]),
  );
  const options = {
    outdir: join(root, "dist"),
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    // Packages in CommonJS ask for Node's own by `require`, and some note where they lie, which in a bundle is nowhere.
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
    },
    metafile: true,
    sourcemap: true,
    // Lines and names for traces; the sources themselves are not part of the package.
    sourcesContent: false,
    logLevel: "warning",
    define: { "process.env.TIDETABLE_BUNDLED": '"1"', __dirname: '""', __filename: '""' },
  };
  const { engine, ...others } = present;
  const processes = await build({
    ...options,
    entryPoints: others,
    plugins: [arrowInside, zeromqInside, packagesOutside],
    legalComments: "none",
  });
  await rm(join(root, "dist/engine-parts"), { recursive: true, force: true });
  // In parts, so that an engine process loads DuckDB's binding only when it opens DuckDB.
  const engineProcess = await build({
    ...options,
    entryPoints: { engine },
    splitting: true,
    chunkNames: "engine-parts/[name]-[hash]",
    plugins: [alasqlInside, arrowInside, packagesOutside],
    legalComments: "none",
  });
  const tslab = await buildTslab(options);
  const more = ["typescript", "zeromq"];
  await Promise.all([
    copyCompiler(root),
    copyZeromq(root),
    writeLicences(root, "THIRD-PARTY-LICENSES.txt", [processes.metafile, engineProcess.metafile, tslab], more),
    buildTypes(),
  ]);
}

export async function buildAll({ log = () => {} } = {}) {
  const started = Date.now();
  await rm(join(root, "dist"), { recursive: true, force: true });
  await buildNode();
  const webBuild = join(root, "scripts/build-web.mjs");
  if (existsSync(webBuild)) {
    const { buildWeb } = await import(webBuild);
    await buildWeb();
  }
  log(`built in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await (process.argv.includes("--node-only") ? buildNode() : buildAll({ log: console.log }));
}
