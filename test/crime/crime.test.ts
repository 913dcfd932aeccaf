/** Rows of the city's CSV with the traps of real ones: each is a crime with its fields, or refused with the reason. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { shore } from "../../src/crime/city.js";
import {
  type Crime,
  decodeCrimeEvent,
  encodeCrime,
  type PortalRow,
  portalColumns,
  readCrime,
} from "../../src/crime/crime.js";
import { readCrimes } from "../../src/crime/crime-file.js";
import { generateRow, portalFile, portalLine } from "../../src/crime/crime-generator.js";
import { formatPortalTime, parsePortalTime } from "../../src/crime/portal-time.js";
import type { TidetableError } from "../../src/errors.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const nowMs = Date.UTC(2026, 10, 30, 12);
const row: PortalRow = {
  ID: "13311263",
  "Case Number": "JG503434",
  Date: "07/29/2026 03:39:00 AM",
  Block: "023XX S TROY ST",
  IUCR: "0810",
  "Primary Type": "THEFT",
  Description: "AUTOMOBILE, BUS",
  "Location Description": "STREET",
  Arrest: "true",
  Domestic: "false",
  Beat: "1033",
  District: "010",
  Ward: "25",
  "Community Area": "30",
  "FBI Code": "06",
  "Updated On": "08/05/2026 03:40:00 PM",
  Latitude: "41.848785700",
  Longitude: "-87.703523390",
};

function crimeOf(changes: PortalRow): Crime {
  const read = readCrime({ ...row, ...changes });
  ok(!("refused" in read), JSON.stringify(read));
  return read;
}

describe("a row of the city's crimes", () => {
  it("is a record with every field", () => {
    deepEqual(JSON.parse(encodeCrime(crimeOf({}))), {
      id: 13311263,
      case_number: "JG503434",
      date: "2026-07-29T08:39:00.000Z",
      hour: 3,
      block: "023XX S TROY ST",
      iucr: "0810",
      primary_type: "THEFT",
      description: "AUTOMOBILE, BUS",
      location_description: "STREET",
      arrest: true,
      domestic: false,
      beat: "1033",
      district: 10,
      ward: 25,
      community_area: 30,
      fbi_code: "06",
      updated_on: "2026-08-05T20:40:00.000Z",
      latitude: 41.8487857,
      longitude: -87.70352339,
    });
  });

  for (const [what, changes] of [
    ["nothing", { Latitude: "", Longitude: "" }],
    ["the corner of the portal's coordinates, in Missouri", { Latitude: "36.619446395", Longitude: "-91.686565684" }],
    ["half of a place", { Longitude: "" }],
    ["no number", { Latitude: "north" }],
  ] as const) {
    it(`has no place where the portal has ${what}`, () => equal(crimeOf(changes).place, undefined));
  }

  for (const [what, changes, reason] of [
    ["an ID", { ID: "JG1" }, /its ID is "JG1", not a whole number/],
    ["a time", { Date: "2026-07-29T03:39:00" }, /the Date of 13311263 is "2026-07-29T03:39:00", not like "07/],
    ["a kind", { "Primary Type": " " }, /13311263 has no Primary Type/],
  ] as const) {
    it(`is refused without ${what}`, () => {
      const read = readCrime({ ...row, ...changes });
      match("refused" in read ? read.refused : "", reason);
    });
  }

  it("comes back from its record as an event", () => {
    const { id, atMs, primaryType, district, arrest, place } = crimeOf({});
    deepEqual(decodeCrimeEvent(encodeCrime(crimeOf({}))), { id, atMs, primaryType, district, arrest, place });
    for (const none of ["", "{", "1", "null", "[]", '{"id":1}', '{"id":"1","date":"2026-01-01","primary_type":"A"}']) {
      equal(decodeCrimeEvent(none), undefined, none);
    }
  });
});

describe("Chicago's clock", () => {
  for (const [text, utc] of [
    ["01/15/2026 12:00:00 AM", "2026-01-15T06:00:00.000Z"],
    ["07/04/2026 12:30:00 PM", "2026-07-04T17:30:00.000Z"],
    ["03/08/2026 01:59:59 AM", "2026-03-08T07:59:59.000Z"],
    ["03/08/2026 03:00:00 AM", "2026-03-08T08:00:00.000Z"],
    ["11/01/2026 01:30:00 AM", "2026-11-01T06:30:00.000Z"],
    ["11/01/2026 02:30:00 AM", "2026-11-01T08:30:00.000Z"],
  ] as const) {
    it(`reads ${text}`, () => {
      equal(new Date(parsePortalTime(text) ?? 0).toISOString(), utc);
      equal(formatPortalTime(Date.parse(utc)), text);
    });
  }

  it("reads an hour that spring leaves out as the one after", () => {
    equal(new Date(parsePortalTime("03/08/2026 02:30:00 AM") ?? 0).toISOString(), "2026-03-08T08:30:00.000Z");
  });

  for (const text of ["", "13/01/2026 01:00:00 AM", "02/30/2026 01:00:00 AM", "07/04/2026 13:30:00 PM", "07/04/2026"]) {
    it(`does not read "${text}"`, () => equal(parsePortalTime(text), undefined));
  }
});

describe("generated crimes", () => {
  const rows = Array.from({ length: 3_000 }, (_, index) => generateRow(7, index, nowMs));
  const crimes = rows.map((generated) => {
    const read = readCrime(generated);
    ok(!("refused" in read), JSON.stringify(read));
    return read;
  });

  it("are the same for the same seed, each without the ones before it", () => {
    deepEqual(generateRow(7, 2_999, nowMs), rows[2_999]);
    equal(new Set(crimes.map(({ id }) => id)).size, rows.length);
  });

  it("have the portal's columns, a place nine times in ten, and happened before", () => {
    deepEqual(Object.keys(rows[0] ?? {}), [...portalColumns]);
    const placed = crimes.filter(({ place }) => place !== undefined);
    ok(Math.abs(placed.length / crimes.length - 0.9) < 0.03, `${placed.length}`);
    for (const { atMs } of crimes) ok(atMs <= nowMs && atMs > nowMs - 16 * 86_400_000);
  });

  it("lie on land", () => {
    const easternmost = Math.max(...shore.map(([, longitude]) => longitude));
    for (const { place } of crimes) if (place !== undefined) ok(place.longitude <= easternmost);
    // At the Loop the lake begins west of -87.60.
    ok(crimes.every(({ place }) => !(place && place.latitude > 41.86 && place.longitude > -87.6)));
  });

  it("are a file that any reader of CSV reads back", () => {
    deepEqual(parse(portalFile(rows), { columns: true }), rows);
    equal(portalLine(rows[0] as (typeof rows)[number]), portalFile(rows).split("\n")[1]);
  });
});

describe("a file of the portal", () => {
  const folder = temporaryFolder("crimes");
  after(() => folder.remove());
  const file = (name: string, text: string) => {
    writeFileSync(join(folder.path, name), text);
    return join(folder.path, name);
  };

  it("is read row by row, what is no crime with its reason", async () => {
    const rows = [0, 1, 2].map((index) => generateRow(1, index, nowMs));
    const text = portalFile(rows.map((each, index) => (index === 1 ? { ...each, Date: "yesterday" } : each)));
    const read = [];
    for await (const crime of readCrimes(file("good.csv", `\uFEFF${text}`))) read.push(crime);
    deepEqual(
      read.map((crime) => ("refused" in crime ? crime.refused : String(crime.id))),
      ["20000001", 'the Date of 20000002 is "yesterday", not like "07/04/2026 09:30:00 PM"', "20000003"],
    );
  });

  for (const [what, name, text, reason] of [
    ["of something else", "other.csv", "a,b\n1,2\n", /other\.csv has no column "ID", "Date", "Primary Type"/],
    ["with a row cut short", "cut.csv", "ID,Date,Primary Type\n1,2\n", /cut\.csv cannot be read as CSV: .*line 2/],
    ["that is not there", "", "", /cannot be read as CSV: ENOENT/],
  ] as const) {
    it(`${what} is refused with its name`, async () => {
      const path = name === "" ? join(folder.path, "none.csv") : file(name, text);
      let refusal: TidetableError | undefined;
      try {
        for await (const _ of readCrimes(path));
      } catch (error) {
        refusal = error as TidetableError;
      }
      equal(refusal?.code, "CONFIG_INVALID");
      match(refusal?.message ?? "", reason);
    });
  }
});
