/** Writes beside the bundles what the licences of their parts ask for: each package's name, version and licence, whole. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Of `node_modules/a/node_modules/b/index.js`, `namespace:node_modules/b/index.js` and their like: where b lies. */
const inPackage = /(?:^|[:/])(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//;

/** @param metafiles of esbuild @param more packages whose files are copied */
export async function writeLicences(root, file, metafiles, more = []) {
  const folders = new Set(more.map((name) => `node_modules/${name}`));
  for (const { inputs } of metafiles) {
    for (const path of Object.keys(inputs)) {
      // Packages say of some of their files that browsers have no use for them.
      if (path.startsWith("(disabled):")) continue;
      const folder = inPackage.exec(path)?.[1];
      if (folder !== undefined) folders.add(folder);
    }
  }
  const parts = await Promise.all([...folders].sort().map((folder) => licenceOf(root, folder)));
  const head = "Tidetable's bundles hold parts of these packages.\n\n";
  await writeFile(join(root, "dist", file), head + parts.join(`\n${"-".repeat(80)}\n\n`));
}

async function licenceOf(root, folder) {
  const at = join(root, folder);
  const { name, version, license } = JSON.parse(await readFile(join(at, "package.json"), "utf8"));
  const files = (await readdir(at)).filter((file) => /^(licen[sc]e|copying|notice)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(at, file), "utf8")));
  const licence = typeof license === "string" ? license : (license?.type ?? "see below");
  return [`${name} ${version} (${licence})\n`, ...texts.map((text) => `${text.trim()}\n`)].join("\n");
}
