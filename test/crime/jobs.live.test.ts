/**
 * The two jobs on real servers, against the producer's ledger: every acknowledged crime is one point, whatever is killed
 * and however often it is written; the map has each of them in its square; a dashboard's questions get these answers.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../scripts/components/free-ports.js";
import { ensureInfluxdb, type Influxdb as InfluxdbServer, startInfluxdb } from "../../scripts/components/influxdb.js";
import { type KafkaCluster, startKafka } from "../../scripts/components/kafka.js";
import { ensureS3, type S3Server, startS3 } from "../../scripts/components/s3proxy.js";
import { quietCell } from "../../src/cells/console-cell.js";
import { readConfig } from "../../src/config.js";
import { type Crime, encodeCrime, readCrime } from "../../src/crime/crime.js";
import { generateRow, portalFile } from "../../src/crime/crime-generator.js";
import { gridDegrees, type HeatMap } from "../../src/crime/heat-map.js";
import { writeHeatMap } from "../../src/crime/offline.js";
import { type OnlineProgress, writeOnline } from "../../src/crime/online.js";
import { postCrimes } from "../../src/crime/post-crimes.js";
import { openTidetable } from "../../src/session.js";
import { Influxdb } from "../../src/sinks/influxdb.js";
import { Bucket } from "../../src/sinks/s3.js";
import { openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import { KafkaRecordSource } from "../../src/streaming/kafka/record-source.js";
import { requireComponent } from "../support/require-component.js";
import { startTogether } from "../support/start-together.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const count = 20_000;
const noCrimes = 7;
/** With one whose kind cannot be a tag of InfluxDB, and which has no key. */
const badCount = noCrimes + 1;
const nowMs = Date.UTC(2026, 10, 30, 12);
const never = new AbortController().signal;
const bounds = { timeoutMs: 20_000, signal: never };

const crimes: readonly Crime[] = Array.from({ length: count }, (_, index) => {
  const crime = readCrime(generateRow(3, index, nowMs));
  ok(!("refused" in crime));
  return crime;
});

