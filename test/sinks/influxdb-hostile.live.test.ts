/**
 * A thousand texts of somebody who wants a point to be another one, in each place of a point and as a bound value: what
 * InfluxDB keeps comes back equal, what it cannot keep is refused, and nothing else is made.
 */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { ensureInfluxdb, type Influxdb as InfluxdbServer, startInfluxdb } from "../../scripts/components/influxdb.js";
import { Influxdb, type InfluxdbPoint } from "../../src/sinks/influxdb.js";
import { encodePoint } from "../../src/sinks/line-protocol.js";
import { hostileTexts } from "../support/hostile-texts.js";
import { requireComponent } from "../support/require-component.js";

const never = new AbortController().signal;
const bounds = { timeoutMs: 20_000, signal: never };
/** The last ones are traps of InfluxDB's own. */
const texts = [
  ...hostileTexts(1_000, 16),
  "a#!~",
  "a#!~#b",
  "#a",
  "\ta",
  "a\r",
  "a\0b",
  "time",
  "_field",
  "name",
  "a ",
  " a",
];

/** Where a text goes; the number of the point is kept beside it. */
type Place = (text: string, index: number) => InfluxdbPoint;

const at = (given: Partial<InfluxdbPoint>, index: number): InfluxdbPoint => ({
  measurement: "m",
  tags: {},
  fields: { number: BigInt(index) },
  timestampNs: BigInt(index),
  ...given,
});

const places: Readonly<Record<string, Place>> = {
  measurement: (text, index) => at({ measurement: text }, index),
  tag: (text, index) => at({ tags: { text } }, index),
  "tag name": (text, index) => at({ measurement: `m${index}`, tags: { [text]: "value" } }, index),
  field: (text, index) => at({ fields: { text, number: BigInt(index) } }, index),
  "field name": (text, index) => at({ measurement: `m${index}`, fields: { [text]: BigInt(index) } }, index),
};

interface Written {
  readonly influxdb: Influxdb;
  readonly kept: ReadonlyMap<number, string>;
}

describe("hostile texts in points of InfluxDB", function () {
  this.timeout(60_000);
  let server: InfluxdbServer;

  before(async function () {
    await requireComponent(this, ensureInfluxdb);
    server = await startInfluxdb();
  });
  after(async () => await server?.stop());

  /** A database with every text that can be kept in this place, and which texts these are. */
  async function written(name: string): Promise<Written> {
    const place = places[name] as Place;
    const influxdb = new Influxdb({ url: server.url, database: name });
    await influxdb.open(bounds);
    const kept = new Map<number, string>();
    const points: InfluxdbPoint[] = [];
    for (const [index, text] of texts.entries()) {
      const point = place(text, index);
      if ("line" in encodePoint(point)) {
        kept.set(index, text);
        points.push(point);
      } else {
        const beside = at({ measurement: "beside" }, 0);
        await rejects(influxdb.write([beside, point], { signal: never }), { code: "SINK_REFUSED" });
      }
    }
    deepEqual(await influxdb.write(points, { signal: never }), { dropped: 0 });
    console.log(`      ${name}: ${kept.size} kept, ${texts.length - kept.size} refused`);
    ok(kept.size > 700);
    return { influxdb, kept };
  }

  const names = async (influxdb: Influxdb, statement: string, column: string): Promise<Map<string, unknown[]>> => {
    const series = await influxdb.query(statement, {}, bounds);
    return new Map(series.map(({ name, rows }) => [name, rows.map((row) => row[column])]));
  };

  /** Every series, measurement and name is one that was written, and every text is where it was. */
  const checks: Readonly<Record<string, (all: Written) => Promise<void>>> = {
    measurement: async ({ influxdb, kept }) => {
      const measurements = await names(influxdb, "SHOW MEASUREMENTS", "name");
      deepEqual(new Set(measurements.get("measurements")), new Set(kept.values()));
      const series = await influxdb.query("SELECT * FROM /.*/", {}, bounds);
      deepEqual(
        new Map(series.map(({ name, rows }) => [Number(rows[0]?.number), `${rows.length} ${name}`])),
        new Map([...kept].map(([index, text]) => [index, `1 ${text}`])),
      );
    },
    tag: checkValues,
    "tag name": async ({ influxdb, kept }) => {
      const expected = new Map([...kept].map(([index, text]) => [`m${index}`, [text]]));
      deepEqual(await names(influxdb, "SHOW TAG KEYS", "tagKey"), expected);
      deepEqual(
        await names(influxdb, "SHOW FIELD KEYS", "fieldKey"),
        new Map([...kept.keys()].map((index) => [`m${index}`, ["number"]])),
      );
    },
    field: checkValues,
    "field name": async ({ influxdb, kept }) => {
      const expected = new Map([...kept].map(([index, text]) => [`m${index}`, [text]]));
      deepEqual(await names(influxdb, "SHOW FIELD KEYS", "fieldKey"), expected);
      deepEqual(await influxdb.query("SHOW TAG KEYS", {}, bounds), []);
    },
  };

  async function checkValues({ influxdb, kept }: Written): Promise<void> {
    deepEqual((await names(influxdb, "SHOW MEASUREMENTS", "name")).get("measurements"), ["m"]);
    const [all] = await influxdb.query("SELECT * FROM m", {}, bounds);
    deepEqual(new Map(all?.rows.map(({ number, text }) => [number, text])), kept);
  }

  const databases = new Map<string, Written>();
  for (const name of Object.keys(places)) {
    it(`as the ${name}`, async () => {
      const all = await written(name);
      databases.set(name, all);
      await checks[name]?.(all);
      const [series] = await all.influxdb.query("SHOW SERIES CARDINALITY", {}, bounds);
      equal(Object.values(series?.rows[0] ?? {})[0], name === "field" ? 1 : all.kept.size, "series");
    });
  }

  for (const name of ["tag", "field"]) {
    it(`bound in a statement, beside the values of a ${name}`, async () => {
      const { influxdb, kept } = databases.get(name) as Written;
      for (const [index, text] of [...kept].slice(0, 300)) {
        const found = await influxdb.query("SELECT number, text FROM m WHERE text = $text", { text }, bounds);
        deepEqual(
          found.flatMap(({ rows }) => rows),
          [{ time: BigInt(index), number: index, text }],
        );
      }
      await checkValues({ influxdb, kept });
    });
  }

  it("the same when InfluxDB was killed and has read its files again", async () => {
    await server.kill();
    await server.start();
    for (const [name, all] of databases) await checks[name]?.(all);
  });
});
