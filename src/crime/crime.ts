/**
 * What a crime is: a row of the city's open data set "Crimes – 2001 to Present" as one record of a topic, and which rows are
 * none. Owns the 22 columns of the portal's CSV and the record's JSON. Pure.
 */
import { chicagoClock, parsePortalTime } from "./portal-time.js";

export interface Crime {
  readonly id: number;
  readonly caseNumber: string;
  /** When it happened, epoch milliseconds; the portal rounds many to the minute or to the hour. */
  readonly atMs: number;
  /** The street, its number rounded to a hundred: `012XX S STATE ST`. */
  readonly block: string;
  /** Illinois Uniform Crime Reporting code; text, since it keeps its leading zero and has letters. */
  readonly iucr: string;
  readonly primaryType: string;
  readonly description: string;
  readonly locationDescription: string | undefined;
  readonly arrest: boolean;
  readonly domestic: boolean;
  readonly beat: string;
  readonly district: number | undefined;
  readonly ward: number | undefined;
  readonly communityArea: number | undefined;
  readonly fbiCode: string;
  readonly updatedAtMs: number | undefined;
  /** About one row in ten has no place. Degrees, WGS 84. */
  readonly place: { readonly latitude: number; readonly longitude: number } | undefined;
}

/** The header of the portal's CSV, in its order. */
export const portalColumns = [
  "ID",
  "Case Number",
  "Date",
  "Block",
  "IUCR",
  "Primary Type",
  "Description",
  "Location Description",
  "Arrest",
  "Domestic",
  "Beat",
  "District",
  "Ward",
  "Community Area",
  "FBI Code",
  "X Coordinate",
  "Y Coordinate",
  "Year",
  "Updated On",
  "Latitude",
  "Longitude",
  "Location",
] as const;

export type PortalColumn = (typeof portalColumns)[number];
export type PortalRow = Readonly<Partial<Record<PortalColumn, string>>>;

/** What no row can be without. */
export const requiredColumns: readonly PortalColumn[] = ["ID", "Date", "Primary Type"];

/** The crime of a row, or why it is none. */
export function readCrime(row: PortalRow): Crime | { readonly refused: string } {
  const id = Number(row.ID);
  if (!Number.isSafeInteger(id) || id <= 0) return { refused: `its ID is ${quoted(row.ID)}, not a whole number` };
  const atMs = parsePortalTime(row.Date ?? "");
  if (atMs === undefined) {
    return { refused: `the Date of ${id} is ${quoted(row.Date)}, not like "07/04/2026 09:30:00 PM"` };
  }
  const primaryType = row["Primary Type"]?.trim() ?? "";
  if (primaryType === "") return { refused: `${id} has no Primary Type` };
  return {
    id,
    atMs,
    primaryType,
    caseNumber: row["Case Number"] ?? "",
    block: row.Block ?? "",
    iucr: row.IUCR ?? "",
    description: row.Description ?? "",
    locationDescription: row["Location Description"] || undefined,
    arrest: isTrue(row.Arrest),
    domestic: isTrue(row.Domestic),
    beat: row.Beat ?? "",
    district: wholeNumber(row.District),
    ward: wholeNumber(row.Ward),
    communityArea: wholeNumber(row["Community Area"]),
    fbiCode: row["FBI Code"] ?? "",
    updatedAtMs: parsePortalTime(row["Updated On"] ?? ""),
    place: placeOf(row),
  };
}

/**
 * The record's value on a topic. Every field is there in every record, null where the portal has nothing. `date` is UTC,
 * `hour` what the clock in Chicago showed.
 */
export function encodeCrime(crime: Crime): string {
  return JSON.stringify({
    id: crime.id,
    case_number: crime.caseNumber,
    date: new Date(crime.atMs).toISOString(),
    hour: chicagoClock(crime.atMs).getUTCHours(),
    block: crime.block,
    iucr: crime.iucr,
    primary_type: crime.primaryType,
    description: crime.description,
    location_description: crime.locationDescription ?? null,
    arrest: crime.arrest,
    domestic: crime.domestic,
    beat: crime.beat,
    district: crime.district ?? null,
    ward: crime.ward ?? null,
    community_area: crime.communityArea ?? null,
    fbi_code: crime.fbiCode,
    updated_on: crime.updatedAtMs === undefined ? null : new Date(crime.updatedAtMs).toISOString(),
    latitude: crime.place?.latitude ?? null,
    longitude: crime.place?.longitude ?? null,
  });
}

/** Of a record's value, what goes into a time series; undefined for what is no crime. */
export interface CrimeEvent {
  readonly id: number;
  readonly atMs: number;
  readonly primaryType: string;
  readonly district: number | undefined;
  readonly arrest: boolean;
  readonly place: Crime["place"];
}

export function decodeCrimeEvent(value: string): CrimeEvent | undefined {
  const record = parseObject(value);
  if (record === undefined) return undefined;
  const { id, date, primary_type: primaryType, district, arrest, latitude, longitude } = record;
  if (typeof id !== "number" || !Number.isSafeInteger(id) || id <= 0) return undefined;
  if (typeof date !== "string" || typeof primaryType !== "string" || primaryType === "") return undefined;
  const atMs = Date.parse(date);
  if (Number.isNaN(atMs)) return undefined;
  return {
    id,
    atMs,
    primaryType,
    district: typeof district === "number" ? district : undefined,
    arrest: arrest === true,
    place: typeof latitude === "number" && typeof longitude === "number" ? { latitude, longitude } : undefined,
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined; // Whatever is no JSON is no crime; whoever reads counts it.
  }
}

function placeOf(row: PortalRow): Crime["place"] {
  const [latitude, longitude] = [row.Latitude, row.Longitude].map((text) => (text ? Number(text) : Number.NaN));
  if (latitude === undefined || longitude === undefined) return undefined;
  // A few rows of the portal lie at (36.6, -91.7), in Missouri: the corner of its coordinate system, for "unknown".
  return latitude > 41 && latitude < 43 && longitude > -89 && longitude < -87 ? { latitude, longitude } : undefined;
}

/** Districts and wards are written `018` by some exports and `18` by others. */
function wholeNumber(text: string | undefined): number | undefined {
  const value = Number(text);
  return text?.trim() && Number.isSafeInteger(value) ? value : undefined;
}

function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === "true";
}

function quoted(text: string | undefined): string {
  return text === undefined ? "missing" : `"${text.slice(0, 60)}"`;
}
