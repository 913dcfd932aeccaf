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
/** Kinds with a map of their own. */
const kindsMax = 8;

/** @throws TidetableError of the stream, the engine or the bucket; SQL_INVALID where the topic holds no crimes. */
export async function writeHeatMap(options: OfflineOptions): Promise<OfflineOutcome> {
  const { library, topic, bucket, prefix, signal, onProgress = () => {} } = options;
  await bucket.open({ timeoutMs: writeTimeoutMs, signal });
  const stream = await library.stream("crimes", { topic, until: "latest", mode: "upsert", store: "memory" });
  onProgress(`reading ${topic} to its end`);
  const { rejected, partitions } = await stream.caughtUp();
  const map = await countSquares(library.sql, partitions, topic);
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
  readonly row: number;
  readonly column: number;
  readonly crimes: bigint;
  readonly arrests: bigint;
}

async function countSquares(
  sql: CellLibrary["sql"],
  partitions: Awaited<ReturnType<StreamHandle["status"]>>["partitions"],
  topic: string,
): Promise<HeatMap> {
  const totals = await sql<{ crimes: bigint; placed: bigint; first: Date | null; last: Date | null }>`
    SELECT count(*) AS crimes, count(*) FILTER (WHERE latitude BETWEEN ${land.south} AND ${land.north}
        AND longitude BETWEEN ${land.west} AND ${land.east}) AS placed,
      min(date) AS first, max(date) AS last
    FROM crimes`;
  const total = totals.at(0);
  if (total === undefined || total.crimes === 0n) {
    throw new TidetableError("SQL_INVALID", `Topic ${topic} holds no crimes, so there is nothing to map.`);
  }
  const kinds = await sql<{ primary_type: string }>`
    SELECT primary_type FROM crimes WHERE latitude IS NOT NULL
    GROUP BY primary_type ORDER BY count(*) DESC, primary_type LIMIT ${kindsMax}`;
  const layers: HeatMapLayer[] = [{ name: "All", squares: await squares(sql, undefined) }];
  for (const { primary_type: kind } of kinds) layers.push({ name: kind, squares: await squares(sql, kind) });
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
    SELECT floor(latitude / ${gridDegrees.latitude})::INTEGER AS row,
      floor(longitude / ${gridDegrees.longitude})::INTEGER AS column,
      count(*) AS crimes, count(*) FILTER (WHERE arrest) AS arrests
    FROM crimes
    WHERE latitude BETWEEN ${land.south} AND ${land.north} AND longitude BETWEEN ${land.west} AND ${land.east}
      AND (primary_type = ${kind ?? ""} OR ${kind === undefined})
    GROUP BY 1, 2 ORDER BY 1, 2`;
  if (rows.length < rows.totalRowCount) {
    throw new TidetableError("RESULT_TOO_LARGE", `The map has ${rows.totalRowCount} squares, too many for one page.`);
  }
  return rows.map(({ row, column, crimes, arrests }) => [row, column, Number(crimes), Number(arrests)] as const);
}
