/** The portal's way to write a time, both ways: twelve hours, and Chicago's own clock, summer time included. Pure. */
import { TZDate } from "@date-fns/tz";

const zone = "America/Chicago";
const written = /^(\d\d)\/(\d\d)\/(\d{4}) (0[1-9]|1[0-2]):([0-5]\d):([0-5]\d) ([AP])M$/;
const hourMs = 3_600_000;

/**
 * Epoch milliseconds of `07/04/2026 09:30:00 PM`; undefined for anything else. An hour that the clock passes twice in
 * autumn is the earlier one; one that it leaves out in spring is the hour after.
 */
export function parsePortalTime(text: string): number | undefined {
  const found = written.exec(text.trim());
  if (found === null) return undefined;
  const [month = 0, day = 0, year = 0, twelve = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
  const hour = (twelve % 12) + (found[7] === "P" ? 12 : 0);
  const time = chicagoDate(year, month - 1, day, hour, minute, second);
  // The 30th of February would be a day in March.
  if (time.getMonth() !== month - 1 || time.getDate() !== day) return undefined;
  const hourBefore = chicagoTime(time.getTime() - hourMs);
  return (hourBefore.getHours() === time.getHours() ? hourBefore : time).getTime();
}

export function formatPortalTime(atMs: number): string {
  const time = chicagoTime(atMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const date = `${two(time.getMonth() + 1)}/${two(time.getDate())}/${time.getFullYear()}`;
  const clock = [time.getHours() % 12 || 12, time.getMinutes(), time.getSeconds()].map(two).join(":");
  return `${date} ${clock} ${time.getHours() < 12 ? "AM" : "PM"}`;
}

/** The clock in Chicago at this moment: its getters answer as there. */
export function chicagoTime(atMs: number): TZDate {
  return new TZDate(atMs, zone);
}

/** The month counts from 0; a day outside of it is one of another month. */
export function chicagoDate(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second = 0,
): TZDate {
  return new TZDate(year, month, day, hour, minute, second, zone);
}
