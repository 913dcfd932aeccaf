/** The kernel's conversation, over real sockets: what a front-end is told, in which order. */
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { type KernelClient, type Message, shapes, startKernel, textOf } from "../support/jupyter-client.js";

describe("kernel, over its sockets", function () {
  this.timeout(60_000);
  let kernel: KernelClient;
  before(async () => {
    kernel = await startKernel();
  });
  after(async () => {
    await kernel.shutdown();
  });

  describe("a cell", () => {
    it("is busy, execute_input, stream, execute_result, idle", async () => {
      const { reply, iopub, outputs } = await kernel.execute('console.log("hello"); 6 * 7');
      deepEqual(shapes(iopub), ["status busy", "execute_input", "stream", "execute_result", "status idle"]);
      deepEqual(outputs[0], { type: "stream", name: "stdout", text: "hello\n" });
      deepEqual(outputs[1]?.data, { "text/plain": "42" });
      equal(reply.content.status, "ok");
      deepEqual(reply.content.payload, []);
      equal(iopub[1]?.content.execution_count, reply.content.execution_count);
      equal(iopub[3]?.content.execution_count, reply.content.execution_count);
    });

    it("that fails says so on iopub and in its reply, in the same words", async () => {
      const { reply, iopub } = await kernel.execute('throw new RangeError("too far")');
      deepEqual(shapes(iopub), ["status busy", "execute_input", "error", "status idle"]);
      const { ename, evalue, traceback } = iopub[2]?.content ?? {};
      deepEqual([ename, evalue], ["RangeError", "too far"]);
      deepEqual(reply.content, {
        status: "error",
        ename,
        evalue,
        traceback,
        execution_count: reply.content.execution_count,
        user_expressions: {},
        payload: [],
      });
    });

    it("that is silent publishes its status alone and counts nothing", async () => {
      const before = (await kernel.execute("1")).reply.content.execution_count;
      const { reply, iopub } = await kernel.execute('console.log("x"); 5', { silent: true });
      deepEqual(shapes(iopub), ["status busy", "status idle"]);
      equal(reply.content.execution_count, before);
      equal((await kernel.execute("1")).reply.content.execution_count, before + 1);
    });

    it("without store_history shows its result and counts nothing", async () => {
      const before = (await kernel.execute("1")).reply.content.execution_count;
      const { reply, iopub } = await kernel.execute("5", { storeHistory: false });
      deepEqual(shapes(iopub), ["status busy", "execute_input", "execute_result", "status idle"]);
      equal(reply.content.execution_count, before);
    });

    it("evaluates user expressions beside it, each for itself", async () => {
      const { reply } = await kernel.execute("const price = 3", {
        userExpressions: { double: "price * 2", wrong: "nothing.here", later: "await Promise.resolve(price)" },
      });
      const { double, wrong, later } = reply.content.user_expressions;
      deepEqual(double, { status: "ok", data: { "text/plain": "6" }, metadata: {} });
      deepEqual(later.data, { "text/plain": "3" });
      equal(wrong.status, "error");
      match(wrong.evalue, /Cannot find name 'nothing'/);
    });

    it("loses none of 10,000 lines, and its idle comes last", async () => {
      const { iopub, outputs } = await kernel.execute("for (let i = 0; i < 10000; i++) console.log('line ' + i)");
      const lines = textOf(outputs).trimEnd().split("\n");
      deepEqual([lines.length, lines[0], lines[9999]], [10_000, "line 0", "line 9999"]);
      equal(shapes(iopub).at(-1), "status idle");
      ok(iopub.length < 200, `${iopub.length} messages`);
    });

    it("shows its output while it keeps the main thread busy", async () => {
      const { parentId, done } = kernel.startExecute('console.log("before"); while (true) {}');
      await kernel.until("output of the busy cell", () =>
        kernel.of(parentId).some((message) => message.type === "stream" && message.content.text === "before\n"),
      );
      await kernel.interrupt();
      await done;
    });

    it("says where a user expression is wrong, in its own words", async () => {
      const { reply } = await kernel.execute("1", { userExpressions: { wrong: "1 + nothing" } });
      deepEqual(reply.content.user_expressions.wrong.traceback.slice(2), [
        "",
        "> 1 | 1 + nothing",
        "    |     ^^^^^^^",
      ]);
    });

    it("that writes without end is cut, and ends", async () => {
      const { outputs } = await kernel.execute('for (let i = 0; i < 30; i++) console.log("x".repeat(1e6))');
      ok(textOf(outputs).length < 25_000_000);
      match(textOf(outputs, "stderr"), /has written 20 million characters; what follows is not shown/);
    });

    it("that displays what is no data shows the rest of it", async () => {
      const { outputs } = await kernel.execute(
        'import { display } from "tidetable"; await display({ "application/json": { kept: 1, dropped() {} } }); undefined',
      );
      deepEqual(outputs[0]?.data, { "application/json": { kept: 1 } });
    });

    it("may ask the user for a line, where the front-end can ask", async () => {
      const { parentId, done } = kernel.startExecute(
        'import { prompt } from "tidetable"; const answer = await prompt("name? "); answer',
        { allowStdin: true },
      );
      const question = await kernel.until("the question", () =>
        kernel.inputRequests.find((m) => m.parentId === parentId),
      );
      deepEqual(question.content, { prompt: "name? ", password: false });
      kernel.send("stdin", "input_reply", { value: "Ada" });
      deepEqual((await done).outputs.at(-1)?.data, { "text/plain": "'Ada'" });
      const refused = await kernel.execute('await prompt("name? ")', { allowStdin: false });
      match(refused.reply.content.evalue, /cannot ask for input/);
    });

    it("owns what its timers and promises print, however late", async () => {
      const first = await kernel.execute(
        'let fire: () => void = () => {}; new Promise<void>((r) => (fire = r)).then(() => console.log("late")); ' +
          'setTimeout(() => { throw new Error("in a timer") }, 1); 0',
      );
      await kernel.execute("fire()");
      const late = await kernel.until("late output", () => {
        const text = textOf(first.outputs) + streamText(kernel.of(first.parentId), "stdout");
        const errors = streamText(kernel.of(first.parentId), "stderr");
        return text.includes("late\n") && errors.includes("Error: in a timer") ? errors : undefined;
      });
      match(late, /cell \d+, line 1/);
    });
  });

  describe("stop on error", () => {
    it("drops the cells that wait", async () => {
      const failing = kernel.startExecute('throw new Error("first")');
      const waiting = ["2", "3"].map((code) => kernel.startExecute(code));
      equal((await failing.done).reply.content.ename, "Error");
      for (const { done } of waiting) {
        const { reply, iopub } = await done;
        deepEqual([reply.content.status, reply.content.ename], ["error", "Aborted"]);
        // It was never run: its prompt stays empty.
        equal("execution_count" in reply.content, false);
        deepEqual(shapes(iopub), ["status busy", "status idle"]);
      }
    });

    it("does not touch a cell that is sent after the failed one's reply", async () => {
      await kernel.execute('throw new Error("first")');
      equal((await kernel.execute("2")).reply.content.status, "ok");
    });

    it("can be turned off", async () => {
      const failing = kernel.startExecute('throw new Error("first")', { stopOnError: false });
      const next = kernel.startExecute("2");
      equal((await failing.done).reply.content.status, "error");
      equal((await next.done).reply.content.status, "ok");
    });
  });

  describe("an editor's questions", () => {
    const reply = async (type: string, content: Record<string, unknown>) =>
      (await kernel.request(type, content)).reply.content;

    it("kernel_info, on shell and on control", async () => {
      for (const channel of ["shell", "control"] as const) {
        const { reply: answer, iopub } = await kernel.request("kernel_info_request", {}, channel);
        const { status, protocol_version, implementation, language_info } = answer.content;
        deepEqual([status, protocol_version, implementation], ["ok", "5.5", "tidetable"]);
        deepEqual(
          [language_info.name, language_info.file_extension, language_info.mimetype, language_info.codemirror_mode],
          ["typescript", ".ts", "application/typescript", "typescript"],
        );
        deepEqual(shapes(iopub), ["status busy", "status idle"]);
      }
    });

    it("completion of members, with types and code points", async () => {
      await kernel.execute('const tide = { height: 1, hour() {} }; "🌊"');
      const code = '"🌊"; tide.h';
      const answer = await reply("complete_request", { code, cursor_pos: 11 });
      deepEqual(
        [...answer.matches].sort(),
        ["hasOwnProperty", "height", "hour"].filter((m) => answer.matches.includes(m)),
      );
      ok(answer.matches.includes("height") && answer.matches.includes("hour"));
      deepEqual([answer.cursor_start, answer.cursor_end], [10, 11]);
      const types = answer.metadata._jupyter_types_experimental;
      const typeOf = (text: string) => types.find((entry: { text: string }) => entry.text === text)?.type;
      deepEqual([typeOf("height"), typeOf("hour")], ["property", "method"]);
    });

    it("completion while a cell awaits", async () => {
      const { parentId, done } = kernel.startExecute("await new Promise(() => {})");
      await kernel.until("the cell to run", () => kernel.of(parentId).some(({ type }) => type === "execute_input"));
      const answer = await reply("complete_request", { code: "consol", cursor_pos: 6 });
      ok(answer.matches.includes("console"));
      // A front-end shows the status that it heard last, so the cell's is said again after the completion's idle.
      const shown = () => shapes(kernel.of(parentId));
      await kernel.until("the cell's busy again", () => shown().length === 3);
      deepEqual(shown(), ["status busy", "execute_input", "status busy"]);
      await kernel.interrupt();
      await done;
      deepEqual(shown().slice(3), ["error", "status idle"]);
    });

    it("inspection of a name, and of one that does not exist", async () => {
      await kernel.execute("/** How high. */ function level(at: Date): number { return 1 }");
      const known = await reply("inspect_request", { code: "level", cursor_pos: 2, detail_level: 0 });
      equal(known.found, true);
      equal(known.data["text/plain"], "function level(at: Date): number\n\nHow high.");
      const unknown = await reply("inspect_request", { code: "levvel", cursor_pos: 2, detail_level: 0 });
      deepEqual([unknown.status, unknown.found, unknown.data], ["ok", false, {}]);
    });

    const completeness: ReadonlyArray<[string, string]> = [
      ["1 + 1", "complete"],
      ["const = 3", "invalid"],
      ["function f() {", "incomplete"],
      ["const t = `open", "incomplete"],
      ["/* open", "incomplete"],
      ["%%sql\nSELECT", "complete"],
    ];
    for (const [code, expected] of completeness) {
      it(`is_complete: ${JSON.stringify(code)} is ${expected}`, async () => {
        equal((await reply("is_complete_request", { code })).status, expected);
      });
    }

    it("history", async () => {
      await kernel.execute("'for the record'");
      const { status, history } = await reply("history_request", { hist_access_type: "tail", n: 1, output: true });
      equal(status, "ok");
      deepEqual(history[0].slice(2), [["'for the record'", "'for the record'"]]);
    });

    it("a request of an unknown type is ignored and does no harm", async () => {
      const types = ["time_travel_request", "constructor", "__proto__"];
      const ids = types.map((type) => kernel.send("shell", type, { to: 1985 }));
      equal((await kernel.execute("1")).reply.content.status, "ok");
      deepEqual(
        ids.flatMap((id) => kernel.of(id)),
        [],
      );
    });

    it("a request full of wrong types is answered all the same", async () => {
      const { reply: answer, iopub } = await kernel.request("complete_request", { code: 5, cursor_pos: "x" });
      equal(answer.content.status, "ok");
      equal(shapes(iopub).at(-1), "status idle");
    });
  });

  describe("identity", () => {
    it("one session of its own, a new id for every message", async () => {
      await kernel.execute("1");
      equal(new Set(kernel.published.map((message) => message.session)).size, 1);
      equal(new Set(kernel.published.map((message) => message.messageId)).size, kernel.published.length);
    });

    it("a message with a wrong signature is dropped, and said so", async () => {
      const id = kernel.send(
        "shell",
        "execute_request",
        { code: "globalThis.forged = true" },
        {},
        {
          signing: { key: "wrong", scheme: "hmac-sha256" },
        },
      );
      const { outputs } = await kernel.execute("'forged' in globalThis");
      deepEqual(outputs[0]?.data, { "text/plain": "false" });
      equal(kernel.of(id).length, 0);
      await kernel.until("the kernel's log", () =>
        kernel.log.includes("a message on shell was dropped: the signature"),
      );
    });

    it("frames that are no message are dropped", async () => {
      kernel.sendFrames("shell", [Buffer.from("hello"), Buffer.from("")]);
      kernel.sendFrames("control", [Buffer.from("<IDS|MSG>")]);
      equal((await kernel.execute("1")).reply.content.status, "ok");
    });

    it("a heartbeat is answered while a cell computes", async () => {
      const { done } = kernel.startExecute("while (true) {}");
      notEqual(await kernel.heartbeatMs(), undefined);
      equal((await kernel.request("kernel_info_request", {}, "control")).reply.content.status, "ok");
      await kernel.interrupt();
      await done;
    });
  });
});

function streamText(messages: readonly Message[], name: string): string {
  return messages.map(({ type, content }) => (type === "stream" && content.name === name ? content.text : "")).join("");
}
