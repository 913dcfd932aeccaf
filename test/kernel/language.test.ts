import { deepEqual, equal, match, throws } from "node:assert/strict";
import { inspect } from "node:util";
import { History } from "../../kernel/history.js";
import { CellMagics, parseMagicCall } from "../../kernel/language/cell-magics.js";
import { codeFrame } from "../../kernel/language/code-frame.js";
import { bundleOf } from "../../kernel/language/echo.js";
import { Namespace } from "../../kernel/language/namespace.js";
import { describeMessage, describeThrown } from "../../kernel/language/traceback.js";
import { SendQueue } from "../../kernel/socket/send-queue.js";

describe("cell commands", () => {
  const rows: ReadonlyArray<[string, ReturnType<typeof parseMagicCall>]> = [
    ["%%sql\nSELECT 1", { name: "sql", argumentLine: "", body: "SELECT 1", bodyStart: 6 }],
    ["%%sql top --live\nSELECT 1\n", { name: "sql", argumentLine: "top --live", body: "SELECT 1\n", bodyStart: 17 }],
    ["%sql\r\nSELECT 1", { name: "sql", argumentLine: "", body: "SELECT 1", bodyStart: 6 }],
    ["\n  %help", { name: "help", argumentLine: "", body: "", bodyStart: 8 }],
    ["%spark.conf\na.b c", { name: "spark.conf", argumentLine: "", body: "a.b c", bodyStart: 12 }],
    ["%sql(limit=5) x\n1", { name: "sql(limit=5)", argumentLine: "x", body: "1", bodyStart: 16 }],
    ["5 %% sql", undefined],
    ["let a = 5\n%%sql", undefined],
    ["%5", undefined],
    ["", undefined],
  ];
  for (const [code, expected] of rows) it(JSON.stringify(code), () => deepEqual(parseMagicCall(code), expected));

  it("an unknown one lists what there is", () => {
    const magics = new CellMagics([{ name: "sql", summary: "", run: async () => {} }]);
    throws(() => magics.get("sqll"), {
      name: "UnknownCommand",
      message: "There is no cell command %%sqll. This kernel has %%about, %%help, %%sql.",
    });
    throws(() => magics.get("spark.conf"), { message: /^There is no cell command %%spark\.conf\. This kernel has/ });
  });
});

describe("code frame", () => {
  it("marks the place between its neighbours", () => {
    deepEqual(codeFrame("a\nb\n\tthrow it\nd\ne\nf", { line: 3, column: 2 }, 5), [
      "  1 | a",
      "  2 | b",
      "> 3 | \tthrow it",
      "    | \t^^^^^",
      "  4 | d",
      "  5 | e",
    ]);
  });

  it("stays within its line", () => {
    deepEqual(codeFrame("ab", { line: 1, column: 2 }, 99), ["> 1 | ab", "    |  ^"]);
  });
});

describe("a value's display", () => {
  const rows: ReadonlyArray<[unknown, Record<string, unknown> | undefined]> = [
    [undefined, undefined],
    [null, { "text/plain": "null" }],
    ["text", { "text/plain": "'text'" }],
    [9007199254740993n, { "text/plain": "9007199254740993n" }],
    [{ a: [1, { b: 2 }] }, { "text/plain": "{ a: [ 1, { b: 2 } ] }" }],
    [
      { [Symbol.for("Jupyter.display")]: () => ({ "text/html": "<b>", "text/plain": "b" }) },
      { "text/html": "<b>", "text/plain": "b" },
    ],
    [{ [Symbol.for("Jupyter.display")]: () => ({}) }, undefined],
  ];
  for (const [value, expected] of rows) {
    it(String(expected?.["text/plain"]), async () => deepEqual(await bundleOf(value), expected));
  }

  it("a value whose own inspection fails is still shown", async () => {
    const bundle = await bundleOf({
      [inspect.custom]() {
        throw new Error("no");
      },
    });
    match(String(bundle?.["text/plain"]), /cannot be shown: no/);
  });
});

