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
const texts = hostileTexts(1_000, 16);

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

describe("hostile texts in points of InfluxDB", function () {
  this.timeout(60_000);
  let server: InfluxdbServer;

  before(async function () {
    await requireComponent(this, ensureInfluxdb);
    server = await startInfluxdb();
  });
  after(async () => await server?.stop());

  /** A database with every text that can be kept in this place, and which texts these are. */
  async function written(name: string): Promise<{ influxdb: Influxdb; kept: ReadonlyMap<number, string> }> {
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
    const [series] = await influxdb.query("SHOW SERIES CARDINALITY", {}, bounds);
    const seriesCount = Object.values(series?.rows[0] ?? {})[0];
    equal(seriesCount, name === "field" ? 1 : kept.size, "series");
    console.log(`      ${name}: ${kept.size} kept, ${texts.length - kept.size} refused`);
    ok(kept.size > 700);
    return { influxdb, kept };
  }

  const measurementsOf = async (influxdb: Influxdb): Promise<Set<unknown>> =>
    new Set((await influxdb.query("SHOW MEASUREMENTS", {}, bounds))[0]?.rows.map(({ name }) => name));

  it("as measurements", async () => {
    const { influxdb, kept } = await written("measurement");
    deepEqual(await measurementsOf(influxdb), new Set(kept.values()));
    const series = await influxdb.query("SELECT * FROM /.*/", {}, bounds);
    deepEqual(
      new Map(series.map(({ name, rows }) => [Number(rows[0]?.number), `${rows.length} ${name}`])),
      new Map([...kept].map(([index, text]) => [index, `1 ${text}`])),
    );
  });

  for (const name of ["tag", "field"]) {
    it(`as the value of a ${name}, and bound in a statement`, async () => {
      const { influxdb, kept } = await written(name);
      deepEqual(await measurementsOf(influxdb), new Set(["m"]));
      const [all] = await influxdb.query("SELECT * FROM m", {}, bounds);
      deepEqual(new Map(all?.rows.map(({ number, text }) => [number, text])), kept);
      for (const [index, text] of [...kept].slice(0, 300)) {
        const found = await influxdb.query("SELECT number, text FROM m WHERE text = $text", { text }, bounds);
        deepEqual(
          found.flatMap(({ rows }) => rows),
          [{ time: BigInt(index), number: index, text }],
        );
      }
      deepEqual(await measurementsOf(influxdb), new Set(["m"]));
    });
  }

  for (const [name, statement, column] of [
    ["tag name", "SHOW TAG KEYS", "tagKey"],
    ["field name", "SHOW FIELD KEYS", "fieldKey"],
  ] as const) {
    it(`as the ${name}`, async () => {
      const { influxdb, kept } = await written(name);
      const series = await influxdb.query(statement, {}, bounds);
      deepEqual(
        new Map(series.map((one) => [one.name, one.rows.map((row) => row[column])])),
        new Map([...kept].map(([index, text]) => [`m${index}`, [text]])),
      );
      const rows = await influxdb.query("SELECT * FROM m0, m1, m2, m3, m4, m5, m6, m7, m8, m9", {}, bounds);
      for (const { name: measurement, rows: found } of rows) {
        const index = Number(measurement.slice(1));
        const text = kept.get(index) as string;
        const value = name === "tag name" ? { number: index, [text]: "value" } : { [text]: index };
        const others = Object.fromEntries(Object.entries(found[0] ?? {}).filter(([, cell]) => cell !== null));
        deepEqual(others, { time: BigInt(index), ...value });
      }
    });
  }
});
