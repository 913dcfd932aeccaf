/**
 * The protocol, frame by frame, on a kernel whose language is an echo: whatever holds here, kernel/ does without knowing
 * TypeScript. The client signs and reads frames by itself.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { RawClient, type RawMessage, signed } from "../support/raw-client.js";
import { until } from "../support/until.js";

const folder = dirname(fileURLToPath(import.meta.url));
const PARALLEL_CLIENTS = 24;
const MANY_LINES = 100_000;

describe("the protocol, frame by frame", function () {
  this.timeout(120_000);
  let client: RawClient;
  before(async () => {
    const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
    client = await RawClient.start([process.execPath, "--import", loader, join(folder, "echo-kernel.ts")]);
  });
  after(async () => {
    await client?.stop();
  });

  const execute = async (code: string, more: object = {}) => {
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false, ...more };
    return await client.served(await client.send("shell", "execute_request", content));
  };

  it("signs every message, over exactly the four frames that it sends", async () => {
    await execute("print signed");
    const all = [...client.received.iopub, ...client.received.shell];
    ok(all.length > 5);
    for (const { signature, signatureExpected } of all) equal(signature, signatureExpected);
  });

  it("gives every message an id of its own, its type, the kernel's session, a date, the version", async () => {
    const all = [...client.received.iopub, ...client.received.shell];
    equal(new Set(all.map(({ header }) => header.msg_id)).size, all.length);
    deepEqual([...new Set(all.map(({ header }) => header.version))], ["5.5"]);
    const sessions = new Set(all.map(({ header }) => header.session));
    equal(sessions.size, 1);
    ok(!sessions.has("raw"));
    for (const { header } of all) match(String(header.date), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  });

  it("names topic and parent: what a subscriber filters by, and the request's header as it came", async () => {
    const id = await client.send("shell", "kernel_info_request", {}, { header: { unknown_field: [1, { a: "é" }] } });
    const { reply, iopub } = await client.served(id);
    for (const message of [reply, ...iopub]) {
      deepEqual(message.parentHeader.unknown_field, [1, { a: "é" }]);
      deepEqual(Object.keys(message.parentHeader), [
        "msg_id",
        "msg_type",
        "session",
        "username",
        "version",
        "unknown_field",
      ]);
    }
    for (const { identities, header } of iopub)
      match(identities.join(), new RegExp(`^kernel\\..+\\.${header.msg_type}$`));
  });

  const sequences: ReadonlyArray<[string, string, object, string[]]> = [
    ["nothing", "", {}, ["busy", "execute_input", "idle"]],
    ["a result", "41", {}, ["busy", "execute_input", "execute_result", "idle"]],
    [
      "two streams, in their order",
      "print a\nwarn b\nprint c",
      {},
      ["busy", "execute_input", "stdout a", "stderr b", "stdout c", "idle"],
    ],
    [
      "output around displays",
      "print a\nshow 1\nprint b\nchange 2\nclear\nprint c\n41",
      {},
      [
        "busy",
        "execute_input",
        "stdout a",
        "display_data",
        "stdout b",
        "update_display_data",
        "clear_output",
        "stdout c",
        "execute_result",
        "idle",
      ],
    ],
    ["an error", "print a\nfail x", {}, ["busy", "execute_input", "stdout a", "error", "idle"]],
    ["a silent one", "print a\nshow 1\n41", { silent: true }, ["busy", "idle"]],
    ["one out of history", "41", { store_history: false }, ["busy", "execute_input", "execute_result", "idle"]],
  ];
  for (const [name, code, more, expected] of sequences) {
    it(`publishes ${name}: ${expected.join(", ")}`, async () => {
      deepEqual((await execute(code, more)).iopub.map(shape), expected);
    });
  }

  it("replies after all output and before idle, with the same error", async () => {
    const { reply, iopub } = await execute("fail x");
    const { status, ename, evalue, traceback } = reply.content;
    deepEqual(
      { status, ename, evalue, traceback },
      { status: "error", ename: "Echo", evalue: "x", traceback: ["Echo: x"] },
    );
    deepEqual(iopub[2]?.content, { ename, evalue, traceback });
  });

  it("keeps ids of displays apart from what is saved, and beside it", async () => {
    const { iopub } = await execute("show 1\nchange 2");
    deepEqual(
      iopub.slice(2, 4).map(({ content }) => content.transient),
      [{ display_id: "shown" }, { display_id: "shown" }],
    );
  });

  it("hands pages over in the reply", async () => {
    deepEqual((await execute("page text")).reply.content.payload, [
      { source: "page", data: { "text/plain": "text" }, start: 0 },
    ]);
  });

  it("asks on stdin, by the identity of the shell", async () => {
    const id = await client.send("shell", "execute_request", { code: "ask word?", allow_stdin: true });
    const question = await client.next("stdin", (message) => message.parentHeader.msg_id === id);
    deepEqual([question.header.msg_type, question.content], ["input_request", { prompt: "word?", password: true }]);
    await client.send("stdin", "input_reply", { value: "sesame" });
    const { iopub } = await client.served(id);
    deepEqual(iopub.at(-2)?.content.data, { "text/plain": "sesame" });
  });

  it("asks a front-end again whose stdin is connected after its first cell is sent", async () => {
    const late = await client.join({ stdinLater: true });
    try {
      const id = await late.send("shell", "execute_request", { code: "ask word?", allow_stdin: true });
      await late.next("iopub", (message) => message.parentHeader.msg_id === id && shape(message) === "execute_input");
      late.connectStdin();
      await late.next("stdin", (message) => message.parentHeader.msg_id === id);
      await late.send("stdin", "input_reply", { value: "sesame" });
      const { iopub } = await late.served(id);
      deepEqual(iopub.at(-2)?.content.data, { "text/plain": "sesame" });
      equal(late.received.stdin.length, 1);
    } finally {
      late.leave();
    }
  });

  it("fails the question of a front-end that has no stdin, says so, and serves on", async () => {
    const mute = await client.join({ stdinLater: true });
    try {
      const id = await mute.send("shell", "execute_request", { code: "ask word?", allow_stdin: true });
      const { reply, iopub } = await mute.served(id);
      match(
        reply.content.evalue,
        /could not be asked "word\?": its stdin channel was not open after 5 seconds\. Write/,
      );
      deepEqual(iopub.map(shape), ["busy", "execute_input", "error", "idle"]);
      equal(
        (await mute.served(await mute.send("shell", "execute_request", { code: "41" }))).reply.content.status,
        "ok",
      );
    } finally {
      mute.leave();
    }
  });

  it("stops asking when the cell is interrupted", async () => {
    const late = await client.join({ stdinLater: true });
    try {
      const id = await late.send("shell", "execute_request", { code: "ask word?", allow_stdin: true });
      await late.next("iopub", (message) => message.parentHeader.msg_id === id && shape(message) === "execute_input");
      await late.served(await late.send("control", "interrupt_request", {}), "control");
      match((await late.served(id)).reply.content.evalue, /interrupted/);
      late.connectStdin();
      const next = await late.send("shell", "execute_request", { code: "ask again?", allow_stdin: true });
      await late.next("stdin", (message) => message.parentHeader.msg_id === next);
      equal(late.received.stdin.length, 1);
      await late.send("stdin", "input_reply", { value: "yes" });
      await late.served(next);
    } finally {
      late.leave();
    }
  });

  it("carries buffers both ways, byte for byte", async () => {
    const opened = await execute("comm raw.target");
    const open = opened.iopub.find((message) => message.header.msg_type === "comm_open");
    deepEqual(open?.buffers, [Buffer.from([1, 2, 3])]);
    deepEqual([open?.content.target_name, open?.content.data], ["raw.target", { hello: true }]);
    const buffers = [Buffer.alloc(0), Buffer.from([0, 255, 60, 73]), Buffer.alloc(100_000, 7)];
    const content = { comm_id: open?.content.comm_id, data: { n: 1 } };
    const id = await client.send("shell", "comm_msg", content, { buffers });
    const echoed = await client.next(
      "iopub",
      ({ header, parentHeader }) => header.msg_type === "comm_msg" && parentHeader.msg_id === id,
    );
    deepEqual([echoed.content.data, echoed.metadata, echoed.buffers], [{ n: 1 }, { echoed: true }, buffers]);
  });

  it("closes a comm on a target that nobody answers for", async () => {
    const id = await client.send("shell", "comm_open", { comm_id: "c1", target_name: "nobody", data: {} });
    const closed = await client.next(
      "iopub",
      ({ header, parentHeader }) => header.msg_type === "comm_close" && parentHeader.msg_id === id,
    );
    equal(closed.content.comm_id, "c1");
  });

  it("drops what is tampered with, and what was heard before", async () => {
    const header = {
      msg_id: randomUUID(),
      msg_type: "execute_request",
      session: "raw",
      username: "raw",
      version: "5.5",
    };
    const frames = signed([header, {}, {}, { code: "print once" }]);
    await client.sendFrames("shell", frames);
    await client.served(header.msg_id);
    await client.sendFrames("shell", frames);
    await client.sendFrames("shell", [...frames.slice(0, -1), JSON.stringify({ code: "print forged" })]);
    await client.sendFrames("shell", signed([header, {}, {}, { code: "print forged" }], "another key"));
    await execute("41");
    const shown = client.received.iopub.filter(({ parentHeader }) => parentHeader.msg_id === header.msg_id).map(shape);
    deepEqual(shown, ["busy", "execute_input", "stdout once", "idle"]);
  });

  it("routes replies by every identity that came before the delimiter", async () => {
    const header = {
      msg_id: randomUUID(),
      msg_type: "kernel_info_request",
      session: "raw",
      username: "raw",
      version: "5.5",
    };
    await client.sendFrames("shell", ["hop-1", "hop-2", ...signed([header, {}, {}, {}])]);
    const { reply } = await client.served(header.msg_id);
    deepEqual(reply.identities, ["hop-1", "hop-2"]);
  });

  it("answers control, and echoes heartbeats, while a cell waits", async () => {
    const waiting = await client.send("shell", "execute_request", { code: "wait" });
    await client.next("iopub", ({ parentHeader }) => parentHeader.msg_id === waiting);
    const info = await client.served(await client.send("control", "kernel_info_request", {}), "control");
    equal(info.reply.content.status, "ok");
    deepEqual(await client.heartbeat(Buffer.from([9, 0, 9])), Buffer.from([9, 0, 9]));
    await client.served(await client.send("shell", "interrupt_request", {}));
    const { reply } = await client.served(waiting);
    equal(reply.content.evalue, "interrupted");
  });

  it(`serves ${PARALLEL_CLIENTS} front-ends at once, each told apart, all told everything`, async () => {
    const others = await Promise.all(Array.from({ length: PARALLEL_CLIENTS }, () => client.join()));
    try {
      const ids = await Promise.all(
        others.map((other, at) => other.send("shell", "execute_request", { code: `print ${at}\nresult-${at}` })),
      );
      const served = await Promise.all(others.map((other, at) => other.served(ids[at] ?? "")));
      served.forEach(({ iopub }, at) => {
        deepEqual(iopub.map(shape), ["busy", "execute_input", `stdout ${at}`, "execute_result", "idle"]);
      });
      // Nobody gets another's reply; everybody sees every cell.
      for (const other of others) equal(other.received.shell.length, 1);
      for (const other of others) {
        for (const id of ids)
          await other.next(
            "iopub",
            ({ parentHeader, content }) => parentHeader.msg_id === id && content.execution_state === "idle",
          );
      }
    } finally {
      for (const other of others) other.leave();
    }
  });

  it(`keeps ${MANY_LINES} lines whole, and its memory small, beside a front-end that reads nothing`, async () => {
    const before = await client.rssMiB();
    // Whoever listens to everything hears of each subscriber that arrives.
    const welcomes = () => client.received.iopub.filter(({ header }) => header.msg_type === "iopub_welcome").length;
    const earlier = welcomes();
    const stopped = client.subscribeWithoutReading();
    try {
      await until("the subscription to arrive", () => welcomes() > earlier, 60_000);
      const { reply, iopub } = await execute(`repeat ${MANY_LINES} a line of output`);
      equal(reply.content.status, "ok");
      equal(shape(iopub.at(-1)), "idle");
      const text = iopub.map(({ header, content }) => (header.msg_type === "stream" ? content.text : "")).join("");
      const lines = text.trimEnd().split("\n");
      equal(lines.length, MANY_LINES);
      equal(
        lines.findIndex((line, at) => line !== `${at} a line of output`),
        -1,
      );
      const grown = (await client.rssMiB()) - before;
      ok(grown < 150, `${Math.round(grown)} MiB more`);
    } finally {
      stopped.leave();
    }
  });

  it("says one word to a thousand cells: idle, last, to each", async () => {
    const sent: string[] = [];
    for (let cell = 0; cell < 1000; cell++) {
      sent.push(await client.send("shell", "execute_request", { code: `print ${cell}` }));
      // Twenty wait at any time.
      const earlier = sent[cell - 20];
      if (earlier !== undefined) await client.served(earlier);
    }
    for (const id of sent) {
      const { iopub } = await client.served(id);
      equal(shape(iopub.at(-1)), "idle");
      equal(iopub.length, 4);
    }
  });
});

function shape(message: RawMessage | undefined): string {
  if (message === undefined) return "nothing";
  const { header, content } = message;
  if (header.msg_type === "status") return content.execution_state;
  if (header.msg_type === "stream") return `${content.name} ${content.text.trimEnd()}`;
  return String(header.msg_type);
}
