/**
 * The offline job: reads a topic to the end that it has now, counts its crimes by square of a grid in SQL, and puts the
 * counts and a page with the map into a bucket. The same records make the same bytes: nothing in them is of the day they
 * were made on.
 */
import type { CellLibrary, StreamHandle } from "../cells/library.js";
import { TidetableError } from "../errors.js";
import type { Bucket } from "../sinks/s3.js";
import { gridDegrees, type HeatMap, type HeatMapLayer, heatMapPage, land, type Square } from "./heat-map.js";

export interface OfflineOptions {
  readonly library: Pick<CellLibrary, "stream" | "sql">;
  readonly topic: string;
  readonly bucket: Bucket;
  /** Before the names of what is written: `chicago-crime/`. */
  readonly prefix: string;
  readonly signal: AbortSignal;
  /** How far it is, a line each. */
  readonly onProgress?: (line: string) => void;
}

export interface OfflineOutcome {
  readonly map: HeatMap;
  readonly pageKey: string;
  readonly cellsKey: string;
  /** Records that are no crime. */
  readonly rejected: number;
}

const writeTimeoutMs = 60_000;
/** The table keeps the newest so many; the whole data set of the city has eight million. */
const keptMax = 50_000_000;
/** Kinds with a map of their own. */
const kindsMax = 8;

/** @throws TidetableError of the stream, the engine or the bucket; SQL_INVALID where the topic holds no crimes. */
export async function writeHeatMap(options: OfflineOptions): Promise<OfflineOutcome> {
  const { library, topic, bucket, prefix, signal, onProgress = () => {} } = options;
  await bucket.open({ timeoutMs: writeTimeoutMs, signal });
  const stream = await library.stream("crimes", { topic, until: "latest", mode: "upsert", keep: { rows: keptMax } });
  onProgress(`reading ${topic} to its end`);
  const { rejected, partitions } = await stream.caughtUp();
  const map = await countSquares(library.sql, partitions, topic);
  if (map.crimes >= keptMax) {
    const most = keptMax.toLocaleString("en");
    throw new TidetableError("RESULT_TOO_LARGE", `Topic ${topic} has ${most} crimes or more, too many for one map.`);
  }
  onProgress(`${map.crimes.toLocaleString("en")} crimes counted`);
  await stream.stop();

  const cellsKey = `${prefix}cells.json`;
  const pageKey = `${prefix}index.html`;
  const bounds = { timeoutMs: writeTimeoutMs, signal };
  // The page last: who opens it finds the counts that it was made of.
  await bucket.put(cellsKey, `${JSON.stringify(map)}\n`, "application/json", bounds);
  await bucket.put(pageKey, heatMapPage(map), "text/html; charset=utf-8", bounds);
  return { map, pageKey, cellsKey, rejected };
}

interface Counted {
  /** Row and column in the grid. */
  readonly y: number;
  readonly x: number;
  readonly crimes: bigint;
  readonly arrests: bigint;
}

async function countSquares(
  sql: CellLibrary["sql"],
  partitions: Awaited<ReturnType<StreamHandle["status"]>>["partitions"],
  topic: string,
): Promise<HeatMap> {
  const isPlaced = sql`latitude BETWEEN ${land.south} AND ${land.north} AND longitude BETWEEN ${land.west} AND ${land.east}`;
  // Once over all rows; the maps are made of the squares.
  await sql`
    CREATE OR REPLACE TABLE squares AS
    SELECT primary_type AS kind,
      CASE WHEN ${isPlaced} THEN floor(latitude / ${gridDegrees.latitude})::INTEGER END AS y,
      CASE WHEN ${isPlaced} THEN floor(longitude / ${gridDegrees.longitude})::INTEGER END AS x,
      count(*) AS crimes, count(*) FILTER (WHERE arrest) AS arrests, min(date) AS first, max(date) AS last
    FROM crimes
    GROUP BY ALL`;
  const totals = await sql<{ crimes: bigint; placed: bigint; first: Date | null; last: Date | null }>`
    SELECT coalesce(sum(crimes), 0)::BIGINT AS crimes, coalesce(sum(crimes) FILTER (WHERE y IS NOT NULL), 0)::BIGINT AS placed,
      min(first) AS first, max(last) AS last
    FROM squares`;
  const total = totals.at(0);
  if (total === undefined || total.crimes === 0n) {
    throw new TidetableError("SQL_INVALID", `Topic ${topic} holds no crimes, so there is nothing to map.`);
  }
  const kinds = await sql<{ kind: string }>`
    SELECT kind FROM squares WHERE y IS NOT NULL GROUP BY kind ORDER BY sum(crimes) DESC, kind LIMIT ${kindsMax}`;
  const layers: HeatMapLayer[] = [{ name: "All", squares: await squares(sql, undefined) }];
  for (const { kind } of kinds) layers.push({ name: kind, squares: await squares(sql, kind) });
  return {
    topic,
    offsets: Object.fromEntries(partitions.map(({ partition, nextOffset }) => [partition, String(nextOffset)])),
    crimes: Number(total.crimes),
    withoutPlace: Number(total.crimes - total.placed),
    firstAtMs: total.first?.getTime() ?? 0,
    lastAtMs: total.last?.getTime() ?? 0,
    gridDegrees,
    layers,
  };
}

async function squares(sql: CellLibrary["sql"], kind: string | undefined): Promise<readonly Square[]> {
  const rows = await sql<Counted>`
    SELECT y, x, sum(crimes)::BIGINT AS crimes, sum(arrests)::BIGINT AS arrests
    FROM squares
    WHERE y IS NOT NULL AND (kind = ${kind ?? ""} OR ${kind === undefined})
    GROUP BY 1, 2 ORDER BY 1, 2`;
  if (rows.length < rows.totalRowCount) {
    throw new TidetableError("RESULT_TOO_LARGE", `The map has ${rows.totalRowCount} squares, too many for one page.`);
  }
  return rows.map(({ y, x, crimes, arrests }) => [y, x, Number(crimes), Number(arrests)] as const);
}