function counted<Key>(keys: Iterable<Key>): ReadonlyMap<Key, number> {
  const counts = new Map<Key, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

describe("the two jobs of Chicago crime", function () {
  this.timeout(120_000);
  let kafka: KafkaCluster;
  let influxdbServer: InfluxdbServer;
  let s3: S3Server;
  const folder = temporaryFolder("crime-jobs");

  before(async function () {
    await requireComponent(this, async () => {
      await ensureInfluxdb();
      await ensureS3();
    });
    [kafka, influxdbServer, s3] = await requireComponent(this, () =>
      startTogether([startKafka({ nodes: 1 }), startInfluxdb(), startS3()] as const),
    );
  });
  after(async () => {
    await Promise.all([kafka?.stop(), influxdbServer?.stop(), s3?.stop()]);
    folder.remove();
  });

  const influxdb = () => new Influxdb({ url: influxdbServer.url, database: "chicago" });
  const online = (changes: { readonly onProgress?: (progress: OnlineProgress) => void } = {}) =>
    writeOnline({
      source: new KafkaRecordSource({ brokers: kafka.bootstrap }),
      topic: "crimes",
      influxdb: influxdb(),
      untilLatest: true,
      signal: never,
      ...changes,
    });
  const pointsByType = async () => {
    const series = await influxdb().query('SELECT sum("count") AS n FROM "crimes" GROUP BY "type"', {}, bounds);
    return new Map(series.map(({ tags, rows }) => [tags.type, Number(rows[0]?.n)]));
  };

  it("are given every crime by the producer, with what it refuses said", async () => {
    const iterator = async function* () {
      yield { refused: "a row that is none" };
      yield* crimes;
    };
    const outcome = await postCrimes({
      connection: { brokers: kafka.bootstrap },
      topic: "crimes",
      crimes: iterator(),
      count: Number.MAX_SAFE_INTEGER,
      ratePerSecond: 1_000_000,
      signal: never,
    });
    deepEqual(outcome, { acknowledged: count, failed: 0, refused: 1, lastReason: "a row that is none" });
    const producer = await openKafkaProducer({ brokers: kafka.bootstrap });
    try {
      const bad = Array.from({ length: noCrimes }, (_, index) => ({ key: null, value: `no crime ${index}` }));
      const hostileCrime = JSON.parse(encodeCrime(crimes[0] as Crime)) as object;
      const hostile = { key: null, value: JSON.stringify({ ...hostileCrime, primary_type: "A\nB\\" }) };
      await producer.produceAll("crimes", [...bad, hostile]);
    } finally {
      await producer.close();
    }
  });

  it("write each crime as one point, though InfluxDB is killed in the middle and the job begins anew", async () => {
    let writes = 0;
    let killed: Promise<void> | undefined;
    const progress = await online({
      onProgress: () => {
        writes += 1;
        if (writes === 2) killed = influxdbServer.kill().then(() => influxdbServer.start());
      },
    });
    ok(killed !== undefined, "it was never killed");
    await killed;
    deepEqual([progress.points, progress.rejected, progress.dropped, progress.lag], [count, badCount, 0, 0n]);
    deepEqual(await pointsByType(), counted(crimes.map(({ primaryType }) => primaryType)));

    // Nothing is left to read: the offsets are where the points are.
    const again = await online();
    deepEqual([again.points, again.rejected], [0, 0]);
    // All of it once more, as after a lost position: nothing is doubled.
    await influxdb().query('DROP SERIES FROM "offsets"', {}, bounds);
    equal((await online()).points, count);
    deepEqual(await pointsByType(), counted(crimes.map(({ primaryType }) => primaryType)));
  });

  it("answer what the dashboard asks", async () => {
    const dashboard = JSON.parse(readFileSync("deploy/grafana/dashboards/chicago-crime.json", "utf8")) as {
      readonly panels: ReadonlyArray<{
        readonly id: number;
        readonly title: string;
        readonly gridPos: Readonly<Record<"x" | "y" | "w" | "h", number>>;
        readonly targets: ReadonlyArray<{ readonly query: string; readonly datasource: { readonly uid: string } }>;
      }>;
    };
    equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
    const source = readFileSync("deploy/grafana/provisioning/datasources/influxdb.yaml", "utf8");
    const answers = new Map<string, readonly Readonly<Record<string, unknown>>[]>();
    for (const { title, targets } of dashboard.panels) {
      for (const { query, datasource } of targets) {
        match(source, new RegExp(`uid: ${datasource.uid}\\n`));
        const text = query
          .replaceAll("$timeFilter", `time > ${nowMs - 30 * 86_400_000}ms AND time <= ${nowMs + 1000}ms`)
          .replaceAll("$__interval", "1h");
        ok(!text.includes("$"), text);
        const series = await influxdb().query(text, {}, bounds);
        answers.set(
          title,
          series.flatMap(({ tags, rows }) => rows.map((row) => ({ ...tags, ...row }))),
        );
      }
    }
    const sum = (title: string, column: string) =>
      (answers.get(title) ?? []).reduce((total, row) => total + Number(row[column] ?? 0), 0);
    equal(sum("Crimes", "sum"), count);
    equal(sum("With an arrest", "sum"), crimes.filter(({ arrest }) => arrest).length);
    equal(sum("By kind", "sum"), count);
    equal(sum("By district", "crimes"), count);
    equal(answers.get("Where, the newest")?.length, 2_000);
    const panels = dashboard.panels.map(({ gridPos }) => gridPos);
    const overlap = panels.some((a, index) =>
      panels.slice(index + 1).some((b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h),
    );
    ok(!overlap, "two panels lie on each other");
  });

  it("put every crime into its square, and the same records make the same bytes", async () => {
    const { url, accessKeyId, secretAccessKey } = s3;
    const bucket = new Bucket({
      endpoint: url,
      bucket: "crime-maps",
      region: "us-east-1",
      accessKeyId,
      secretAccessKey,
    });
    const make = async () => {
      const session = openTidetable({
        config: readConfig({ KAFKA_BROKERS: kafka.bootstrap.join(","), TIDETABLE_DATA: folder.path }, folder.path),
        currentCell: () => quietCell(),
        workingDirectory: folder.path,
      });
      try {
        return await writeHeatMap({
          library: session.library,
          topic: "crimes",
          bucket,
          prefix: "maps/",
          signal: never,
        });
      } finally {
        await session.close();
      }
    };
    const object = async (key: string) => Buffer.from((await bucket.get(key, bounds)) ?? []).toString();

    const { rejected } = await make();
    equal(rejected, badCount);
    const [cells, page] = [await object("maps/cells.json"), await object("maps/index.html")];
    const map = JSON.parse(cells) as HeatMap;
    const placed = crimes.flatMap(({ place, arrest }) => (place === undefined ? [] : [{ ...place, arrest }]));
    deepEqual([map.crimes, map.withoutPlace], [count, count - placed.length]);
    const square = ({ latitude, longitude }: { readonly latitude: number; readonly longitude: number }) =>
      `${Math.floor(latitude / gridDegrees.latitude)} ${Math.floor(longitude / gridDegrees.longitude)}`;
    const all = map.layers[0]?.squares ?? [];
    deepEqual(new Map(all.map(([row, column, crimes]) => [`${row} ${column}`, crimes])), counted(placed.map(square)));
    equal(
      all.reduce((total, [, , , arrests]) => total + arrests, 0),
      placed.filter(({ arrest }) => arrest).length,
    );
    equal(
      page.match(/<rect /g)?.length,
      map.layers.reduce((total, { squares }) => total + squares.length, 0),
    );

    await make();
    deepEqual([await object("maps/cells.json"), await object("maps/index.html")], [cells, page]);
    deepEqual(await bucket.list("", bounds), ["maps/cells.json", "maps/index.html"]);

    const link = await bucket.signedUrl("maps/index.html", 60);
    const answer = await fetch(link, { signal: AbortSignal.timeout(10_000) });
    equal(answer.status, 200);
    match(answer.headers.get("content-type") ?? "", /^text\/html; ?charset=utf-8$/);
    equal(await answer.text(), page);
    ok(!link.includes(secretAccessKey));
    equal((await fetch(link.replace("index.html", "cells.json"))).status, 403);
  });

  it("are commands that say what they did, or what is missing", async () => {
    const database = "by_command";
    const file = join(folder.path, "Crimes.csv");
    writeFileSync(file, portalFile(Array.from({ length: 300 }, (_, index) => generateRow(5, index, nowMs))));
    const { url, accessKeyId, secretAccessKey } = s3;
    const environment = {
      KAFKA_BROKERS: kafka.bootstrap.join(","),
      INFLUXDB_URL: influxdbServer.url,
      S3_ENDPOINT: url,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    };
    const run = (command: string, changes: NodeJS.ProcessEnv = {}, interruptAfterMs = 60_000) =>
      new Promise<string>((ended) => {
        const env = { ...process.env, ...environment, ...changes };
        const child = execFile(
          process.execPath,
          ["dist/cli.js", ...command.split(" ")],
          { env },
          (error, out, said) => {
            clearTimeout(interrupting);
            ended(`${error?.code ?? 0} ${out}${said}`);
          },
        );
        const interrupting = setTimeout(() => child.kill("SIGINT"), interruptAfterMs);
      });
    match(await run(`post-crimes --topic few --lines ${file}`), /^0 300 crimes acknowledged by few in /);
    match(
      await run(`crimes online --topic few --database ${database} --until latest`),
      /^0 300 points written, 0 records were no crime/,
    );
    match(
      await run("crimes offline --topic few --bucket by-command"),
      /^0 300 crimes \(\d+ without a place\) are index\.html and cells\.json of bucket by-command/,
    );
    match(await run("crimes online", { INFLUXDB_URL: "" }), /^1 INFLUXDB_URL is not set/);
    match(
      await run("crimes online", { INFLUXDB_URL: "127.0.0.1:8086" }),
      /^1 "127\.0\.0\.1:8086" is no address of InfluxDB/,
    );
    match(await run("crimes offline", { AWS_SECRET_ACCESS_KEY: "" }), /^1 AWS_SECRET_ACCESS_KEY is not set/);
    match(
      await run("crimes offline --topic few", { AWS_SECRET_ACCESS_KEY: "wrong" }),
      /^1 The S3 at .* the secret is not that/,
    );
    match(await run("crimes online --topic fwe --until latest"), /^1 .*fwe.*\bfew\b/s);
    const nobody = `http://127.0.0.1:${await freePort()}`;
    match(
      await run("crimes online", { INFLUXDB_URL: nobody }, 2_000),
      /^0 Stopped; nothing was written\..*127\.0\.0\.1:\d+: connect ECONNREFUSED.*; trying again/s,
    );
    match(await run("post-crimes --lines none.csv"), /^1 .*none\.csv cannot be read as CSV: ENOENT/);
  });
});
