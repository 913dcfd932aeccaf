/** The notebook of the second demo, cell by cell in a real kernel, over the log that the kernel feeds itself. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { vegaLiteMime } from "../../src/charts/mime-bundle.js";
import { type Executed, type KernelClient, startKernel } from "../support/jupyter-client.js";
import { root } from "../support/notebook.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

interface Cell {
  readonly id: string;
  readonly cell_type: string;
  readonly source: readonly string[];
  readonly outputs?: readonly unknown[];
}

describe("the notebook of Chicago crime", function () {
  this.timeout(120_000);
  const notebook = JSON.parse(readFileSync(join(root, "notebooks/chicago-crime.ipynb"), "utf8")) as {
    readonly cells: readonly Cell[];
  };
  let folder: TemporaryFolder;
  let kernel: KernelClient;
  const ran = new Map<string, Executed>();
  const bundle = (id: string, mime: string) =>
    ran
      .get(id)
      ?.outputs.map(({ data }) => data?.[mime])
      .find((value) => value !== undefined);

  before(async () => {
    folder = temporaryFolder("chicago-notebook");
    kernel = await startKernel({
      directory: folder.path,
      environment: { TIDETABLE_DATA: folder.path, KAFKA_BROKERS: "" },
    });
  });
  after(async () => {
    await kernel?.shutdown();
    folder?.remove();
  });

  it("is shipped without outputs and runs without a broker", async () => {
    for (const { id, cell_type: type, source, outputs } of notebook.cells) {
      if (type !== "code") continue;
      deepEqual(outputs, [], id);
      const executed = await kernel.execute(source.join(""), { cellId: id, deadlineMs: 60_000 });
      ran.set(id, executed);
      const errors = executed.outputs.filter((output) => output.type === "error").map((output) => output.evalue);
      deepEqual([executed.reply.content.status, errors], ["ok", []], id);
    }
  });

  it("shows what happens, when and where", () => {
    match(String(bundle("streaming", "text/plain")), /^crimes · (?:live|loading).* rows/);
    for (const id of ["kinds", "hours", "newest", "squares"]) ok(bundle(id, vegaLiteMime) !== undefined, id);
    match(String(bundle("kinds", "text/plain") ?? ""), /primary_type|crimes/);
    const { data } = bundle("squares", vegaLiteMime) as { data: { values: ReadonlyArray<Record<string, number>> } };
    ok(data.values.length > 300, `${data.values.length} squares`);
    for (const { longitude = 0, latitude = 0, crimes = 0 } of data.values) {
      ok(longitude > -88 && longitude < -87.4 && latitude > 41.5 && latitude < 42.1 && crimes >= 1);
    }
  });

  it("keeps lines that nobody converted among the rejected", () => {
    const shown = ran
      .get("rejected")
      ?.outputs.map(({ data }) => String(data?.["text/plain"] ?? ""))
      .join("\n");
    match(shown ?? "", /not a JSON object/);
    equal(/^0 rows/m.test(shown ?? ""), false);
  });
});
