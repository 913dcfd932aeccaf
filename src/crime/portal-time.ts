/** The portal's way to write a time, both ways: twelve hours, and Chicago's own clock, summer time included. Pure. */
import { DateTime } from "luxon";

const format = "MM/dd/yyyy hh:mm:ss a";
const zone = "America/Chicago";
const twelveHours = /^\s*[\d/]+ (0[1-9]|1[0-2]):/;

/**
 * Epoch milliseconds of `07/04/2026 09:30:00 PM`; undefined for anything else. An hour that the clock passes twice in
 * autumn is the earlier one; one that it leaves out in spring is the hour after.
 */
export function parsePortalTime(text: string): number | undefined {
  if (!twelveHours.test(text)) return undefined; // The library would take 13 PM for 1 PM.
  const time = DateTime.fromFormat(text.trim(), format, { zone, locale: "en-US" });
  if (!time.isValid) return undefined;
  const hourBefore = time.minus({ hours: 1 });
  return (hourBefore.hour === time.hour ? hourBefore : time).toMillis();
}

export function formatPortalTime(atMs: number): string {
  return chicagoTime(atMs).toFormat(format, { locale: "en-US" });
}

/** The clock in Chicago at this moment. */
export function chicagoTime(atMs: number): DateTime {
  return DateTime.fromMillis(atMs, { zone });
}
