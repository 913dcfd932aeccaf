/**
 * What InfluxDB 1.x answers, as values: series of a query, what was left out of a write, an error's text. Pure. Owns that
 * whole numbers come as they are stored, which JSON.parse alone would round.
 */

/** Of one statement: the rows that share their tags (GROUP BY), or all. */
export interface InfluxdbSeries {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /**
   * By column. `time` is a bigint of nanoseconds. A whole number beyond 2^53 is a bigint: InfluxDB's JSON does not say whether
   * it is an integer or a float.
   */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export interface QueryAnswer {
  readonly series: readonly InfluxdbSeries[];
  /** Of the first statement that failed. */
  readonly error: string | undefined;
  /** The last part says that another one follows. */
  readonly isCut: boolean;
}

interface StatementResult {
  readonly error?: string;
  /** More of this statement follows. */
  readonly partial?: boolean;
  readonly series?: readonly {
    readonly name?: string;
    readonly tags?: Readonly<Record<string, string>>;
    readonly columns?: readonly string[];
    readonly values?: readonly (readonly unknown[])[];
    /** The next part begins with more rows of it. */
    readonly partial?: boolean;
  }[];
}

/** An answer in parts, a line each, as `chunked` asks for. Undefined: this is no answer of InfluxDB to a query. */
export function readQueryAnswer(text: string): QueryAnswer | undefined {
  const results: StatementResult[] = [];
  for (const line of text.split("\n").filter((part) => part.trim() !== "")) {
    const part = parsedPart(line);
    if (part === undefined) return undefined;
    results.push(...part);
  }
  const series: { name: string; tags: Readonly<Record<string, string>>; rows: Readonly<Record<string, unknown>>[] }[] =
    [];
  let isContinued = false;
  for (const result of results) {
    for (const { name = "", tags = {}, columns = [], values = [], partial = false } of result.series ?? []) {
      const last = isContinued ? series.at(-1) : undefined;
      const rows = last?.rows ?? [];
      for (const row of values) {
        rows.push(Object.fromEntries(columns.map((column, index) => [column, columnValue(column, row[index])])));
      }
      if (last === undefined) series.push({ name, tags, rows });
      isContinued = partial;
    }
  }
  const error = results.find((result) => result.error !== undefined)?.error;
  return { series, error, isCut: results.length === 0 || results.at(-1)?.partial === true };
}

function parsedPart(line: string): readonly StatementResult[] | undefined {
  try {
    const part: { results?: unknown; error?: unknown } | null = JSON.parse(withMarkedIntegers(line));
    if (typeof part?.error === "string") return [{ error: part.error }];
    return Array.isArray(part?.results) ? part.results : undefined;
  } catch {
    return undefined;
  }
}

/** `"…"`, or a number; nothing else of JSON has digits. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A whole number that a double may not hold becomes a list of its digits: InfluxDB has no lists in rows. */
function withMarkedIntegers(text: string): string {
  return text.replace(tokens, (token) => (/^-?\d{16,}$/.test(token) ? `["${token}"]` : token));
}

function columnValue(column: string, value: unknown): unknown {
  if (Array.isArray(value)) {
    const integer = BigInt(String(value[0]));
    const isSafe = integer <= Number.MAX_SAFE_INTEGER && integer >= Number.MIN_SAFE_INTEGER;
    return isSafe && column !== "time" ? Number(integer) : integer;
  }
  return column === "time" && typeof value === "number" ? BigInt(value) : value;
}

/** Of a write that was answered with 400: what InfluxDB kept out; undefined where it kept nothing of it. */
export function droppedOf(error: string): number | undefined {
  // "partial write: field type conflict: … dropped=3"; without a number, the lines themselves were not understood.
  const count = /^partial write: .* dropped=(\d+)$/s.exec(error.trim())?.[1];
  return count === undefined || count === "0" ? undefined : Number(count);
}

/** `{"error":"…"}`, or what a proxy on the way says instead. */
export function errorText(body: Uint8Array): string {
  const text = Buffer.from(body).toString("utf8").trim();
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === "string" ? error : text;
  } catch {
    return text;
  }
}
