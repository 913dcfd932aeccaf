/** Every TypeScript and SQL snippet of docs/ runs, page by page, in a real kernel on the embedded log. */
import { deepEqual, ok } from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { startKernel } from "../support/jupyter-client.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const pages = readdirSync(join(root, "docs")).filter((file) => file.endsWith(".md"));

describe("snippets of the documents", function () {
  this.timeout(120_000);

  for (const page of pages) {
    const snippets = snippetsOf(readFileSync(join(root, "docs", page), "utf8"));
    if (snippets.length === 0) continue;

    it(`docs/${page}: ${snippets.length} snippets run`, async () => {
      const directory = mkdtempSync(join(tmpdir(), "tidetable-docs-"));
      const kernel = await startKernel({
        directory,
        environment: { KAFKA_BROKERS: "", TIDETABLE_DATA: join(directory, "data") },
      });
      try {
        for (const snippet of snippets) {
          const { outputs } = await kernel.execute(snippet, { deadlineMs: 60_000 });
          deepEqual(
            outputs.filter((output) => output.type === "error").map((output) => output.evalue),
            [],
            snippet,
          );
          if (snippet.startsWith("%%sql")) ok(outputs.length > 0, `nothing shown for ${snippet}`);
        }
      } finally {
        await kernel.shutdown();
        rmSync(directory, { recursive: true, force: true });
      }
    });
  }
});

/** Fenced blocks of ts and sql; others (commands, output) are not cells. */
function snippetsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```(?:ts|sql)\n([\s\S]*?)^```$/gm)].map((match) => (match[1] ?? "").trimEnd());
}
