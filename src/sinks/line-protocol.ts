/**
 * Points as lines of InfluxDB 1.x's line protocol. Pure. Owns the escapes, and the knowledge of what has none: text that
 * InfluxDB would keep as something else is a fault, told before anything is sent.
 *
 * The server takes a backslash for an escape by looking at one character before (tags) or by going on in pairs (lines,
 * fields), and no escape stands for a backslash in names and tags. So one before a character that is escaped itself, or
 * at the end, cannot be written, nor can the end of a line; each of them would make another point of the rest.
 */

export interface InfluxdbPoint {
  readonly measurement: string;
  /** One without a value is left out: InfluxDB has no empty tag. */
  readonly tags: Readonly<Record<string, string>>;
  /** bigint is an integer field, number a float. */
  readonly fields: Readonly<Record<string, string | number | bigint | boolean>>;
  readonly timestampNs: bigint;
}

export type EncodedPoint = { readonly line: string } | { readonly fault: string };

/** InfluxDB's own limits: two values at each end of 64 bits mean something else to it. */
const timestampMinNs = -(2n ** 63n) + 2n;
const timestampMaxNs = 2n ** 63n - 2n;
const integerMin = -(2n ** 63n);
const integerMax = 2n ** 63n - 1n;
/** Of measurement, tags and the name of a field together. */
const seriesBytesMax = 65_535;
/**
 * What InfluxDB puts between a series and the name of a field, and looks for when it is started again: one that stands
 * before makes a part of a tag the name of a field.
 */
const seriesSeparator = "#!~#";

/** A line without its end; or why InfluxDB cannot keep this point as it is. */
export function encodePoint(point: InfluxdbPoint): EncodedPoint {
  const { measurement, fields, timestampNs } = point;
  const tags = Object.entries(point.tags)
    .filter(([, value]) => value !== "")
    // As InfluxDB keeps them; it need not sort again.
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const named = Object.entries(fields);
  const fault =
    measurementFault(measurement) ??
    first(tags, ([name, value]) => tagFault(name, value)) ??
    first(named, ([name, value]) => fieldNameFault(name) ?? fieldValueFault(name, value)) ??
    (named.length === 0 ? "it has no field" : undefined) ??
    (timestampNs < timestampMinNs || timestampNs > timestampMaxNs
      ? `its time, ${timestampNs} ns, is out of InfluxDB's range (1677 to 2262)`
      : undefined);
  if (fault !== undefined) return { fault };

  const series = [
    measurement.replace(/[, ]/g, "\\$&"),
    ...tags.map(([name, value]) => `${escapeName(name)}=${escapeName(value)}`),
  ].join(",");
  if (`${series}${seriesSeparator}`.indexOf(seriesSeparator) < series.length) {
    return {
      fault: `its measurement or tags have ${seriesSeparator}, or end with a part of it, which InfluxDB uses inside`,
    };
  }
  const longest = Math.max(...named.map(([name]) => name.length));
  // A character has three bytes at the most, so that hardly any series has to be measured.
  if ((series.length + longest) * 3 > seriesBytesMax / 2 && seriesBytes(series, named) > seriesBytesMax) {
    return { fault: `its measurement, tags and name of a field have more than ${seriesBytesMax} bytes together` };
  }
  const values = named.map(([name, value]) => `${escapeName(name)}=${fieldText(value)}`);
  return { line: `${series} ${values.join(",")} ${timestampNs}` };
}

function seriesBytes(series: string, fields: readonly (readonly [string, unknown])[]): number {
  const names = fields.map(([name]) => Buffer.byteLength(escapeName(name)));
  return Buffer.byteLength(series) + seriesSeparator.length + Math.max(...names);
}

/** For names and values of tags, and names of fields. */
function escapeName(text: string): string {
  return text.replace(/[,= ]/g, "\\$&");
}

function fieldText(value: string | number | bigint | boolean): string {
  if (typeof value === "string") return `"${value.replace(/["\\]/g, "\\$&")}"`;
  if (typeof value === "bigint") return `${value}i`;
  return Object.is(value, -0) ? "-0" : String(value);
}

function measurementFault(name: string): string | undefined {
  const what = `its measurement ${JSON.stringify(name)}`;
  // It reads on after blanks, and takes a line that begins with # for a comment.
  if (/^[#\t\0]/.test(name)) return `${what} begins with what InfluxDB does not keep`;
  // It would be kept, and could never be asked for.
  if (/[\r\0]/.test(name)) return `${what} has a character that no statement of InfluxDB can name`;
  return nameFault(what, name, backslashBeforeQuoteToo);
}

function tagFault(name: string, value: string): string | undefined {
  const what = `the name of its tag ${JSON.stringify(name)}`;
  return (
    nameFault(what, name, backslash) ??
    (name === "time" ? `${what} is InfluxDB's own` : undefined) ??
    nameFault(`its tag ${JSON.stringify(name)} with the value ${JSON.stringify(value)}`, value, backslash)
  );
}

function fieldNameFault(name: string): string | undefined {
  const what = `the name of its field ${JSON.stringify(name)}`;
  if (name === "time") return `${what} is InfluxDB's own`;
  if (/^[\t\0]/.test(name)) return `${what} begins with what InfluxDB does not keep`;
  return nameFault(what, name, backslashBeforeQuoteToo);
}

function fieldValueFault(name: string, value: string | number | bigint | boolean): string | undefined {
  const what = `its field ${JSON.stringify(name)}`;
  if (typeof value === "string") return value.isWellFormed() ? undefined : `${what} has half a character`;
  if (typeof value === "number")
    return Number.isFinite(value) ? undefined : `${what} is ${value}, no number to InfluxDB`;
  if (typeof value === "bigint" && (value < integerMin || value > integerMax)) {
    return `${what} is ${value}, more than the 64 bits of an integer of InfluxDB`;
  }
  return undefined;
}

const backslash = /\\(?:[,= ]|$)/;
/** Measurements and names of fields lose it before a quote as well. */
const backslashBeforeQuoteToo = /\\(?:[,= "]|$)/;

function nameFault(what: string, text: string, backslashThatIsLost: RegExp): string | undefined {
  if (text === "") return `${what} is empty`;
  if (text.includes("\n")) return `${what} has the end of a line in it`;
  if (backslashThatIsLost.test(text)) {
    return `${what} has a backslash where InfluxDB takes it for an escape: at the end, or before a blank, a comma, = or "`;
  }
  return text.isWellFormed() ? undefined : `${what} has half a character`;
}

function first<T>(items: readonly T[], look: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = look(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