describe("the notebook's scope", () => {
  it("shares a variable between the cell that declares it and later ones", () => {
    const namespace = new Namespace();
    let counter = 1;
    const write = (value: unknown) => {
      counter = Number(value);
    };
    deepEqual(namespace.settle(["counter"], [{ name: "counter", read: () => counter, write }]), []);
    namespace.object.counter = 5;
    equal(counter, 5);
    counter = 7;
    equal(namespace.object.counter, 7);
  });

  it("keeps the earlier value of a name that was not reached", () => {
    const namespace = new Namespace();
    namespace.define("a", 1);
    const unset = () => {
      throw new ReferenceError("a");
    };
    const unreached = namespace.settle(
      ["a", "b"],
      [
        { name: "a", read: unset },
        { name: "b", read: () => 2 },
      ],
    );
    deepEqual([unreached, namespace.object.a, namespace.object.b], [["a"], 1, 2]);
  });

  it("knows none of the names of code that never began", () => {
    const namespace = new Namespace();
    deepEqual(namespace.settle(["a"], []), ["a"]);
    equal("a" in namespace.object, false);
  });
});

describe("what was thrown, in words", () => {
  const none = new Map();
  it("an error keeps its name, message and causes, and shows no frame of ours", () => {
    const error = new RangeError("outer", { cause: new Error("inner") });
    deepEqual(describeThrown(error, none), {
      name: "RangeError",
      message: "outer",
      traceback: ["RangeError: outer", "", "Caused by: Error: inner"],
    });
  });

  const rows: ReadonlyArray<[unknown, string]> = [
    ["text", "text"],
    [null, "null"],
    [undefined, "undefined"],
    [{ a: 1 }, "{ a: 1 }"],
  ];
  for (const [thrown, message] of rows) {
    it(`throw ${message}`, () =>
      deepEqual(describeThrown(thrown, none), { name: "Thrown", message, traceback: [`Thrown: ${message}`] }));
  }

  it("a very long message is cut", () => {
    const { message } = describeThrown(new Error("x".repeat(10_000_000)), none);
    match(message, /^x{16384}… \(9983616 more characters\)$/);
  });

  it("a message that says it all has no frames", () => {
    deepEqual(describeMessage(new Error("unknown column: handel\nthere is: handle")).traceback, [
      "Error: unknown column: handel",
      "there is: handle",
    ]);
  });
});

describe("history", () => {
  const history = new History();
  for (const [index, input] of ["let a", "a", "let b", "a"].entries()) history.add(index + 1, input, `out ${index}`);
  const lines = (request: Parameters<History["select"]>[0]) => history.select(request).map((entry) => entry.line);

  it("tail", () => deepEqual(lines({ access: "tail", output: false, count: 2 }), [3, 4]));
  it("range", () => deepEqual(lines({ access: "range", output: false, session: 0, start: 1, stop: 3 }), [1, 2]));
  it("search", () =>
    deepEqual(lines({ access: "search", output: false, pattern: "let *", unique: false, count: 10 }), [1, 3]));
  it("search, unique", () =>
    deepEqual(lines({ access: "search", output: false, pattern: "?", unique: true, count: 10 }), [4]));
});

describe("send queue", () => {
  it("sends one at a time, in order, and goes on after a failure", async () => {
    const sent: string[] = [];
    const failures: unknown[] = [];
    let sending = 0;
    const queue = new SendQueue(
      {
        send: async ([frame]) => {
          sending += 1;
          equal(sending, 1);
          await new Promise(setImmediate);
          sending -= 1;
          const text = Buffer.from(frame ?? []).toString();
          if (text === "bad") throw new Error("unreachable");
          sent.push(text);
        },
      },
      (error) => failures.push(error),
    );
    for (const text of ["1", "2", "bad", "3"]) queue.push([Buffer.from(text)]);
    await queue.drained();
    deepEqual([sent, failures.length], [["1", "2", "3"], 1]);
  });
});
