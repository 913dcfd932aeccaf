/** The demo without a broker: generated crimes for the embedded log, a few of them lines that nobody converted. */
import type { Feeding } from "../embedded/feed.js";
import type { EmbeddedRecord } from "../embedded/log.js";
import { randomAt } from "../random.js";
import { encodeCrime, readCrime } from "./crime.js";
import { generateRow, portalLine } from "./crime-generator.js";

/** One record in so many is none, so that the rejected records have something to show. */
const badEvery = 400;

/** What the log of topic `crimes` is fed with where there is no broker. */
export const crimeFeeding: Feeding = { topic: "crimes", recordAt: (index, atMs) => crimeRecordAt(1, index, atMs) };

function crimeRecordAt(seed: number, index: number, timestampMs: number): EmbeddedRecord {
  const row = generateRow(seed, index, timestampMs);
  const crime = readCrime(row);
  const isBad = randomAt(seed ^ 0x0c21, index).below(badEvery) === 0;
  const value = isBad || "refused" in crime ? portalLine(row) : encodeCrime(crime);
  return { key: row.ID, value, timestampMs };
}
