/**
 * Dates, timestamps and intervals as DuckDB reckons them: read, written, cut down to a unit, taken apart, moved. Days and
 * microseconds since 1970 in the proleptic Gregorian calendar, no time zones, no clock. Pure.
 */
import type { Literal } from "./syntax.js";
import { failed, INTERVAL, type Interval, notInEngine } from "./types.js";

export const DAY_MICROS = 86_400_000_000n;
const HOUR_MICROS = 3_600_000_000n;
const MINUTE_MICROS = 60_000_000n;
const SECOND_MICROS = 1_000_000n;

interface Civil {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Days since 1970-01-01 of a text such as `2024-01-31`; undefined for any other form, and for days that are not there. */
export function readDate(text: string): bigint | undefined {
  const [, year, month, day] = /^\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*$/.exec(text) ?? [];
  return year === undefined ? undefined : dateOf(Number(year), Number(month), Number(day));
}

/** Microseconds since 1970 of a text such as `2024-01-31 09:30:00.125`, with `T` or a blank, with `Z` or without. */
export function readTimestamp(text: string): bigint | undefined {
  const match = /^\s*(\d{4}-\d{1,2}-\d{1,2})(?:[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?(Z)?)?\s*$/.exec(
    text,
  );
  const days = readDate(match?.[1] ?? "");
  if (match === null || days === undefined) return undefined;
  const [hour, minute, second] = [match[2], match[3], match[4]].map((part) => Number(part ?? 0));
  if ((hour ?? 0) > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59) return undefined;
  const micros = BigInt((match[5] ?? "").padEnd(6, "0").slice(0, 6));
  const seconds = BigInt(((hour ?? 0) * 60 + (minute ?? 0)) * 60 + (second ?? 0));
  return days * DAY_MICROS + seconds * SECOND_MICROS + micros;
}

export function dateText(days: bigint): string {
  const { year, month, day } = civilOf(days);
  if (year < 1 || year > 9999) throw notInEngine("A date outside of the years 1 to 9999 as text");
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}

export function timestampText(micros: bigint): string {
  const days = floorDivide(micros, DAY_MICROS);
  return `${dateText(days)} ${timeText(micros - days * DAY_MICROS)}`;
}

function timeText(micros: bigint): string {
  const seconds = micros / SECOND_MICROS;
  const fraction = micros % SECOND_MICROS;
  const tail = fraction === 0n ? "" : `.${pad(Number(fraction), 6).replace(/0+$/, "")}`;
  const [hours, minutes] = [seconds / 3600n, (seconds / 60n) % 60n];
  return `${pad(Number(hours), 2)}:${pad(Number(minutes), 2)}:${pad(Number(seconds % 60n), 2)}${tail}`;
}

export function intervalText({ months, days, micros }: Interval): string {
  const parts: string[] = [];
  const add = (count: number, unit: string): void => {
    if (count !== 0) parts.push(`${count} ${unit}${Math.abs(count) === 1 ? "" : "s"}`);
  };
  add(Math.trunc(months / 12), "year");
  add(months % 12, "month");
  add(days, "day");
  if (micros !== 0n || parts.length === 0) parts.push(micros < 0n ? `-${timeText(-micros)}` : timeText(micros));
  return parts.join(" ");
}

const units: ReadonlyMap<string, Interval> = new Map(
  (
    [
      [["microsecond", "us"], { months: 0, days: 0, micros: 1n }],
      [["millisecond", "ms"], { months: 0, days: 0, micros: 1000n }],
      [["second", "sec", "s"], { months: 0, days: 0, micros: SECOND_MICROS }],
      [["minute", "min", "m"], { months: 0, days: 0, micros: MINUTE_MICROS }],
      [["hour", "h"], { months: 0, days: 0, micros: HOUR_MICROS }],
      [["day", "d"], { months: 0, days: 1, micros: 0n }],
      [["week", "w"], { months: 0, days: 7, micros: 0n }],
      [["month", "mon"], { months: 1, days: 0, micros: 0n }],
      [["quarter"], { months: 3, days: 0, micros: 0n }],
      [["year", "y"], { months: 12, days: 0, micros: 0n }],
    ] as const
  ).flatMap(([names, interval]) =>
    names.flatMap((name) => [[name, interval] as const, [`${name}s`, interval] as const]),
  ),
);

/** `5 minutes`, `1 day -2 hours`; undefined where a part is no whole number with a unit. */
export function literalInterval(text: string): Literal | undefined {
  const parts = [...text.trim().matchAll(/([+-]?\d{1,9})\s*([a-zA-Z]+)\s*/gy)];
  if (parts.length === 0 || parts.reduce((sum, part) => sum + part[0].length, 0) !== text.trim().length)
    return undefined;
  let total: Interval = { months: 0, days: 0, micros: 0n };
  for (const [, count, name] of parts) {
    const unit = units.get(name?.toLowerCase() ?? "");
    if (unit === undefined) return undefined;
    total = addIntervals(total, scaleInterval(unit, BigInt(count ?? 0)));
  }
  return { kind: "literal", value: total, type: INTERVAL, isText: false, shown: undefined };
}

export function addIntervals(a: Interval, b: Interval): Interval {
  return { months: a.months + b.months, days: a.days + b.days, micros: a.micros + b.micros };
}

export function scaleInterval(interval: Interval, factor: bigint): Interval {
  const { months, days, micros } = interval;
  const scaled = {
    months: Number(BigInt(months) * factor),
    days: Number(BigInt(days) * factor),
    micros: micros * factor,
  };
  if (Math.abs(scaled.months) > 0x7fffffff || Math.abs(scaled.days) > 0x7fffffff)
    throw failed("Overflow in an interval");
  return scaled;
}

/** The difference of two timestamps: days and the rest, as `-` gives it. */
export function betweenTimestamps(later: bigint, earlier: bigint): Interval {
  const micros = later - earlier;
  return { months: 0, days: Number(micros / DAY_MICROS), micros: micros % DAY_MICROS };
}

/** A month later is the same day, or the month's last one. */
export function addToTimestamp(micros: bigint, interval: Interval): bigint {
  let days = floorDivide(micros, DAY_MICROS);
  const time = micros - days * DAY_MICROS;
  if (interval.months !== 0) {
    const { year, month, day } = civilOf(days);
    const target = year * 12 + (month - 1) + interval.months;
    const targetYear = Math.floor(target / 12);
    const targetMonth = target - targetYear * 12 + 1;
    days = daysOf(targetYear, targetMonth, Math.min(day, daysInMonth(targetYear, targetMonth)));
  }
  return (days + BigInt(interval.days)) * DAY_MICROS + time + interval.micros;
}

/** Units of `date_trunc` and `date_part`, by every name that this engine takes. */
const unitNames: ReadonlyMap<string, string> = new Map(
  Object.entries({
    microsecond: "microseconds us usec",
    millisecond: "milliseconds ms msec",
    second: "seconds sec s",
    minute: "minutes min m",
    hour: "hours h hr",
    day: "days d dayofmonth",
    week: "weeks w weekofyear",
    month: "months mon",
    quarter: "quarters",
    year: "years y yr",
    decade: "decades",
    dow: "dayofweek weekday",
    isodow: "",
    doy: "dayofyear",
    isoyear: "",
    epoch: "",
  }).flatMap(([unit, names]) => [unit, ...names.split(" ")].map((name) => [name, unit] as const)),
);

/** @throws TidetableError SQL_INVALID for a unit that is not there. */
export function unitOf(name: string): string {
  const unit = unitNames.get(name.toLowerCase());
  if (unit === undefined || name === "") throw notInEngine(`The unit of time '${name}'`);
  return unit;
}

export function truncate(unit: string, micros: bigint): bigint {
  const length = fixedUnits.get(unit);
  if (length !== undefined) return floorDivide(micros, length) * length;
  const days = floorDivide(micros, DAY_MICROS);
  const { year, month } = civilOf(days);
  switch (unit) {
    case "day":
      return days * DAY_MICROS;
    case "week":
      return (days - BigInt(isoWeekday(days) - 1)) * DAY_MICROS;
    case "month":
      return daysOf(year, month, 1) * DAY_MICROS;
    case "quarter":
      return daysOf(year, Math.floor((month - 1) / 3) * 3 + 1, 1) * DAY_MICROS;
    case "year":
      return daysOf(year, 1, 1) * DAY_MICROS;
    case "decade":
      return daysOf(Math.trunc(year / 10) * 10, 1, 1) * DAY_MICROS;
    default:
      throw notInEngine(`date_trunc to '${unit}'`);
  }
}

const fixedUnits: ReadonlyMap<string, bigint> = new Map([
  ["microsecond", 1n],
  ["millisecond", 1000n],
  ["second", SECOND_MICROS],
  ["minute", MINUTE_MICROS],
  ["hour", HOUR_MICROS],
]);

/** One field of a timestamp. `epoch` is a DOUBLE, the others are BIGINT. */
export function part(unit: string, micros: bigint): bigint | number {
  const days = floorDivide(micros, DAY_MICROS);
  const time = micros - days * DAY_MICROS;
  const { year, month, day } = civilOf(days);
  switch (unit) {
    case "microsecond":
      return time % MINUTE_MICROS;
    case "millisecond":
      return (time % MINUTE_MICROS) / 1000n;
    case "second":
      return (time % MINUTE_MICROS) / SECOND_MICROS;
    case "minute":
      return (time / MINUTE_MICROS) % 60n;
    case "hour":
      return time / HOUR_MICROS;
    case "day":
      return BigInt(day);
    case "week":
      return BigInt(isoWeek(days).week);
    case "month":
      return BigInt(month);
    case "quarter":
      return BigInt(Math.floor((month - 1) / 3) + 1);
    case "year":
      return BigInt(year);
    case "decade":
      return BigInt(Math.trunc(year / 10));
    case "dow":
      return BigInt(isoWeekday(days) % 7);
    case "isodow":
      return BigInt(isoWeekday(days));
    case "doy":
      return days - daysOf(year, 1, 1) + 1n;
    case "isoyear":
      return BigInt(isoWeek(days).year);
    case "epoch":
      return Number(micros) / 1_000_000;
    default:
      throw notInEngine(`date_part of '${unit}'`);
  }
}

/** How many borders of the unit lie between two instants, as `date_diff` counts. */
export function borders(unit: string, from: bigint, to: bigint): bigint {
  const months = (micros: bigint): bigint => {
    const { year, month } = civilOf(floorDivide(micros, DAY_MICROS));
    return BigInt(year * 12 + month - 1);
  };
  const length = fixedUnits.get(unit);
  if (length !== undefined && from >= 0n && to >= 0n) return to / length - from / length;
  switch (unit) {
    case "day":
      return floorDivide(to, DAY_MICROS) - floorDivide(from, DAY_MICROS);
    case "month":
      return months(to) - months(from);
    case "quarter":
      return floorDivide(months(to), 3n) - floorDivide(months(from), 3n);
    case "year":
      return floorDivide(months(to), 12n) - floorDivide(months(from), 12n);
    default:
      throw notInEngine(length === undefined ? `date_diff in '${unit}'` : "date_diff of instants before 1970");
  }
}

/** Widths of days and less begin at Monday 2000-01-03, widths of months at 2000-01-01. */
export function bucket(width: Interval, micros: bigint): bigint {
  if (width.months !== 0) {
    if (width.days !== 0 || width.micros !== 0n || width.months < 0)
      throw failed("time_bucket needs a width of one kind, above zero.");
    const { year, month } = civilOf(floorDivide(micros, DAY_MICROS));
    const start = floorDivide(BigInt((year - 2000) * 12 + month - 1), BigInt(width.months)) * BigInt(width.months);
    const at = 2000 * 12 + Number(start);
    const startYear = Math.floor(at / 12);
    return daysOf(startYear, at - startYear * 12 + 1, 1) * DAY_MICROS;
  }
  const length = BigInt(width.days) * DAY_MICROS + width.micros;
  if (length <= 0n) throw failed("time_bucket needs a width above zero.");
  const origin = daysOf(2000, 1, 3) * DAY_MICROS;
  return origin + floorDivide(micros - origin, length) * length;
}

const weekdayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const monthNames = "January February March April May June July August September October November December".split(" ");

export function weekdayName(micros: bigint): string {
  return weekdayNames[Number(part("dow", micros))] ?? "";
}

export function monthName(micros: bigint): string {
  return monthNames[Number(part("month", micros)) - 1] ?? "";
}

export function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

function dateOf(year: number, month: number, day: number): bigint | undefined {
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  return daysOf(year, month, day);
}

/** Days since 1970-01-01; years begin in March here, so that the leap day comes last. */
function daysOf(year: number, month: number, day: number): bigint {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return BigInt(era * 146_097 + dayOfEra - 719_468);
}

function civilOf(days: bigint): Civil {
  const shifted = Number(days) + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

function daysInMonth(year: number, month: number): number {
  return Number(daysOf(month === 12 ? year + 1 : year, (month % 12) + 1, 1) - daysOf(year, month, 1));
}

/** Monday 1 to Sunday 7; 1970-01-01 was a Thursday. */
function isoWeekday(days: bigint): number {
  return Number((((days + 3n) % 7n) + 7n) % 7n) + 1;
}

/** The week of the Thursday next to a day, and the year of that. */
function isoWeek(days: bigint): { readonly year: number; readonly week: number } {
  const thursday = days + BigInt(4 - isoWeekday(days));
  const { year } = civilOf(thursday);
  return { year, week: Math.floor(Number(thursday - daysOf(year, 1, 1)) / 7) + 1 };
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
