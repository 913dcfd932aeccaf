/** What every engine's stream tables do: rows, columns, rejected records, offsets, redelivery, widening, retention. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { cellValue } from "../../../src/sql/schema.js";
import type { SqlEngine, StreamTable, StreamTableDefinition } from "../../../src/sql/sql-engine.js";
import { recordBatch, values } from "../../support/record-batches.js";
import { until } from "../../support/until.js";

export function streamTableConformance(open: () => Promise<SqlEngine>): void {
  describe("stream tables", () => {
    let engine: SqlEngine;
    let tables = 0;

    before(async () => {
      engine = await open();
    });
    after(() => engine.close());

    async function openTable(options: Partial<StreamTableDefinition> = {}): Promise<StreamTable & { name: string }> {
      tables += 1;
      const name = `stream_${tables}`;
      const table = await engine.openStreamTable({ name, format: "json", keep: { rows: 1_000_000 }, ...options });
      return Object.assign(table, { name });
    }

    async function query(text: string): Promise<{ columns: string[]; rows: unknown[][] }> {
      const result = await engine.query({ text, parameters: [], rowLimit: 10_000 }, new AbortController().signal);
      return {
        columns: result.columns.map((column) => `${column.name} ${column.sqlType}`),
        rows: Array.from({ length: result.rowCount }, (_, row) =>
          result.columns.map((column) => cellValue(column, row)),
        ),
      };
    }

    async function write(table: StreamTable, ...texts: readonly string[]): Promise<void> {
      const firstOffset = (await table.storedOffsets("tweets")).get(0) ?? 0n;
      await table.write(recordBatch(values(...texts), { firstOffset }));
    }

    it("has the fields of the records in their order, then the metadata", async () => {
      const table = await openTable();
      const headers = [
        { key: "trace", value: Buffer.from([1, 255]) },
        { key: "trace", value: Buffer.from([2]) },
        { key: "empty", value: null },
      ];
      const outcome = await table.write(
        recordBatch([
          { value: '{"b":1,"a":"x","c":{"d":1.50},"e":[1,2]}', key: "k", timestampMs: 1_700_000_000_123n, headers },
          { value: '{"a":null}', key: Buffer.from([0xff, 0x61]), timestampMs: -1n },
        ]),
      );
      deepEqual(outcome, { rows: 2, rejected: 0, tombstones: 0 });
      const { columns, rows } = await query(`SELECT * FROM ${table.name} ORDER BY _offset`);
      deepEqual(columns, [
        "b BIGINT",
        "a VARCHAR",
        "c JSON",
        "e JSON",
        "_topic VARCHAR",
        "_partition INTEGER",
        "_offset BIGINT",
        "_timestamp TIMESTAMP",
        "_key VARCHAR",
        "_headers MAP(VARCHAR, BLOB)",
      ]);
      const map = Object.assign(Object.create(null), { trace: Uint8Array.of(2), empty: null });
      deepEqual(rows[0], [1n, "x", '{"d":1.50}', "[1,2]", "tweets", 0, 0n, 1_700_000_000_123, "k", map]);
      deepEqual(rows[1], [null, null, null, null, "tweets", 0, 1n, null, "\\xFF\\x61", null]);
    });

    it("keeps rejected records with their reason, to the byte", async () => {
      const table = await openTable();
      const bad = ["{", "[1]", Buffer.from([0, 255, 10, 123]), '{"a":1,"a":2}'];
      deepEqual(await table.write(recordBatch(values('{"a":1}', ...bad, null))), {
        rows: 1,
        rejected: 4,
        tombstones: 1,
      });
      const { columns, rows } = await query(`SELECT * FROM ${table.name}_errors ORDER BY _offset`);
      deepEqual(columns, [
        "raw BLOB",
        "reason VARCHAR",
        "_topic VARCHAR",
        "_partition INTEGER",
        "_offset BIGINT",
        "_timestamp TIMESTAMP",
        "_key VARCHAR",
        "_headers MAP(VARCHAR, BLOB)",
        "received TIMESTAMP",
      ]);
      deepEqual(
        rows.map((row) => Buffer.from(row[0] as Uint8Array)),
        bad.map((raw) => Buffer.from(raw)),
      );
      match(String(rows[3]?.[1]), /the field "a" occurs twice/);
      deepEqual(
        rows.map((row) => row[4]),
        [1n, 2n, 3n, 4n],
      );
      deepEqual(table.counts(), { rows: 1, rejected: 4, tombstones: 1, retired: 0 });
    });

    it("stores offsets by partition, and skips what is stored already", async () => {
      const table = await openTable();
      const batch = recordBatch(values('{"a":1}', '{"a":2}', '{"a":3}'));
      await table.write(recordBatch(values('{"a":1}', '{"a":2}')));
      deepEqual(await table.write(batch), { rows: 1, rejected: 0, tombstones: 0 });
      deepEqual(await table.write(batch), { rows: 0, rejected: 0, tombstones: 0 });
      await table.write(recordBatch(values('{"a":4}'), { partition: 2, firstOffset: 70n }));
      deepEqual(
        await table.storedOffsets("tweets"),
        new Map([
          [0, 3n],
          [2, 71n],
        ]),
      );
      deepEqual(await table.storedOffsets("others"), new Map());
      deepEqual((await query(`SELECT a, _partition FROM ${table.name} ORDER BY a`)).rows, [
        [1n, 0],
        [2n, 0],
        [3n, 0],
        [4n, 2],
      ]);
    });

    it("widens its columns without losing what is stored", async () => {
      const table = await openTable();
      await write(table, '{"n":1,"big":9007199254740993,"when":"2026-01-31T09:30:00.120Z","flag":true}');
      await write(table, '{"n":1.5,"big":0.5,"when":"soon","flag":"yes","extra":[1, 2.50]}');
      await write(table, '{"n":2,"huge":99999999999999999999}', '{"extra":"text now"}');
      const { columns, rows } = await query(
        `SELECT n, big, "when" AS w, flag, extra, huge FROM ${table.name} ORDER BY _offset`,
      );
      deepEqual(columns, ["n DOUBLE", "big VARCHAR", "w VARCHAR", "flag VARCHAR", "extra VARCHAR", "huge HUGEINT"]);
      deepEqual(rows, [
        [1, "9007199254740993", "2026-01-31T09:30:00.120Z", "true", null, null],
        [1.5, "0.5", "soon", "yes", "[1, 2.50]", null],
        [2, null, null, null, null, 99999999999999999999n],
        [null, null, null, null, "text now", null],
      ]);
    });

    it("reads text as text", async () => {
      const table = await openTable({ format: "text" });
      await table.write(recordBatch(values("plain", '{"not":"read"}', "", Buffer.from([0xff]))));
      deepEqual((await query(`SELECT value FROM ${table.name} ORDER BY _offset`)).rows, [
        ["plain"],
        ['{"not":"read"}'],
        [""],
      ]);
      equal(table.counts().rejected, 1);
    });

    it("lets the oldest rows go, and counts them", async () => {
      const table = await openTable({ keep: { rows: 100 } });
      for (let batch = 0; batch < 20; batch++) {
        await write(table, ...Array.from({ length: 20 }, (_, index) => `{"a":${batch * 20 + index}}`));
        await maintain(engine);
      }
      await until("rows have gone", async () => {
        await maintain(engine);
        return table.counts().retired > 0;
      });
      const { rows, retired } = table.counts();
      ok(rows >= 100 && rows <= 150, `${rows} rows`);
      equal(rows + retired, 400);
      const kept = (await query(`SELECT min(a), max(a), count(*) FROM ${table.name}`)).rows[0];
      deepEqual(kept, [BigInt(400 - rows), 399n, BigInt(rows)]);
    });

    it("lists its tables and columns", async () => {
      const table = await openTable();
      await write(table, '{"a":1}');
      const catalog = await engine.catalog();
      const info = catalog.find((entry) => entry.name === table.name);
      equal(info?.kind, "stream");
      deepEqual(info?.columns[0], { name: "a", sqlType: "BIGINT" });
      equal(catalog.find((entry) => entry.name === `${table.name}_errors`)?.kind, "errors");
    });

    it("answers a query from one moment while batches are written", async () => {
      const table = await openTable();
      await write(table, '{"amount":1}', '{"amount":-1}');
      const writing = (async () => {
        for (let batch = 0; batch < 50; batch++) await write(table, `{"amount":${batch}}`, `{"amount":${-batch}}`);
      })();
      for (let read = 0; read < 20; read++) {
        deepEqual((await query(`SELECT sum(amount) AS total FROM ${table.name}`)).rows, [[0n]]);
      }
      await writing;
    });

    it("names what is misspelt", async () => {
      const table = await openTable();
      await write(table, '{"handle":"hamlet"}');
      await rejects(query(`SELECT handel FROM ${table.name}`), {
        code: "SQL_INVALID",
        message: /unknown column: handel\. Did you mean "handle"\?/,
      });
      await rejects(query(`SELECT 1 FROM ${table.name}x`), {
        code: "SQL_INVALID",
        message: new RegExp(`Did you mean "${table.name}"`),
      });
    });

    it("binds values by their place, and never reads them as SQL", async () => {
      const table = await openTable();
      await write(table, '{"a":1,"s":"x"}', `{"a":2,"s":"' OR 1=1 --"}`);
      const bound = async (text: string, ...parameters: never[]) => {
        const result = await engine.query({ text, parameters, rowLimit: 10 }, new AbortController().signal);
        return Array.from({ length: result.rowCount }, (_, row) =>
          result.columns.map((column) => cellValue(column, row)),
        );
      };
      const all: readonly (readonly [string, unknown[], unknown[][]])[] = [
        [`SELECT a FROM ${table.name} WHERE s = ?`, ["' OR 1=1 --"], [[2n]]],
        [`SELECT a FROM ${table.name} WHERE a = ? AND s = ?`, [1, "x"], [[1n]]],
        [`SELECT a FROM ${table.name} WHERE a > $2 AND s = $1`, ["x", 0], [[1n]]],
        [`SELECT ? AS a, ? AS b, ? AS c`, [null, true, 1.5], [[null, true, 1.5]]],
        [`SELECT ? AS a`, [2n ** 70n], [[2n ** 70n]]],
        [`SELECT _timestamp > ? AS after FROM ${table.name} WHERE a = ?`, [new Date(0), 1], [[true]]],
        [`SELECT a FROM ${table.name} WHERE s LIKE '%' || ? || '%' LIMIT ?`, ["OR", 5], [[2n]]],
      ];
      for (const [text, parameters, expected] of all)
        deepEqual(await bound(text, ...(parameters as never[])), expected, text);
      await rejects(bound(`SELECT ? + ?`, ...([1] as never[])), {
        code: "SQL_INVALID",
        message: /2 placeholders, but 1 value is given/,
      });
    });
  });
}

/** Engines look after retention by a slow clock of whoever owns them; here that is the test. */
async function maintain(engine: SqlEngine): Promise<void> {
  if ("maintain" in engine && typeof engine.maintain === "function") await engine.maintain(Date.now());
}
