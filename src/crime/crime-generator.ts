/**
 * Plausible rows of the portal's CSV, the same for the same seed: row n can be made without its predecessors. They have the
 * traps of real ones: one in ten without a place, commas inside of quotes, a pair of coordinates as text, twelve-hour local
 * times, and crimes that are reported days later. Pure.
 */
import { stringify } from "csv-stringify/sync";
import { type Random, randomAt } from "../random.js";
import { crimeKinds, districts, hourWeights, locations, shore, streets } from "./city.js";
import { type PortalColumn, portalColumns } from "./crime.js";
import { chicagoClock, formatPortalTime, instantOf } from "./portal-time.js";

/** Identifiers begin above those of the real data set of now. */
const firstId = 20_000_001;
const withoutPlace = 0.1;
/** Streets are an eighth of a mile apart; a crime is put on one of them. Degrees. */
const block = { latitude: 0.001_81, longitude: 0.002_43 };

/** Row number `index` of a seed, as it is published at `publishedAtMs`: what happened some hours or days before. */
export function generateRow(
  seed: number,
  index: number,
  publishedAtMs: number,
): Readonly<Record<PortalColumn, string>> {
  const random = randomAt(seed, index);
  const kind = weighted(random, crimeKinds);
  const form = random.pick(kind.forms);
  const district = weighted(random, districts);
  const place = random.fraction() < withoutPlace ? undefined : placeNear(random, district);
  const atMs = happenedBefore(random, publishedAtMs);
  const id = firstId + index;
  return {
    ID: String(id),
    "Case Number": `JX${String(100_000 + (index % 900_000))}`,
    Date: formatPortalTime(atMs),
    Block: `${String(random.below(96)).padStart(3, "0")}XX ${random.pick(["N", "S", "W", "E"])} ${random.pick(streets)}`,
    IUCR: form.iucr,
    "Primary Type": kind.primaryType,
    Description: form.description,
    "Location Description": random.pick(locations),
    Arrest: String(random.fraction() < kind.arrested),
    Domestic: String(random.fraction() < kind.domestic),
    Beat: String(district.number * 100 + 11 + random.below(24)).padStart(4, "0"),
    District: String(district.number).padStart(3, "0"),
    Ward: String(random.pick(district.wards)),
    "Community Area": String(random.pick(district.communityAreas)),
    "FBI Code": form.fbiCode,
    ...columnsOf(place, {
      Year: String(chicagoClock(atMs).getUTCFullYear()),
      "Updated On": formatPortalTime(publishedAtMs),
    }),
  };
}

/** Rows as a file of the portal, its header first. */
export function portalFile(rows: readonly Readonly<Record<PortalColumn, string>>[]): string {
  return stringify([...rows], { header: true, columns: [...portalColumns] });
}

/** A row as a line of such a file, as a producer would send it that forgot to convert. */
export function portalLine(row: Readonly<Record<PortalColumn, string>>): string {
  return stringify([row], { columns: [...portalColumns] }).trimEnd();
}

interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

/** In the order of the portal, which has its feet before the year and its degrees after. */
function columnsOf(place: Place | undefined, years: { readonly Year: string; readonly "Updated On": string }) {
  if (place === undefined) {
    return { "X Coordinate": "", "Y Coordinate": "", ...years, Latitude: "", Longitude: "", Location: "" };
  }
  const latitude = place.latitude.toFixed(9);
  const longitude = place.longitude.toFixed(9);
  return {
    // Feet in Illinois' own projection, near enough for a column that nothing reads.
    "X Coordinate": String(Math.round(1_176_000 + (place.longitude + 87.63) * 273_000)),
    "Y Coordinate": String(Math.round(1_900_000 + (place.latitude - 41.88) * 364_500)),
    ...years,
    Latitude: latitude,
    Longitude: longitude,
    Location: `(${latitude}, ${longitude})`,
  };
}

function placeNear(random: Random, middle: Place): Place {
  let latitude = middle.latitude + 0.034 * bell(random);
  let longitude = middle.longitude + 0.04 * bell(random);
  // On a street that runs east and west, or on one that runs north and south.
  if (random.below(2) === 0) latitude = Math.round(latitude / block.latitude) * block.latitude;
  else longitude = Math.round(longitude / block.longitude) * block.longitude;
  const east = shoreAt(latitude);
  // What fell into the lake is as far from the shore on land.
  if (longitude > east) longitude = 2 * east - longitude;
  return { latitude, longitude };
}

/** The longitude at which the lake begins. */
function shoreAt(latitude: number): number {
  const south = shore.findIndex(([point]) => point <= latitude);
  const [to, from] = [shore[south], shore[south - 1]];
  if (to === undefined) return shore.at(-1)?.[1] ?? 0;
  if (from === undefined) return to[1];
  const share = (latitude - to[0]) / (from[0] - to[0]);
  return to[1] + share * (from[1] - to[1]);
}

/** In (-1, 1), the middle much more often than the ends. */
function bell(random: Random): number {
  return (random.fraction() + random.fraction() + random.fraction()) / 1.5 - 1;
}

/** Most are published within a day, some a week later; the hour of the day has its own weight. */
function happenedBefore(random: Random, publishedAtMs: number): number {
  const published = chicagoClock(publishedAtMs);
  const daysAgo = Math.min(13, Math.floor(-Math.log(1 - random.fraction()) * 1.6));
  const hour = indexByWeight(random.fraction(), hourWeights);
  const minute = random.below(60);
  const on = (day: number) =>
    instantOf(new Date(Date.UTC(published.getUTCFullYear(), published.getUTCMonth(), day, hour, minute)));
  const atMs = on(published.getUTCDate() - daysAgo);
  return atMs > publishedAtMs ? on(published.getUTCDate() - daysAgo - 1) : atMs;
}

function weighted<T extends { readonly weight: number }>(random: Random, choices: readonly [T, ...T[]]): T {
  const index = indexByWeight(
    random.fraction(),
    choices.map(({ weight }) => weight),
  );
  return choices[index] ?? choices[0];
}

function indexByWeight(fraction: number, weights: readonly number[]): number {
  let left = fraction * weights.reduce((sum, weight) => sum + weight, 0);
  return Math.max(
    0,
    weights.findIndex((weight) => {
      left -= weight;
      return left < 0;
    }),
  );
}
