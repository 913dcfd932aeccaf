/** The documents name files, scripts and commands; each must exist. */
import { deepEqual } from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const documents = [
  ...readdirSync(root).filter((file) => file.endsWith(".md")),
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => join("docs", file)),
];

describe("documents", () => {
  it("link to files that exist", () => {
    const dead = documents.flatMap((document) =>
      [...text(document).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map((link) => join(dirname(document), link[1] ?? ""))
        .filter((target) => !existsSync(join(root, target)))
        .map((target) => `${document} links to ${target}`),
    );
    deepEqual(dead, []);
  });

  it("name files that exist", () => {
    const stale = documents.flatMap((document) =>
      [...text(document).matchAll(/`((?:kernel|src|scripts|test|docs|bench|notebooks|zeppelin)\/[\w./-]+)`/g)]
        .map((mention) => mention[1] ?? "")
        .filter((path) => !existsSync(join(root, path)))
        .map((path) => `${document} names ${path}`),
    );
    deepEqual(stale, []);
  });

  it("call scripts and commands that exist", () => {
    const scripts = (JSON.parse(text("package.json")) as { scripts: Record<string, string> }).scripts;
    const commands = text("src/cli/main.ts");
    const unknown = documents.flatMap((document) => [
      ...[...text(document).matchAll(/npm run ([a-z][\w:-]*)/g)]
        .map((call) => call[1] ?? "")
        .filter((name) => scripts[name] === undefined)
        .map((name) => `${document} calls npm run ${name}`),
      ...[...text(document).matchAll(/npx tidetable ([a-z-]+(?: (?:(?:un)?install|convert|check|online|offline)\b)?)/g)]
        .map((call) => call[1] ?? "")
        .filter((name) => !new RegExp(`(^|\\s|")${name}"?:`, "m").test(commands))
        .map((name) => `${document} calls npx tidetable ${name}`),
    ]);
    deepEqual(unknown, []);
  });
});

function text(file: string): string {
  return readFileSync(join(root, file), "utf8");
}
