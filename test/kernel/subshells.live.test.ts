/** Subshells: lines of requests beside the main one, and what they must not do to it. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { type KernelClient, shapes, startKernel } from "../support/jupyter-client.js";

describe("subshells", function () {
  this.timeout(60_000);
  let kernel: KernelClient;
  before(async () => {
    kernel = await startKernel();
  });
  after(async () => {
    await kernel.shutdown();
  });

  const control = async (type: string, content = {}) => (await kernel.request(type, content, "control")).reply.content;
  const create = async (): Promise<string> => (await control("create_subshell_request")).subshell_id;
  /** A cell that runs until it is interrupted. */
  const startWaiting = async (code: string) => {
    const cell = kernel.startExecute(`${code}; console.log("waits"); await new Promise(() => {})`);
    await kernel.until("the cell to wait", () => kernel.of(cell.parentId).some(({ type }) => type === "stream"));
    return cell;
  };

  it("are announced, made, listed and deleted", async () => {
    const info = (await kernel.request("kernel_info_request", {})).reply.content;
    deepEqual(info.supported_features, ["kernel subshells"]);
    const id = await create();
    deepEqual(await control("list_subshell_request"), { status: "ok", subshell_id: [id] });
    deepEqual(await control("delete_subshell_request", { subshell_id: id }), { status: "ok" });
    deepEqual((await control("list_subshell_request")).subshell_id, []);
    equal((await control("delete_subshell_request", { subshell_id: id })).ename, "UnknownSubshell");
  });

  it("are made also while a cell computes", async () => {
    const { parentId, done } = kernel.startExecute('console.log("loops"); while (true) {}');
    await kernel.until("the loop", () => kernel.of(parentId).some(({ type }) => type === "stream"));
    ok((await create()).length > 0);
    await kernel.interrupt();
    await done;
  });

  it("run cells while the main shell's cell awaits, in the same scope", async () => {
    const waiting = await startWaiting("let shared = 1; const early = 'early'");
    const subshellId = await create();
    const first = await kernel.execute(
      "interface Tide { level: number }; const tide: Tide = { level: 5 }; tide.level",
      {
        subshellId,
      },
    );
    deepEqual(shapes(first.iopub), ["status busy", "execute_input", "execute_result", "status idle"]);
    const completion = await kernel.request("complete_request", { code: "tide.lev", cursor_pos: 8 });
    deepEqual(completion.reply.content.matches, ["level"]);
    await kernel.interrupt();
    equal((await waiting.done).reply.content.ename, "Interrupted");
    const { outputs } = await kernel.execute(
      "const next: Tide = { level: shared }; [tide.level, next.level, early.length]",
    );
    deepEqual(outputs[0]?.data, { "text/plain": "[ 5, 1, 5 ]" });
  });

  it("keep their results apart from those of cells that end at the same moment", async () => {
    await kernel.execute("let open = () => {}; const gate = new Promise<void>((resolve) => { open = resolve });");
    const lines = [undefined, await create(), await create()];
    const cells = lines.map((subshellId, index) =>
      kernel.startExecute(`console.log("waits"); await gate; ${index}`, subshellId === undefined ? {} : { subshellId }),
    );
    const waits = (id: string) => kernel.of(id).some(({ type }) => type === "stream");
    await kernel.until("all to wait", () => cells.every(({ parentId }) => waits(parentId)));
    await kernel.execute("open()", { subshellId: await create() });
    const shown = await Promise.all(cells.map(async ({ done }) => (await done).outputs.at(-1)?.data?.["text/plain"]));
    deepEqual(shown, ["0", "1", "2"]);
  });

  it("run their own cells one after the other", async () => {
    const subshellId = await create();
    const slow = kernel.startExecute("await new Promise((r) => setTimeout(r, 50)); globalThis.order = ['slow']", {
      subshellId,
    });
    const quick = kernel.startExecute("globalThis.order.push('quick'); globalThis.order", { subshellId });
    await slow.done;
    deepEqual((await quick.done).outputs[0]?.data, { "text/plain": "[ 'slow', 'quick' ]" });
  });

  it("an error drops what waits in its own line only", async () => {
    const subshellId = await create();
    const waiting = await startWaiting("0");
    const queued = kernel.startExecute("'main goes on'");
    const failing = kernel.startExecute("throw new Error('beside')", { subshellId });
    const dropped = kernel.startExecute("1", { subshellId });
    equal((await failing.done).reply.content.evalue, "beside");
    equal((await dropped.done).reply.content.ename, "Aborted");
    equal(kernel.of(queued.parentId).length, 0);
    await kernel.interrupt();
    await waiting.done;
    equal((await queued.done).reply.content.ename, "Aborted");
  });

  it("that is unknown is said so, for a request and for a cell", async () => {
    const { reply, iopub } = await kernel.execute("1", { subshellId: "nowhere" });
    equal(reply.type, "execute_reply");
    deepEqual([reply.content.status, reply.content.ename], ["error", "UnknownSubshell"]);
    match(reply.content.evalue, /no subshell nowhere/);
    deepEqual(shapes(iopub), ["status busy", "status idle"]);
  });
});
