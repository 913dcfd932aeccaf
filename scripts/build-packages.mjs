/**
 * The two packages that are neither bundled nor depended on: of each, dist/ gets the files that run. As dependencies they would bring
 * compilers for the command line and libraries for systems that are not here, 64 MB to every user.
 */
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

/** The database is native; the others' files or types are asked for by name. */
const outside = ["@duckdb/node-api", "@duckdb/node-bindings", "kafkajs", "cassandra-driver", "@bufbuild/protobuf"];
/** Optional parts of packages, which nobody has installed: their absence is expected. */
const absent = ["bufferutil", "utf-8-validate", "kerberos", "react-native-fetch-blob", "react-native-fs"];

export function isOutside(path) {
  return [...outside, ...absent].some((name) => path === name || path.startsWith(`${name}/`));
}

/** Of its 25 libraries, one a system: those for Node's stable interface, which every Node loads, and for the oldest C library. */
const zeromqLibraries = {
  "linux-x64-glibc": "linux/x64/node/glibc-127-Release",
  "linux-x64-musl": "linux/x64/node/musl-127-Release",
  "linux-arm64-glibc": "linux/arm64/node/glibc-127-Release",
  "linux-arm64-musl": "linux/arm64/node/musl-127-Release",
  "darwin-x64": "darwin/x64/node/libc-115-Release",
  "darwin-arm64": "darwin/arm64/node/libc-115-Release",
  "win32-x64": "win32/x64/node/msvc-115-Release",
  "win32-arm64": "win32/arm64/node/msvc-115-Release",
};

/** Its own loader looks through its whole package for a library; here there is one for each system. */
const zeromqLoader = `
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
const library = process.platform === "linux" ? (existsSync("/etc/alpine-release") ? "-musl" : "-glibc") : "";
export default createRequire(import.meta.url)(\`./zeromq/\${process.platform}-\${process.arch}\${library}.node\`);
`;

export const zeromqInside = {
  name: "zeromq-inside",
  setup(building) {
    building.onLoad({ filter: /[\\/]zeromq[\\/]lib[\\/]load-addon\.js$/ }, () => ({
      contents: zeromqLoader,
      loader: "js",
    }));
  },
};

export async function copyZeromq(root) {
  const [from, to] = [join(root, "node_modules/zeromq"), join(root, "dist/zeromq")];
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  for (const [system, folder] of Object.entries(zeromqLibraries)) {
    await copyFile(join(from, "build", folder, "addon.node"), join(to, `${system}.node`));
  }
  await copyFile(join(from, "LICENSE_MPL-2.0.txt"), join(to, "LICENSE_MPL-2.0.txt"));
}

/** The compiler as a library, and the declarations of JavaScript's and Node's surroundings. */
export async function copyCompiler(root) {
  const from = join(root, "node_modules/typescript");
  const to = join(root, "dist/typescript");
  await rm(to, { recursive: true, force: true });
  await mkdir(join(to, "lib"), { recursive: true });
  await build({
    entryPoints: [join(from, "lib/typescript.js")],
    outfile: join(to, "lib/typescript.js"),
    minify: true,
    platform: "node",
    format: "cjs",
    target: "node20.19",
    legalComments: "none",
    logLevel: "error",
  });
  for (const name of await readdir(join(from, "lib"))) {
    if (/^lib\..*\.d\.ts$|^lib\.d\.ts$/.test(name)) await copyFile(join(from, "lib", name), join(to, "lib", name));
  }
  const { name, version, license, author, homepage } = JSON.parse(await readFile(join(from, "package.json"), "utf8"));
  const description = "What Tidetable's kernel needs of the TypeScript compiler, made smaller";
  const main = "./lib/typescript.js";
  await writeFile(
    join(to, "package.json"),
    `${JSON.stringify({ name, version, description, license, author, homepage, main, private: true }, null, 2)}\n`,
  );
  for (const file of ["LICENSE.txt", "ThirdPartyNoticeText.txt"]) await copyFile(join(from, file), join(to, file));
}
