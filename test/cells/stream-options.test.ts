import { deepEqual, throws } from "node:assert/strict";
import { readStreamOptions } from "../../src/cells/stream-options.js";
import { readConfig } from "../../src/config.js";

const withBrokers = readConfig({ KAFKA_BROKERS: "a:9092,b:9092" }, "/work");
const withoutBrokers = readConfig({ TIDETABLE_DATA: "/data" }, "/work");
const kafka = { kind: "kafka", brokers: ["a:9092", "b:9092"] };
const plain = {
  name: "tweets",
  topic: "tweets",
  source: kafka,
  from: "earliest",
  keep: { rows: 5_000_000 },
  format: "json",
};

describe("readStreamOptions", () => {
  it("reads a topic of the configured brokers, or the embedded log without any", () => {
    deepEqual(readStreamOptions("tweets", undefined, withBrokers), plain);
    deepEqual(readStreamOptions("tweets", {}, withoutBrokers), {
      ...plain,
      source: { kind: "log", path: "/data/log/tweets.log" },
    });
  });

  const cases: ReadonlyArray<readonly [object, object]> = [
    [{ topic: "other.topic" }, { topic: "other.topic" }],
    [{ source: { brokers: "c:1, d:2" } }, { source: { kind: "kafka", brokers: ["c:1", "d:2"] } }],
    [{ source: { brokers: ["[::1]:9092"] } }, { source: { kind: "kafka", brokers: ["[::1]:9092"] } }],
    [{ source: { log: "my.log" } }, { source: { kind: "log", path: "my.log" } }],
    [{ from: "latest" }, { from: "latest" }],
    [{ from: { timestampMs: new Date(1500.7) } }, { from: { timestampMs: 1500 } }],
    [
      { from: { offsets: { 0: 12, 1: 9_007_199_254_740_993n } } },
      { from: { offsets: { 0: 12n, 1: 9_007_199_254_740_993n } } },
    ],
    [{ keep: { ms: 60_000 } }, { keep: { ms: 60_000 } }],
    [{ keep: { bytes: 1_000_000 } }, { keep: { bytes: 1_000_000 } }],
    [{ format: "text" }, { format: "text" }],
    [{ format: "csv" }, { format: "csv" }],
    [{ format: { csv: { delimiter: ";" } } }, { format: { csv: { delimiter: ";" } } }],
    [{ until: "latest" }, { until: "latest" }],
    [{ until: { offsets: { 0: 9 } } }, { until: { offsets: { 0: 9n } } }],
    [{ topic: ["orders", "returns"] }, { topic: "orders, returns", topics: { names: ["orders", "returns"] } }],
    [{ topic: ["orders"] }, { topic: "orders" }],
    [{ topic: /orders-.+/ }, { topic: "/orders-.+/", topics: { pattern: "orders-.+" } }],
    [
      { topic: /.*/, source: { logs: "folder" } },
      { topic: "/.*/", topics: { pattern: ".*" }, source: { kind: "logFolder", path: "folder" } },
    ],
    [{ mode: "upsert" }, { mode: "upsert" }],
    [{ store: "memory" }, { store: "memory" }],
    [
      { schema: { id: "VARCHAR", at: "epoch_ms", tags: ["VARCHAR"], user: { id: "BIGINT" } } },
      {
        schema: [
          { key: "id", column: "id", kind: "text" },
          { key: "at", column: "at", kind: "epoch_ms" },
          { key: "tags", column: "tags", kind: "nested", shape: { list: { kind: "text" } } },
          {
            key: "user",
            column: "user",
            kind: "nested",
            shape: { struct: [{ key: "id", shape: { kind: "bigint" } }] },
          },
        ],
      },
    ],
  ];
  for (const [given, expected] of cases) {
    it(Object.keys(given).join(), () =>
      deepEqual(readStreamOptions("tweets", given, withBrokers), { ...plain, ...expected }),
    );
  }

  const refusals: ReadonlyArray<readonly [unknown, unknown, RegExp]> = [
    [undefined, undefined, /stream\(undefined\): the first argument is the stream's name/],
    ["", undefined, /stream\(""\)/],
    ['a"b', undefined, /the first argument is the stream's name/],
    ["my tweets", undefined, /topic is "my tweets"; a topic's name has letters.*\{ topic: "…" \}/],
    ["tweets", "latest", /the options of stream are "latest"; write an object/],
    [
      "tweets",
      { untill: "now" },
      /stream has no option "untill"; it has topic, source, group, from, until, ifLost, keep, format, schema/,
    ],
    ["tweets", { until: "now" }, /until is "now"; it may be "latest" \(what is there now\)/],
    ["tweets", { until: "earliest" }, /until is "earliest", which ends before anything is read/],
    ["tweets", { group: "" }, /group is ""; it is the name of a consumer group/],
    ["tweets", { group: "a", source: { log: "a.log" } }, /group is "a", but the stream reads a log/],
    ["tweets", { group: "a", topic: ["x", "y"] }, /group goes with one topic/],
    ["tweets", { group: "a", until: "latest" }, /group goes without until/],
    ["tweets", { topic: [] }, /topic is an empty list/],
    ["tweets", { topic: /x/i }, /topic is \/x\/i; .*the flag "i" is not read/],
    ["tweets", { topic: /x/, source: { log: "a.log" } }, /source is one log; several topics take a folder/],
    ["tweets", { mode: "update" }, /mode is "update"; it may be "append" or "upsert"/],
    ["tweets", { store: "disk" }, /store is "disk"; it may be "file" or "memory"/],
    ["tweets", { schema: {} }, /schema is \{\}; write columns with their types/],
    [
      "tweets",
      { schema: { n: "INT" } },
      /schema\.n is "INT", which is none of the types VARCHAR.*Did you mean "BIGINT"/,
    ],
    ["tweets", { schema: { n: "TIMESTAMP_MS" } }, /schema\.n is "TIMESTAMP_MS".*Did you mean "EPOCH_MS"/],
    ["tweets", { schema: { n: 5 } }, /schema\.n is 5; write a type \(VARCHAR/],
    ["tweets", { schema: { n: [{ at: "EPOCH_S" }] } }, /schema\.n\[0\]\.at is "EPOCH_S" inside a list or struct/],
    [
      "tweets",
      { schema: { n: { a: "JSON", A: "JSON" } } },
      /schema\.n has the key "A", which differs from "a" in case only/,
    ],
    ["tweets", { schema: { n: "JSON" }, format: "raw" }, /schema goes with the formats "json" and "csv"/],
    ["tweets", { format: { csv: { delimiter: "ab" } } }, /csv has the option delimiter, one character/],
    ["tweets", { topic: ".." }, /topic is "\.\."/],
    ["tweets", { source: "a:9092" }, /source is "a:9092"; write \{ brokers:/],
    ["tweets", { source: { brokers: "nowhere" } }, /source is/],
    ["tweets", { from: "begin" }, /from is "begin"; it may be "earliest"/],
    ["tweets", { from: { timestampMs: -1 } }, /from is \{"timestampMs":-1\}/],
    ["tweets", { from: { offsets: { 0: 1.5 } } }, /from\.offsets has 0: 1\.5/],
    ["tweets", { from: { offsets: { x: 1n } } }, /from\.offsets has x: 1n/],
    ["tweets", { keep: 1000 }, /keep is 1000; a table always has a bound/],
    ["tweets", { keep: { rows: 1, ms: 1 } }, /keep is/],
    ["tweets", { format: "avro" }, /format is "avro"; this version reads "json", "csv", "text" and "raw"/],
  ];
  for (const [name, options, message] of refusals) {
    it(`refuses ${message.source}`, () =>
      throws(() => readStreamOptions(name, options, withBrokers), { code: "CONFIG_INVALID", message }));
  }
});
