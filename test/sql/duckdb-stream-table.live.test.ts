import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { TidetableError } from "../../src/errors.js";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import type { DuckDbStreamTable } from "../../src/sql/duckdb/stream-table.js";
import { type Column, cellValue } from "../../src/sql/schema.js";
import type { Retention } from "../../src/sql/sql-engine.js";
import { recordBatch, type TestRecord, values } from "../support/record-batches.js";
import { type Random, seededRandom, testSeed } from "../support/seeded-random.js";

describe("a stream table in DuckDB", () => {
  let engine: DuckDbEngine;
  let tables = 0;

  before(async () => {
    engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
  });
  after(() => engine.close());

  function open(options: { format?: "json" | "text"; keep?: Retention } = {}): Promise<DuckDbStreamTable> {
    const { format = "json", keep = { rows: 1_000_000 } } = options;
    tables += 1;
    return engine.openStreamTable({ name: `t${tables}`, format, keep });
  }

  async function rows(text: string): Promise<unknown[][]> {
    const result = await engine.query({ text, parameters: [], rowLimit: 100_000 }, new AbortController().signal);
    return Array.from({ length: result.rowCount }, (_, row) => result.columns.map((column) => cellValue(column, row)));
  }

  async function column(text: string): Promise<Column> {
    const result = await engine.query({ text, parameters: [], rowLimit: 100_000 }, new AbortController().signal);
    return result.columns[0] as Column;
  }

  async function write(table: DuckDbStreamTable, ...texts: readonly string[]): Promise<void> {
    const firstOffset = (await table.storedOffsets("tweets")).get(0) ?? 0n;
    await table.write(recordBatch(values(...texts), { firstOffset }));
  }

  it("has the record's fields in their order, then the metadata", async () => {
    const table = await open();
    const outcome = await table.write(
      recordBatch([
        {
          value: '{"handle":"hamlet","content":"words","likes":3,"at":"2026-01-31T09:30:00.125Z","user":{"id":1.50}}',
          key: "hamlet",
          timestampMs: 1_700_000_000_123n,
          headers: [
            { key: "trace", value: Buffer.from([1, 255]) },
            { key: "constructor", value: null },
            { key: "trace", value: Buffer.from([2]) },
          ],
        },
        { value: '{"handle":"ophelia"}', key: Buffer.from([0xff, 0x61]), timestampMs: -1n },
      ]),
    );
    deepEqual(outcome, { rows: 2, rejected: 0, tombstones: 0 });
    const info = (await engine.catalog()).find((entry) => entry.name === table.name);
    deepEqual(info?.columns, [
      { name: "handle", sqlType: "VARCHAR" },
      { name: "content", sqlType: "VARCHAR" },
      { name: "likes", sqlType: "BIGINT" },
      { name: "at", sqlType: "TIMESTAMP" },
      { name: "user", sqlType: "JSON" },
      { name: "_topic", sqlType: "VARCHAR" },
      { name: "_partition", sqlType: "INTEGER" },
      { name: "_offset", sqlType: "BIGINT" },
      { name: "_timestamp", sqlType: "TIMESTAMP" },
      { name: "_key", sqlType: "VARCHAR" },
      { name: "_headers", sqlType: "MAP(VARCHAR, BLOB)" },
    ]);
    const [first, second] = await rows(`SELECT * FROM ${table.name} ORDER BY _offset`);
    const headers = Object.assign(Object.create(null), { trace: Uint8Array.of(2), constructor: null });
    deepEqual(first, [
      "hamlet",
      "words",
      3n,
      Date.parse("2026-01-31T09:30:00.125Z"),
      '{"id":1.50}',
      "tweets",
      0,
      0n,
      1_700_000_000_123,
      "hamlet",
      headers,
    ]);
    deepEqual(second?.slice(5), ["tweets", 0, 1n, null, "\\xFF\\x61", null]);
  });

  it("keeps what a rejected record was, to the byte", async () => {
    const table = await open();
    const bad = ["{", "[1]", Buffer.from([0, 255, 10, 123]), '{"a":1,"a":2}', "x".repeat(70_000)];
    const outcome = await table.write(recordBatch(values('{"a":1}', ...bad, null)));
    deepEqual(outcome, { rows: 1, rejected: 5, tombstones: 1 });
    const errors = await rows(
      `SELECT raw, reason, _topic, _partition, _offset, received FROM ${table.name}_errors ORDER BY _offset`,
    );
    deepEqual(
      errors.map((row) => Buffer.from(row[0] as Uint8Array)),
      bad.map((raw) => Buffer.from(raw)),
    );
    deepEqual(
      errors.map((row) => row[4]),
      [1n, 2n, 3n, 4n, 5n],
    );
    match(String(errors[3]?.[1]), /the field "a" occurs twice/);
    ok(Math.abs(Number(errors[0]?.[5]) - Date.now()) < 60_000);
    deepEqual(table.counts(), { rows: 1, rejected: 5, tombstones: 1, retired: 0 });
  });

  it("widens its columns and says so", async () => {
    const table = await open();
    await write(table, '{"n":1,"big":9007199254740993,"when":"2026-01-31T09:30:00.120Z","flag":true}');
    await write(table, '{"n":1.5,"big":0.5,"when":"soon","flag":"yes","extra":[1, 2.50]}');
    deepEqual(table.notices, [
      "column n went from integer to double",
      "column big is text now, because its values are of several types",
      "column when went from timestamp to text",
      "column flag is text now, because its values are of several types",
      "new column extra",
    ]);
    deepEqual(await rows(`SELECT n, big, "when", flag, extra FROM ${table.name} ORDER BY _offset`), [
      [1, "9007199254740993", "2026-01-31T09:30:00.120Z", "true", null],
      [1.5, "0.5", "soon", "yes", "[1, 2.50]"],
    ]);
  });

  it("widens over generations that stay behind", async () => {
    const table = await open();
    const many = Array.from({ length: 25_000 }, (_, index) => `{"n":${index}}`);
    await write(table, ...many);
    await write(table, '{"n":0.5,"late":"x"}');
    deepEqual(await rows(`SELECT count(*), sum(n), count(late), max(_offset) FROM ${table.name}`), [
      [25_001n, 312_487_500.5, 1n, 25_000n],
    ]);
  });

  it("skips what is stored already, to the record", async () => {
    const table = await open();
    const batch = recordBatch(values('{"a":1}', '{"a":2}', '{"a":3}'));
    await table.write(recordBatch(values('{"a":1}', '{"a":2}')));
    deepEqual(await table.write(batch), { rows: 1, rejected: 0, tombstones: 0 });
    deepEqual(await table.write(batch), { rows: 0, rejected: 0, tombstones: 0 });
    deepEqual(await rows(`SELECT a, _offset FROM ${table.name} ORDER BY _offset`), [
      [1n, 0n],
      [2n, 1n],
      [3n, 2n],
    ]);
    deepEqual(await table.storedOffsets("tweets"), new Map([[0, 3n]]));
  });

  it("stores offsets with gaps, and a position past the last record", async () => {
    const table = await open();
    const records: TestRecord[] = [
      { value: '{"a":1}', offset: 5n },
      { value: '{"a":2}', offset: 9n },
    ];
    await table.write({ ...recordBatch(records), nextOffset: 20n });
    deepEqual(await rows(`SELECT a, _offset FROM ${table.name} ORDER BY 2`), [
      [1n, 5n],
      [2n, 9n],
    ]);
    equal((await table.storedOffsets("tweets")).get(0), 20n);
  });

  it("stores nothing of a batch whose offset cannot be stored", async () => {
    const other = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
    try {
      const table = await other.openStreamTable({ name: "t", format: "json", keep: { rows: 1000 } });
      await table.write(recordBatch(values('{"a":1}', "bad")));
      const run = (text: string) => other.query({ text, parameters: [], rowLimit: 10 }, new AbortController().signal);
      await run("ALTER TABLE tidetable_internal.offsets RENAME next_offset TO elsewhere");
      const more = recordBatch(values('{"a":2}', "worse"), { firstOffset: 2n });
      await rejects(table.write(more), (error: TidetableError) => {
        equal(error.code, "STREAM_FAILED");
        match(
          error.message,
          /partition 0, records up to offset 3, could not be stored .*Nothing of the batch was kept/,
        );
        return true;
      });
      const count = async (name: string) =>
        cellValue((await run(`SELECT count(*) FROM ${name}`)).columns[0] as Column, 0);
      equal(await count("t"), 1n);
      equal(await count("t_errors"), 1n);
      deepEqual(table.counts(), { rows: 1, rejected: 1, tombstones: 0, retired: 0 });
      await run("ALTER TABLE tidetable_internal.offsets RENAME elsewhere TO next_offset");
      deepEqual(await table.write(more), { rows: 1, rejected: 1, tombstones: 0 });
      equal(await count("t"), 2n);
    } finally {
      await other.close();
    }
  });

  it("writes partitions side by side; below the safe sequence every row is there", async () => {
    const table = await open();
    const partitions = 6;
    const batches = 20;
    const text = (partition: number, index: number) => `{"p":${partition},"i":${index}}`;
    let checked = 0n;
    const writers = Array.from({ length: partitions }, async (_, partition) => {
      for (let batch = 0; batch < batches; batch++) {
        const records = Array.from({ length: 50 }, (_, row) => ({ value: text(partition, batch * 50 + row) }));
        await table.write(recordBatch(records, { partition, firstOffset: BigInt(batch * 50) }));
        const safe = table.safeSequence;
        const [[below]] = (await rows(
          `SELECT count(*) FROM tidetable_internal.${table.name}__rows WHERE _seq < ${safe}`,
        )) as [[bigint]];
        equal(below, safe);
        if (safe > checked) checked = safe;
      }
    });
    await Promise.all(writers);
    equal(checked, BigInt(partitions * batches * 50));
    deepEqual(
      await rows(`SELECT count(*), count(DISTINCT (p, i)), count(DISTINCT (_partition, _offset)) FROM ${table.name}`),
      [[6000n, 6000n, 6000n]],
    );
  });

  it("writes partitions together: rows, rejected records, sequences and offsets of each", async () => {
    const at = (partition: number, firstOffset: bigint, values: readonly string[]) =>
      recordBatch(
        values.map((value) => ({ value })),
        { partition, firstOffset },
      );
    const table = await open();
    await table.write(at(1, 0n, ['{"a":10}']));
    const outcome = await table.writeTogether([
      at(0, 5n, ['{"a":1}', "bad", '{"a":2}']),
      at(1, 0n, ['{"a":10}', '{"a":11}']),
      at(2, 7n, ["worse"]),
      at(3, 9n, ['{"a":3,"b":"new"}']),
    ]);
    deepEqual(outcome, { rows: 4, rejected: 2, tombstones: 0 });
    deepEqual(await rows(`SELECT a, b, _partition, _offset FROM ${table.name} ORDER BY _partition, _offset`), [
      [1n, null, 0, 5n],
      [2n, null, 0, 7n],
      [10n, null, 1, 0n],
      [11n, null, 1, 1n],
      [3n, "new", 3, 9n],
    ]);
    deepEqual(await rows(`SELECT _partition, _offset FROM ${table.name}_errors ORDER BY ALL`), [
      [0, 6n],
      [2, 7n],
    ]);
    deepEqual(
      await table.storedOffsets("tweets"),
      new Map([
        [1, 2n],
        [0, 8n],
        [2, 8n],
        [3, 10n],
      ]),
    );
  });

  it("lets whole generations go", async () => {
    const table = await open({ keep: { rows: 1_000 } });
    for (let batch = 0; batch < 40; batch++) {
      const records = Array.from({ length: 100 }, (_, row) => ({ value: `{"i":${batch * 100 + row}}` }));
      await table.write(recordBatch(records, { firstOffset: BigInt(batch * 100) }));
      await table.maintain(Date.now());
    }
    const { rows: kept, retired } = table.counts();
    ok(kept >= 1_000 && kept <= 1_500, `kept ${kept}`);
    equal(kept + retired, 4_000);
    deepEqual(await rows(`SELECT count(*), min(i), max(i) FROM ${table.name}`), [
      [BigInt(kept), BigInt(4_000 - kept), 3_999n],
    ]);
  });

  it("reads text", async () => {
    const table = await open({ format: "text" });
    await table.write(recordBatch(values('"quoted"', "", "äöü", Buffer.from([0xff]))));
    deepEqual(await rows(`SELECT value, _offset FROM ${table.name} ORDER BY 2`), [
      ['"quoted"', 0n],
      ["", 1n],
      ["äöü", 2n],
    ]);
  });

  it("keeps whole the records that have more fields than the table has room for", async () => {
    const table = await open();
    const wide = `{${Array.from({ length: 510 }, (_, index) => `"f${index}":${index}`).join(",")}}`;
    await write(table, wide, '{"f1":7}');
    deepEqual(await rows(`SELECT f1, f499, _rest->>'f505' FROM ${table.name} ORDER BY _offset`), [
      [1n, 499n, "505"],
      [7n, null, null],
    ]);
  });

  const seed = testSeed();
  it(`stores drifting records exactly (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    for (let round = 0; round < 6; round++) {
      const table = await open();
      const written: Drifting[] = [];
      for (let batch = 0; batch < 8; batch++) {
        const records = Array.from({ length: 1 + random.below(40) }, () => drifting(random, batch));
        const firstOffset = BigInt(written.length);
        written.push(...records);
        const outcome = await table.write(
          recordBatch(values(...records.map((record) => record.text)), { firstOffset }),
        );
        equal(outcome.rows, records.length);
      }
      for (const field of FIELDS) {
        const stored = await column(`SELECT "${field}" FROM ${table.name} ORDER BY _offset`);
        written.forEach((record, row) => {
          const expected = record.values.get(field);
          const actual = cellValue(stored, row);
          ok(holds(stored, actual, expected), `${field} of ${record.text} is ${String(actual)} in ${stored.sqlType}`);
        });
      }
    }
  });
});

const FIELDS = ["id", "Ä b", "x"];

interface Drifting {
  readonly text: string;
  /** By field, as it is written in the record. */
  readonly values: ReadonlyMap<string, string>;
}

/** Early batches are of one kind a field; later ones mix in others. */
function drifting(random: Random, batch: number): Drifting {
  const values = new Map<string, string>();
  FIELDS.forEach((field, index) => {
    if (random.chance(0.15)) return;
    values.set(
      field,
      random.chance(batch * 0.03) ? random.pick(ALL) : random.pick(KINDS[(index + batch) % (batch < 3 ? 1 : 3)] ?? ALL),
    );
  });
  const members = [...values].map(([field, value]) => `${JSON.stringify(field)}:${value}`);
  return { text: `{${members.join(" , ")}}`, values };
}

const KINDS = [
  ["0", "-1", "42", "9007199254740993", "-9223372036854775808", "null"],
  ["0.1", "-2.5e-3", "1e22", "7"],
  ['"a"', '""', '"é😀\\n\\u0000"', '"2026-01-31T09:30:00.125Z"'],
];
const ALL = [...KINDS.flat(), "true", "18446744073709551616", "1e400", "[1, 2.50]", '{"k": "v"}', '"1"'];

/** Whether a stored value says what the record said, in the column's type. */
function holds(column: Column, actual: unknown, written: string | undefined): boolean {
  if (written === undefined || written === "null") return actual === null;
  switch (column.sqlType) {
    case "BIGINT":
    case "HUGEINT":
      return actual === BigInt(written);
    case "DOUBLE":
      return actual === Number(written) && (!/^-?\d+$/.test(written) || BigInt(written) === BigInt(Number(written)));
    case "BOOLEAN":
      return String(actual) === written;
    case "TIMESTAMP":
      return actual === Date.parse(JSON.parse(written) as string);
    case "JSON":
      return actual === written;
    default:
      break;
  }
  if (written.startsWith('"')) return actual === JSON.parse(written);
  // A number that was a DOUBLE before the column became text may be spelled otherwise, but is the same number.
  return actual === written || sameNumber(String(actual), written);
}

function sameNumber(actual: string, written: string): boolean {
  if (!/^-?\d/.test(written) || Number(actual) !== Number(written)) return false;
  return !/^-?\d+$/.test(written) || BigInt(Number(actual)) === BigInt(written);
}
