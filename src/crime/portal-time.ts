/** The portal's way to write a time, both ways: twelve hours, and Chicago's own clock, summer time included. Pure. */
import { tzOffset } from "@date-fns/tz";

const zone = "America/Chicago";
const written = /^(\d\d)\/(\d\d)\/(\d{4}) (0[1-9]|1[0-2]):([0-5]\d):([0-5]\d) ([AP])M$/;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * Epoch milliseconds of `07/04/2026 09:30:00 PM`; undefined for anything else. An hour that the clock passes twice in
 * autumn is the earlier one; one that it leaves out in spring is the hour after.
 */
export function parsePortalTime(text: string): number | undefined {
  const found = written.exec(text.trim());
  if (found === null) return undefined;
  const [month = 0, day = 0, year = 0, twelve = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
  const hour = (twelve % 12) + (found[7] === "P" ? 12 : 0);
  const shown = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  // The 30th of February would be a day in March.
  return shown.getUTCMonth() === month - 1 && shown.getUTCDate() === day ? instantOf(shown) : undefined;
}

export function formatPortalTime(atMs: number): string {
  const clock = chicagoClock(atMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const hour = clock.getUTCHours();
  const date = `${two(clock.getUTCMonth() + 1)}/${two(clock.getUTCDate())}/${clock.getUTCFullYear()}`;
  const time = [hour % 12 || 12, clock.getUTCMinutes(), clock.getUTCSeconds()].map(two).join(":");
  return `${date} ${time} ${hour < 12 ? "AM" : "PM"}`;
}

/** What the clock in Chicago shows at this moment, to be read by the getters of UTC. */
export function chicagoClock(atMs: number): Date {
  return new Date(atMs + offsetMsAt(atMs));
}

/** The moment at which the clock in Chicago shows what the getters of UTC say. */
export function instantOf(shown: Date): number {
  const [before, after] = [offsetMsAt(shown.getTime() - dayMs), offsetMsAt(shown.getTime() + dayMs)];
  const moments = [shown.getTime() - before, shown.getTime() - after].filter(
    (atMs) => chicagoClock(atMs).getTime() === shown.getTime(),
  );
  return moments.length > 0 ? Math.min(...moments) : shown.getTime() - before;
}

/** By the hour: asking Node's tables takes ten times as long as all else of a record, and clocks change at whole hours. */
const offsetsMs = new Map<number, number>();
const offsetsMax = 100_000;

function offsetMsAt(atMs: number): number {
  const hour = Math.floor(atMs / hourMs);
  const known = offsetsMs.get(hour);
  if (known !== undefined) return known;
  if (offsetsMs.size >= offsetsMax) offsetsMs.clear();
  const offsetMs = tzOffset(zone, new Date(hour * hourMs)) * minuteMs;
  offsetsMs.set(hour, offsetMs);
  return offsetMs;
}
