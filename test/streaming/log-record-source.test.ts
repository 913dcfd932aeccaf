import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EmbeddedLog } from "../../src/embedded/log.js";
import { encodeLogHeader, encodeLogRecord } from "../../src/streaming/log/format.js";
import { LogRecordSource } from "../../src/streaming/log/record-source.js";
import type { OpenedSource, SourceRequest } from "../../src/streaming/record-source.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { collect, describeRecordSource } from "./record-source-conformance.js";

let folder: TemporaryFolder;
let logs = 0;

before(() => {
  folder = temporaryFolder("log");
});
after(() => folder.remove());

function newPath(): string {
  logs += 1;
  return join(folder.path, `topic${logs}.log`);
}

describeRecordSource("LogRecordSource", async () => {
  const path = newPath();
  writeFileSync(path, encodeLogHeader({ id: "suite", firstOffset: 0n }));
  let clockMs = 1_700_000_000_000;
  return {
    source: new LogRecordSource({ path }),
    topic: "tweets",
    append: async (records) => {
      const lines = records.map(({ key = null, value, timestampMs }) => {
        clockMs += 1;
        return encodeLogRecord({ key, value, timestampMs: timestampMs ?? clockMs });
      });
      appendFileSync(path, lines.join(""));
    },
  };
});

describe("LogRecordSource", () => {
  const opened: OpenedSource[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((source) => source.close()));
  });

  const open = async (path: string, request: Partial<SourceRequest> = {}): Promise<OpenedSource> => {
    const source = await new LogRecordSource({ path }).open(
      { topic: "tweets", from: "earliest", storedOffsets: new Map(), ...request },
      { timeoutMs: 10_000, signal: new AbortController().signal },
    );
    opened.push(source);
    return source;
  };

  it("waits for the rest of a half-written line", async () => {
    const path = newPath();
    const [head, tail] = [`{"timestampMs":1,"key":null,"value":"wh`, `ole"}\n`];
    writeFileSync(path, head);
    const source = await open(path);
    const reader = collect(source);
    await until("the log is looked at", () => source.watermarks()[0]?.high === 0n);
    equal(reader.records.length, 0);
    appendFileSync(path, tail);
    await reader.until(1);
    equal(reader.records[0]?.value, "whole");
  });

  it("takes any line that is no envelope as a record: its value is the line, byte for byte", async () => {
    const path = newPath();
    const lines = [
      '{"timestampMs":7,"key":"k","value":"enveloped"}',
      '{"handle":"puck","content":"plain JSON"}',
      '{"value":"v","other":1}',
      '{"timestampMs":1.5,"value":"v"}',
      '{"value":{"not":"text"}}',
      '{"value":"cut sho',
      "",
      "not JSON",
    ];
    writeFileSync(path, Buffer.concat([Buffer.from(`${lines.join("\n")}\n`), Buffer.from([0xff, 0xfe, 0x0a])]));
    const source = await open(path);
    for await (const batch of source.batches()) {
      equal(batch.count, 9);
      const value = (index: number) => {
        const start = batch.valueStarts[index] ?? 0;
        return batch.bytes.subarray(start, start + (batch.valueLengths[index] ?? 0));
      };
      deepEqual(
        Array.from({ length: 8 }, (_, index) => value(index).toString()),
        ["enveloped", ...lines.slice(1)],
      );
      deepEqual(value(8), Buffer.from([0xff, 0xfe]));
      deepEqual([...batch.timestampsMs], [7n, ...Array.from({ length: 8 }, () => -1n)]);
      break;
    }
  });

  it("reads lines longer than one read", async () => {
    const path = newPath();
    const long = "x".repeat(3 * 1024 * 1024);
    writeFileSync(
      path,
      ["a", long, "b"].map((value) => encodeLogRecord({ timestampMs: 1, key: null, value })).join(""),
    );
    const reader = collect(await open(path));
    await reader.until(3);
    deepEqual(
      reader.records.map(({ value }) => value?.length),
      [1, long.length, 1],
    );
  });

  it("follows a log that is cut at the front while it is read, and reads on at a stored offset afterwards", async function () {
    this.timeout(60_000);
    const path = newPath();
    const log = await EmbeddedLog.open(path, { bytesMax: 100_000 });
    const source = await open(path);
    const reader = collect(source);
    for (let part = 0; part < 60; part += 1) {
      await log.append(
        Array.from({ length: 100 }, (_, n) => ({ key: "k", value: `value ${part * 100 + n}`, timestampMs: n })),
      );
      await reader.until((part + 1) * 100);
    }
    await log.close();
    deepEqual(
      reader.records.map(({ offset, value }) => `${offset} ${value}`),
      Array.from({ length: 6_000 }, (_, index) => `${index} value ${index}`),
    );
    await until("the new file is taken in", () => (source.watermarks()[0]?.low ?? 0n) > 0n);
    const again = collect(await open(path, { storedOffsets: new Map([[0, 5_990n]]) }));
    await again.until(10);
    deepEqual(
      again.records.map(({ value }) => value),
      Array.from({ length: 10 }, (_, index) => `value ${5_990 + index}`),
    );
    await rejects(open(path, { storedOffsets: new Map([[0, 3n]]) }), /records 3 to \d+ were cut from its front/);
  });

  const changes: ReadonlyArray<readonly [what: string, change: (path: string) => void, message: RegExp]> = [
    ["cut short", (path) => truncateSync(path, 100), /was cut short/],
    ["rewritten in place", (path) => writeFileSync(path, lines("other", 400)), /was rewritten|was cut short/],
    [
      "replaced",
      (path) => {
        writeFileSync(`${path}.new`, lines("other", 400));
        renameSync(`${path}.new`, path);
      },
      /was replaced/,
    ],
  ];
  for (const [what, change, message] of changes) {
    it(`stops when the log is ${what}, and says so`, async () => {
      const path = newPath();
      writeFileSync(path, lines("first", 200));
      const reader = collect(await open(path));
      await reader.until(200);
      change(path);
      await rejects(reader.ended, (error: { code: string; message: string }) => {
        deepEqual([error.code, message.test(error.message)], ["OFFSET_OUT_OF_RANGE", true], error.message);
        return true;
      });
    });
  }

  it("tells when the log is removed and goes on when it is back", async () => {
    const path = newPath();
    writeFileSync(path, lines("first", 10));
    const source = await open(path);
    const reader = collect(source);
    await reader.until(10);
    renameSync(path, `${path}.away`);
    await until("removal is told", () => source.state().kind === "reconnecting");
    renameSync(`${path}.away`, path);
    await until("return is told", () => source.state().kind === "reading");
    appendFileSync(path, encodeLogRecord({ timestampMs: 1, key: null, value: "eleventh" }));
    await reader.until(11);
  });

  it("says what to do when there is no log, or it is a folder", async () => {
    await rejects(open(join(folder.path, "none.log")), (error: { code: string; message: string }) => {
      equal(error.code, "LOG_UNREADABLE");
      ok(error.message.includes("none.log") && error.message.includes("KAFKA_BROKERS"), error.message);
      return true;
    });
    await rejects(open(folder.path), { code: "LOG_UNREADABLE" });
  });
});

