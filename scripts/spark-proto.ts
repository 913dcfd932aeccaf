/**
 * `npm run spark:proto`: the messages of src/sql/spark-connect/connect.proto as TypeScript. The compiler and its plug-in
 * are fetched for this run only, at pinned versions: what they write is committed, so that nothing else ever needs them.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorMessage } from "../src/errors.js";
import { runCommand } from "./components/command.js";

const compiler = "@bufbuild/buf@1.75.0";
/** Of the same version as the library that reads what it writes. */
const plugin = "@bufbuild/protoc-gen-es@2.17.0";
const folder = "src/sql/spark-connect";

export async function generateMessages(): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), "tidetable-proto-"));
  try {
    const template = {
      version: "v2",
      inputs: [{ directory: folder }],
      plugins: [{ local: "protoc-gen-es", out: folder, opt: ["target=ts", "import_extension=js", "json_types=false"] }],
    };
    const path = join(work, "buf.gen.json");
    await writeFile(path, JSON.stringify(template));
    await runCommand(
      "npm",
      ["exec", "--yes", `--package=${compiler}`, `--package=${plugin}`, "--", "buf", "generate", "--template", path],
      { timeoutMs: 300_000, missing: "npm comes with Node." },
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

generateMessages().catch((error: unknown) => {
  console.error(errorMessage(error));
  process.exitCode = 1;
});
