import { deepEqual, equal, throws } from "node:assert/strict";
import { commInfoReply, parseCommInfoRequest, parseCommOpen } from "../../kernel/wire/comm.js";
import { completeReply, parseCompleteRequest } from "../../kernel/wire/complete.js";
import { parseConnectionFile } from "../../kernel/wire/connection-file.js";
import { parseShutdownRequest, shutdownReply } from "../../kernel/wire/control.js";
import { displayData, iopubError } from "../../kernel/wire/display.js";
import { executeReplyError, executeReplyOk, parseExecuteRequest } from "../../kernel/wire/execute.js";
import { makeHeader, PROTOCOL_VERSION, parseHeader } from "../../kernel/wire/header.js";
import { historyReply, parseHistoryRequest } from "../../kernel/wire/history.js";
import { inspectReply, parseInspectRequest } from "../../kernel/wire/inspect.js";
import { kernelInfoReply } from "../../kernel/wire/kernel-info.js";
import { codePointsFromUtf16, utf16FromCodePoints } from "../../kernel/wire/text-positions.js";

describe("headers", () => {
  it("keep what they do not know for the reply", () => {
    const raw = { msg_id: "1", msg_type: "t", session: "s", username: 5, subshell_id: "x", later_field: [1] };
    deepEqual(parseHeader(raw), {
      messageId: "1",
      messageType: "t",
      session: "s",
      username: "",
      date: "",
      version: "",
      subshellId: "x",
      raw,
    });
  });

  it("of our own say the version that kernel_info says", () => {
    const header = makeHeader({ messageId: "1", messageType: "status", session: "s", date: "d" });
    equal(header.version, PROTOCOL_VERSION);
    equal(kernelInfoReply({ kernelVersion: "1", languageVersion: "5" }).protocol_version, PROTOCOL_VERSION);
  });
});

describe("execute_request", () => {
  const defaults = {
    code: "",
    silent: false,
    storeHistory: true,
    stopOnError: true,
    allowStdin: true,
    userExpressions: {},
  };
  const rows: ReadonlyArray<[Record<string, unknown>, object]> = [
    [{}, defaults],
    [{ code: 5, silent: "yes", user_expressions: null, unknown: 1 }, defaults],
    [
      { code: "1", silent: true, store_history: true },
      { ...defaults, code: "1", silent: true, storeHistory: false },
    ],
    [
      { stop_on_error: false, allow_stdin: false, user_expressions: { a: "1", b: 2 } },
      { ...defaults, stopOnError: false, allowStdin: false, userExpressions: { a: "1" } },
    ],
  ];
  for (const [content, expected] of rows) {
    it(JSON.stringify(content), () => deepEqual(parseExecuteRequest(content), expected));
  }
});

describe("replies", () => {
  const error = { name: "TypeError", message: "boom", traceback: ["TypeError: boom"] };
  const rows: ReadonlyArray<[string, object, object]> = [
    [
      "execute, ok",
      executeReplyOk(3, { a: 1 }),
      { status: "ok", execution_count: 3, user_expressions: { a: 1 }, payload: [] },
    ],
    [
      "execute, error",
      executeReplyError(4, error),
      {
        status: "error",
        ename: "TypeError",
        evalue: "boom",
        traceback: ["TypeError: boom"],
        execution_count: 4,
        user_expressions: {},
        payload: [],
      },
    ],
    ["error on iopub", iopubError(error), { ename: "TypeError", evalue: "boom", traceback: ["TypeError: boom"] }],
    [
      "display",
      displayData({ "text/plain": "1" }, {}, undefined),
      { data: { "text/plain": "1" }, metadata: {}, transient: {} },
    ],
    [
      "display with an id",
      displayData({}, { a: 1 }, "d1"),
      { data: {}, metadata: { a: 1, display_id: "d1" }, transient: { display_id: "d1" } },
    ],
    ["inspect, nothing found", inspectReply(undefined), { status: "ok", found: false, data: {}, metadata: {} }],
    ["shutdown", shutdownReply(parseShutdownRequest({ restart: true }).restart), { status: "ok", restart: true }],
    [
      "comm_info",
      commInfoReply([{ commId: "c", targetName: "t" }]),
      { status: "ok", comms: { c: { target_name: "t" } } },
    ],
    [
      "history with output",
      historyReply([{ session: 1, line: 2, input: "1", output: undefined }], true),
      { status: "ok", history: [[1, 2, ["1", null]]] },
    ],
    [
      "completion after an emoji counts code points",
      completeReply("'🌊'.le", { start: 5, end: 7, matches: [{ text: "length", type: "property" }] }),
      {
        status: "ok",
        matches: ["length"],
        cursor_start: 4,
        cursor_end: 6,
        metadata: { _jupyter_types_experimental: [{ start: 4, end: 6, text: "length", type: "property" }] },
      },
    ],
  ];
  for (const [name, made, expected] of rows) it(name, () => deepEqual(made, expected));
});