describe("EmbeddedLog", () => {
  it("ends a line that a crash left half-written, and counts it", async () => {
    const path = newPath();
    const first = await EmbeddedLog.open(path);
    await first.append([{ key: "k", value: "one", timestampMs: 5 }]);
    await first.close();
    appendFileSync(path, '{"timestampMs":6,"key":"k","val');
    const second = await EmbeddedLog.open(path);
    deepEqual([second.nextOffset, second.lastTimestampMs], [1n, 5]);
    await second.append([{ key: "k", value: "two", timestampMs: 7 }]);
    equal(second.nextOffset, 3n);
    await second.close();
    const source = await new LogRecordSource({ path }).open(
      { topic: "tweets", from: "earliest", storedOffsets: new Map() },
      { timeoutMs: 10_000, signal: new AbortController().signal },
    );
    const reader = collect(source);
    await reader.until(3);
    deepEqual(
      reader.records.map(({ value }) => value),
      ["one", '{"timestampMs":6,"key":"k","val', "two"],
    );
    await source.close();
  });

  it("does not append to a file that is no log of its own", async () => {
    const path = newPath();
    writeFileSync(path, "somebody's notes\n");
    await rejects(EmbeddedLog.open(path), { code: "LOG_UNREADABLE" });
    rmSync(path);
  });
});

function lines(text: string, count: number): string {
  return Array.from({ length: count }, (_, n) =>
    encodeLogRecord({ timestampMs: n, key: null, value: `${text} ${n}` }),
  ).join("");
}
