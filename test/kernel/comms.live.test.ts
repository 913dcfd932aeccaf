/** Comms between cells and a front-end, in both directions, with what they carry. */
import { deepEqual, equal, match } from "node:assert/strict";
import { type KernelClient, shapes, startKernel } from "../support/jupyter-client.js";

describe("comms", function () {
  this.timeout(60_000);
  let kernel: KernelClient;
  before(async () => {
    kernel = await startKernel();
    await kernel.execute('import { acceptComms, openComm } from "tidetable"');
  });
  after(async () => {
    await kernel.shutdown();
  });

  const send = (type: string, content: Record<string, unknown>, buffers: Uint8Array[] = []) =>
    kernel.send("shell", type, content, {}, { buffers });
  const served = async (id: string) => {
    await kernel.until("idle", () => shapes(kernel.of(id)).includes("status idle"));
    return kernel.of(id);
  };
  const infoOf = async (target: string) =>
    (await kernel.request("comm_info_request", { target_name: target })).reply.content.comms;

  it("are closed at once when nobody knows the target", async () => {
    const messages = await served(send("comm_open", { comm_id: "c1", target_name: "nobody", data: {} }));
    deepEqual(shapes(messages), ["status busy", "comm_close", "status idle"]);
    equal(messages[1]?.content.comm_id, "c1");
  });

  it("of our page are listed while they are open", async () => {
    send("comm_open", { comm_id: "page", target_name: "workbench.host", data: {} });
    deepEqual(await infoOf("workbench.host"), { page: { target_name: "workbench.host" } });
    send("comm_close", { comm_id: "page", data: {} });
    deepEqual(await infoOf("workbench.host"), {});
  });

  it("a cell opens one, with data, metadata and buffers, and hears what comes back", async () => {
    const opening = await kernel.execute(
      `const comm = openComm("jupyter.widget", {
         data: { state: { value: 1 } }, metadata: { version: "2.1.0" }, buffers: [new Uint8Array([1, 2, 3])],
         message: (data, [bytes]) => { console.log("got", data.value, bytes?.length); comm.send({ echo: data.value }); },
         closed: () => console.log("closed"),
       });`,
      { cellId: "opener" },
    );
    const opened = opening.iopub.find(({ type }) => type === "comm_open");
    const { comm_id, target_name, data } = opened?.content ?? {};
    deepEqual([target_name, data, opened?.metadata], ["jupyter.widget", { state: { value: 1 } }, { version: "2.1.0" }]);
    deepEqual([...(opened?.buffers[0] ?? [])], [1, 2, 3]);

    const messages = await served(send("comm_msg", { comm_id, data: { value: 7 } }, [new Uint8Array(4)]));
    deepEqual(shapes(messages), ["status busy", "comm_msg", "status idle"]);
    deepEqual(messages[1]?.content.data, { echo: 7 });
    const printed = () =>
      kernel.of(opening.parentId).flatMap(({ type, content }) => (type === "stream" ? [content.text] : []));
    await kernel.until("what the handler printed", () => printed().join("").includes("got 7 4\n"));
    await served(send("comm_close", { comm_id, data: {} }));
    await kernel.until("the farewell", () => printed().join("").includes("closed\n"));
    deepEqual(await infoOf("jupyter.widget"), {});
  });

  it("an opened one closes when its cell is run again", async () => {
    const run = () => kernel.execute('openComm("again"); 0', { cellId: "again" });
    const first = (await run()).iopub.find(({ type }) => type === "comm_open")?.content.comm_id;
    const second = await run();
    const closed = kernel.published.find(({ type, content }) => type === "comm_close" && content.comm_id === first);
    equal(closed?.content.comm_id, first);
    const opened = second.iopub.find(({ type }) => type === "comm_open")?.content.comm_id;
    deepEqual(await infoOf("again"), { [opened]: { target_name: "again" } });
  });

  it("a cell answers for a target", async () => {
    await kernel.execute(`acceptComms("adder", (comm, data) => {
      let sum = Number(data.start);
      return { message: (more) => { sum += Number(more.add); comm.send({ sum }); } };
    })`);
    send("comm_open", { comm_id: "a1", target_name: "adder", data: { start: 5 } });
    const messages = await served(send("comm_msg", { comm_id: "a1", data: { add: 2 } }));
    deepEqual(messages[1]?.content, { comm_id: "a1", data: { sum: 7 } });
  });

  it("a handler that throws is shown below its cell, and harms nothing", async () => {
    const { parentId } = await kernel.execute('acceptComms("broken", () => { throw new RangeError("not today") })');
    await served(send("comm_open", { comm_id: "b1", target_name: "broken", data: {} }));
    const shown = await kernel.until("the error", () =>
      kernel.of(parentId).find(({ type, content }) => type === "stream" && content.name === "stderr"),
    );
    match(shown.content.text, /^RangeError: not today\n {4}at .*cell \d+, line 1/);
    equal((await kernel.execute("1")).reply.content.status, "ok");
  });
});
