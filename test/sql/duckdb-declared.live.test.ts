import { deepEqual, equal, match } from "node:assert/strict";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import type { DuckDbStreamTable } from "../../src/sql/duckdb/stream-table.js";
import { cellValue } from "../../src/sql/schema.js";
import type { StreamTableDefinition } from "../../src/sql/sql-engine.js";
import { type DeclaredSchema, readDeclaredSchema } from "../../src/streaming/declared-schema.js";
import { recordBatch, type TestRecord, values } from "../support/record-batches.js";

describe("a stream table with a declared schema, another format, or keys", () => {
  let engine: DuckDbEngine;
  let tables = 0;
  before(async () => {
    engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
  });
  after(() => engine.close());

  function open(options: Partial<StreamTableDefinition> & { declared?: DeclaredSchema }): Promise<DuckDbStreamTable> {
    tables += 1;
    const { declared, ...definition } = options;
    const schema = declared === undefined ? {} : { schema: readDeclaredSchema(declared) };
    return engine.openStreamTable({
      name: `t${tables}`,
      format: "json",
      keep: { rows: 1_000_000 },
      ...schema,
      ...definition,
    });
  }

  async function rows(text: string): Promise<unknown[][]> {
    const result = await engine.query({ text, parameters: [], rowLimit: 100_000 }, new AbortController().signal);
    return Array.from({ length: result.rowCount }, (_, row) => result.columns.map((column) => cellValue(column, row)));
  }

  async function write(table: DuckDbStreamTable, ...records: readonly TestRecord[]): Promise<void> {
    await table.write(recordBatch(records, { firstOffset: (await table.storedOffsets("tweets")).get(0) ?? 0n }));
  }

  async function reasons(table: DuckDbStreamTable): Promise<unknown[]> {
    return (await rows(`SELECT reason FROM ${table.name}_errors ORDER BY _offset`)).flat();
  }

  it("has the declared columns and types before the first record, exact", async () => {
    const table = await open({
      declared: {
        id: "VARCHAR",
        big: "BIGINT",
        huge: "HUGEINT",
        s: "EPOCH_S",
        ms: "EPOCH_MS",
        us: "EPOCH_US",
        at: "TIMESTAMP",
        user: { id: "BIGINT", tags: ["VARCHAR"], any: "JSON" },
        list: [{ x: "DOUBLE" }],
        any: "JSON",
      },
    });
    const info = (await engine.catalog()).find((entry) => entry.name === table.name);
    deepEqual(
      info?.columns.slice(0, 10).map((column) => column.sqlType),
      [
        "VARCHAR",
        "BIGINT",
        "HUGEINT",
        "TIMESTAMP",
        "TIMESTAMP",
        "TIMESTAMP",
        "TIMESTAMP",
        'STRUCT(id BIGINT, tags VARCHAR[], "any" JSON)',
        "STRUCT(x DOUBLE)[]",
        "JSON",
      ],
    );
    await write(
      table,
      ...values(
        '{"id":"a","big":9007199254740993,"huge":170141183460469231731687303715884105727,"s":1700000000.25,"ms":1700000000123,"us":1700000000123456,"at":"2026-01-31T09:30:00Z","user":{"tags":["x",null],"id":9007199254740993,"more":1,"any":{"y":[1]}},"list":[{"x":1},{"x":2.5},null],"any":2.50,"other":1}',
        "{}",
      ),
    );
    deepEqual(await reasons(table), []);
    deepEqual(
      await rows(
        `SELECT id, big, huge, s, ms, us, "at", "user".id, "user".tags, list[2].x, "any" FROM ${table.name} ORDER BY _offset`,
      ),
      [
        [
          "a",
          9007199254740993n,
          170141183460469231731687303715884105727n,
          1_700_000_000_250,
          1_700_000_000_123,
          1_700_000_000_123.456,
          Date.parse("2026-01-31T09:30:00Z"),
          9007199254740993n,
          ["x", null],
          2.5,
          "2.50",
        ],
        [null, null, null, null, null, null, null, null, null, null, null],
      ],
    );
  });

  const misfits: ReadonlyArray<readonly [DeclaredSchema, string, RegExp]> = [
    [{ n: "BIGINT" }, '{"n":1.5}', /^schema: n is the number 1\.5, not BIGINT$/],
    [{ n: "BIGINT" }, '{"n":9223372036854775808}', /^schema: n is the number 9223372036854775808, not BIGINT$/],
    [{ n: "BIGINT" }, '{"n":"1"}', /^schema: n is the text "1", not BIGINT$/],
    [{ n: "VARCHAR" }, '{"n":1}', /^schema: n is the number 1, not VARCHAR$/],
    [{ n: "BOOLEAN" }, '{"n":{}}', /^schema: n is an object, not BOOLEAN$/],
    [{ n: "DOUBLE" }, '{"n":9007199254740993}', /^schema: n is the number 9007199254740993, not DOUBLE$/],
    [{ n: "TIMESTAMP" }, '{"n":"soon"}', /^schema: n is the text "soon", not a TIMESTAMP such as/],
    [{ n: "EPOCH_MS" }, '{"n":-1}', /^schema: n is the number -1, which as EPOCH_MS is no instant/],
    [{ n: "EPOCH_S" }, '{"n":1700000000123}', /which as EPOCH_S is no instant/],
    [{ n: "EPOCH_MS" }, '{"n":"1700000000123"}', /^schema: n is the text "1700000000123", not EPOCH_MS, a number$/],
    [{ n: { a: "BIGINT" } }, '{"n":{"a":[1]}}', /^schema: n\.a is a list, not BIGINT$/],
    [{ n: { a: "BIGINT" } }, '{"n":{"a":1,"a":2}}', /^schema: n\.a occurs twice$/],
    [
      { n: [{ a: ["VARCHAR"] }] },
      '{"n":[{"a":["x"]},{"a":[{}]}]}',
      /^schema: n\[1\]\.a\[0\] is an object, not VARCHAR$/,
    ],
    [{ n: ["BIGINT"] }, '{"n":{"a":1}}', /^schema: n is an object, not BIGINT\[\]$/],
  ];
  for (const [declared, record, reason] of misfits) {
    it(`rejects ${record} where ${JSON.stringify(declared)} is declared`, async () => {
      const table = await open({ declared });
      await write(table, ...values(record));
      deepEqual(table.counts().rows, 0);
      match(String((await reasons(table))[0]), reason);
    });
  }

  it("reads csv by its schema, and without one by what the cells are", async () => {
    const table = await open({
      format: { csv: { delimiter: ";" } },
      declared: { id: "VARCHAR", n: "BIGINT", x: "DOUBLE", ok: "BOOLEAN", at: "EPOCH_MS", note: "JSON" },
    });
    await write(
      table,
      ...values(
        "007;9007199254740993;1.5;TRUE;1700000000123;{}",
        '"a ""b"";\nc";;;;;\r\n',
        "x;1;2",
        "x;1.5;1;true;1;1",
        'a;1;1;true;1;"',
        Buffer.from([0xff]),
        null,
      ),
    );
    deepEqual(await rows(`SELECT id, n, x, ok, "at", note, _offset FROM ${table.name} ORDER BY _offset`), [
      ["007", 9007199254740993n, 1.5, true, 1_700_000_000_123, "{}", 0n],
      ['a "b";\nc', null, null, null, null, null, 1n],
    ]);
    const [cells, fraction, quote, utf8] = await reasons(table);
    equal(cells, "3 cells, where the schema has 6 columns");
    equal(fraction, "schema: n is the number 1.5, not BIGINT");
    match(String(quote), /^not valid CSV: /);
    equal(utf8, "not valid UTF-8");
    const inferred = await open({ format: "csv" });
    await write(inferred, ...values("1,one,01", "2,two,02,more"));
    deepEqual(await rows(`SELECT column1, column2, column3, column4 FROM ${inferred.name} ORDER BY _offset`), [
      [1n, "one", "01", null],
      [2n, "two", "02", "more"],
    ]);
  });

  it("keeps raw values to the byte", async () => {
    const table = await open({ format: "raw" });
    await write(table, ...values(Buffer.from([0, 255]), "", null));
    deepEqual(await rows(`SELECT value FROM ${table.name} ORDER BY _offset`), [
      [Uint8Array.of(0, 255)],
      [new Uint8Array()],
    ]);
    equal(table.counts().tombstones, 1);
  });

  it("decodes rejected records again after the schema is corrected: rows in, errors out", async () => {
    const name = "corrected";
    const first = await open({ name, declared: { n: "BIGINT", keep: "VARCHAR" } });
    const headers = [{ key: "trace", value: Buffer.from([7]) }];
    await write(
      first,
      { value: '{"n":1,"keep":"a"}' },
      { value: '{"n":1.5,"keep":"b"}', key: "k", timestampMs: 1_700_000_000_123n, headers },
      { value: '{"n":"x","keep":"c"}' },
      { value: '{"n":2,"keep":"d"}' },
    );
    deepEqual(await first.retryErrors(), { tried: 2, rows: 0, rejected: 2 });
    deepEqual(first.counts(), { rows: 2, rejected: 2, tombstones: 0, retired: 0 });
    await engine.closeStreamTable(name);
    const second = await open({ name, declared: { n: "DOUBLE", keep: "VARCHAR" } });
    deepEqual(second.notices, ["column n is DOUBLE now; earlier values (BIGINT) that are none are NULL"]);
    deepEqual(await second.retryErrors(), { tried: 2, rows: 1, rejected: 1 });
    deepEqual(await rows(`SELECT n, keep, _offset, _key, _timestamp FROM ${name} ORDER BY _offset`), [
      [1, "a", 0n, null, 1_700_000_000_000],
      [1.5, "b", 1n, "k", 1_700_000_000_123],
      [2, "d", 3n, null, 1_700_000_000_000],
    ]);
    deepEqual(await rows(`SELECT map_keys(_headers) FROM ${name} WHERE _offset = 1`), [[["trace"]]]);
    deepEqual(await rows(`SELECT reason, _offset FROM ${name}_errors`), [
      ['schema: n is the text "x", not DOUBLE', 2n],
    ]);
    deepEqual(second.counts(), { rows: 3, rejected: 1, tombstones: 0, retired: 0 });
    equal((await second.storedOffsets("tweets")).get(0), 4n);
    await engine.closeStreamTable(name);
    const third = await open({ name });
    deepEqual(await third.retryErrors(), { tried: 1, rows: 1, rejected: 0 });
    deepEqual(await rows(`SELECT n FROM ${name} ORDER BY _offset`), [["1"], ["1.5"], ["x"], ["2"]]);
  });

  it("shows the last row of each key, none where it is gone, through retention", async () => {
    const table = await open({ mode: "upsert", keep: { rows: 400 } });
    const last = new Map<string, number>();
    for (let round = 0; round < 40; round++) {
      const records = Array.from({ length: 50 }, (_, index): TestRecord => {
        const key = `k${(index * 7 + round * 3) % 120}`;
        const gone = (index + round) % 5 === 0;
        if (gone) last.delete(key);
        else last.set(key, round * 100 + index);
        return gone ? { key, value: null } : { key, value: `{"n":${round * 100 + index}}` };
      });
      await write(table, ...records);
      const expected = [...last].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, n]) => [key, BigInt(n)]);
      deepEqual(await rows(`SELECT _key, n FROM ${table.name} ORDER BY _key`), expected);
    }
    equal(table.counts().tombstones, 400);
    equal(table.counts().rows + table.counts().retired, 2_000);
    await write(table, { value: '{"n":1}' }, { key: "k1", value: "{" }, { key: "k1", value: '{"n":7}' });
    deepEqual(await reasons(table), [
      'no key, which mode "upsert" needs',
      "not valid JSON at byte 1: a field name should stand here",
    ]);
    deepEqual(await table.retryErrors(), { tried: 2, rows: 0, rejected: 2 });
    deepEqual(await rows(`SELECT n FROM ${table.name} WHERE _key = 'k1'`), [[7n]]);
  });
});