describe("requests about code", () => {
  it("turn code points into UTF-16 and default to the end", () => {
    deepEqual(parseCompleteRequest({ code: "🌊a", cursor_pos: 1 }), { code: "🌊a", cursor: 2 });
    deepEqual(parseCompleteRequest({ code: "ab" }), { code: "ab", cursor: 2 });
    deepEqual(parseInspectRequest({ code: "ab", cursor_pos: 99, detail_level: 1 }), {
      code: "ab",
      cursor: 2,
      detail: 1,
    });
  });

  it("positions go both ways", () => {
    const text = "a🌊b🏄c";
    for (let position = 0; position <= 5; position++) {
      equal(codePointsFromUtf16(text, utf16FromCodePoints(text, position)), position);
    }
  });
});

describe("other requests", () => {
  it("history: tail, range, search", () => {
    deepEqual(parseHistoryRequest({ hist_access_type: "tail", n: 3, output: true }), {
      access: "tail",
      output: true,
      count: 3,
    });
    deepEqual(parseHistoryRequest({ hist_access_type: "range", session: 0, start: 1, stop: 4 }), {
      access: "range",
      output: false,
      session: 0,
      start: 1,
      stop: 4,
    });
    deepEqual(parseHistoryRequest({ hist_access_type: "search", pattern: "a*", unique: true, n: 1 }), {
      access: "search",
      output: false,
      pattern: "a*",
      unique: true,
      count: 1,
    });
  });

  it("comms: target and filter", () => {
    deepEqual(parseCommOpen({ comm_id: "c", target_name: "t", data: { a: 1 } }), {
      commId: "c",
      targetName: "t",
      data: { a: 1 },
    });
    deepEqual(parseCommInfoRequest({}), { targetName: undefined });
  });
});

describe("connection file", () => {
  const file = {
    transport: "tcp",
    ip: "127.0.0.1",
    shell_port: 1,
    control_port: 2,
    stdin_port: 3,
    iopub_port: 4,
    hb_port: 5,
    key: "k",
    signature_scheme: "hmac-sha256",
    kernel_name: "ignored",
  };
  const parse = (changes: object) => parseConnectionFile(JSON.stringify({ ...file, ...changes }));

  it("over tcp", () => {
    deepEqual(parse({}), {
      endpoints: {
        shell: "tcp://127.0.0.1:1",
        control: "tcp://127.0.0.1:2",
        stdin: "tcp://127.0.0.1:3",
        iopub: "tcp://127.0.0.1:4",
        heartbeat: "tcp://127.0.0.1:5",
      },
      signing: { key: "k", scheme: "hmac-sha256" },
    });
  });

  it("over ipc", () => equal(parse({ transport: "ipc", ip: "/run/kernel" }).endpoints.shell, "ipc:///run/kernel-1"));

  const refusals: ReadonlyArray<[object, RegExp]> = [
    [{ shell_port: 0 }, /shell_port 0; a port is 1 to 65535/],
    [{ hb_port: "5" }, /hb_port "5"; a port is 1 to 65535/],
    [{ transport: "pgm" }, /transport "pgm"; this kernel speaks tcp and ipc/],
    [{ signature_scheme: "rot13" }, /signature_scheme "rot13"; use hmac-sha256/],
  ];
  for (const [changes, message] of refusals) {
    it(`refuses ${JSON.stringify(changes)}`, () => throws(() => parse(changes), { message }));
  }
});
