/** What a viewer gets of a notebook, and which notebooks a browser's cookies open. */
import { deepEqual, equal } from "node:assert/strict";
import { newToken } from "../../src/workbench/access.js";
import { viewContent } from "../../src/workbench/view-content.js";
import { ViewLinks } from "../../src/workbench/view-links.js";

describe("what is looked at by a view-only link", () => {
  it("is texts and outputs: no code, no metadata of cells, no error text, no stderr, nothing hidden", () => {
    const output = { output_type: "execute_result", execution_count: 7, data: { "text/plain": "42" }, metadata: {} };
    const code = (outputs: readonly unknown[], metadata: object = {}) => ({
      cell_type: "code",
      source: "const secret = 1",
      execution_count: 7,
      metadata: { tags: ["secret"], ...metadata },
      outputs,
    });
    const cells = [
      { cell_type: "markdown", source: ["# A", " text"], metadata: { secret: 1 } },
      { cell_type: "raw", source: "secret", metadata: {} },
      code([output]),
      code([]),
      code([output], { collapsed: true }),
      code([output], { jupyter: { outputs_hidden: true } }),
      code([
        { output_type: "error", ename: "secret", evalue: "secret", traceback: ["secret"] },
        { output_type: "stream", name: "stderr", text: "secret" },
        { output_type: "unknown", data: "secret" },
      ]),
    ];
    const shown = viewContent({ nbformat: 4, nbformat_minor: 5, metadata: { secret: 1 }, cells } as never);
    deepEqual(shown, [
      { kind: "text", source: "# A text" },
      { kind: "outputs", outputs: [{ output_type: "display_data", data: { "text/plain": "42" }, metadata: {} }] },
      {
        kind: "outputs",
        outputs: [{ output_type: "stream", name: "stdout", text: "This cell has ended with an error.\n" }],
      },
    ]);
    equal(/secret/.test(JSON.stringify(shown)), false);
  });

  it("is what the links of a browser are for, all of them and no more, until they are withdrawn", async () => {
    const saved: string[] = [];
    const links = new ViewLinks(8686, newToken(), async (secret) => void saved.push(secret));
    const cookie = (path: string) => links.cookieFor(path).split(";")[0] ?? "";
    const both = `${cookie("one/test.ipynb")}; other=1; ${cookie("two/test.ipynb")}`;
    deepEqual(links.viewable(both), ["one/test.ipynb", "two/test.ipynb"]);
    const forged = cookie("one/test.ipynb").replace(/=[^.]*/, `=${Buffer.from("secret.ipynb").toString("base64url")}`);
    for (const header of [
      undefined,
      "",
      forged,
      `${cookie("a")}x`,
      cookie("a").replace("8686", "8687"),
      "tidetable-view-8686-=.",
      "=",
    ]) {
      deepEqual(links.viewable(header), []);
    }
    await links.withdraw();
    deepEqual([links.viewable(both), saved.length], [[], 1]);
  });
});
