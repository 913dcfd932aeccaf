/** What a cell may ask of `stream(name, options)`, checked and completed into what the engine takes. Pure. */
import { dirname } from "node:path";
import type { Config } from "../config.js";
import { embeddedLogPath } from "../embedded/log-path.js";
import type { StreamOptions } from "../engine/protocol.js";
import { TidetableError } from "../errors.js";
import type { Retention } from "../sql/sql-engine.js";
import { readDeclaredSchema } from "../streaming/declared-schema.js";
import type { RecordFormat } from "../streaming/record-format.js";
import type { StartPosition } from "../streaming/record-source.js";

const keepDefault: Retention = { rows: 5_000_000 };
const optionNames = [
  "topic",
  "source",
  "group",
  "from",
  "until",
  "ifLost",
  "keep",
  "format",
  "schema",
  "mode",
  "store",
];

/** @throws TidetableError CONFIG_INVALID naming the option, its value and what it may be. */
export function readStreamOptions(name: unknown, options: unknown, config: Config): StreamOptions {
  if (typeof name !== "string" || name === "" || /[\p{Cc}"]/u.test(name) || name.length > 200) {
    throw invalid(`stream(${show(name)}): the first argument is the stream's name, for example stream("tweets").`);
  }
  const given = asOptions(options);
  const { topic, topics } = readTopics(name, given.topic);
  const format = readFormat(given.format);
  const schema = given.schema === undefined ? undefined : readDeclaredSchema(given.schema);
  if (schema !== undefined && (format === "text" || format === "raw")) {
    throw invalid(`schema goes with the formats "json" and "csv"; a stream of ${format} has the one column value.`);
  }
  return {
    name,
    topic,
    ...(topics === undefined ? {} : { topics }),
    source: withGroup(readSource(given.source, topics === undefined ? topic : undefined, config), given, topics),
    from: readPosition("from", given.from) ?? "earliest",
    ...untilOf(readPosition("until", given.until)),
    ...(given.ifLost === undefined
      ? {}
      : { ifLost: readChoice("ifLost", given.ifLost, ["stop", "earliest", "latest"] as const) }),
    keep: readKeep(given.keep),
    format,
    ...(schema === undefined ? {} : { schema }),
    ...(given.mode === undefined ? {} : { mode: readChoice("mode", given.mode, ["append", "upsert"] as const) }),
    ...(given.store === undefined ? {} : { store: readChoice("store", given.store, ["file", "memory"] as const) }),
  };
}

function untilOf(until: StartPosition | undefined): Pick<StreamOptions, "until"> {
  if (until === "earliest") throw invalid('until is "earliest", which ends before anything is read.');
  return until === undefined ? {} : { until };
}

function readChoice<const Choice extends string>(option: string, value: unknown, choices: readonly Choice[]): Choice {
  const chosen = choices.find((choice) => choice === value);
  if (chosen !== undefined) return chosen;
  throw invalid(`${option} is ${show(value)}; it may be ${choices.map((choice) => `"${choice}"`).join(" or ")}.`);
}

function asOptions(options: unknown): Readonly<Record<string, unknown>> {
  if (options === undefined) return {};
  if (!isPlainObject(options)) {
    throw invalid(`the options of stream are ${show(options)}; write an object, as { from: "latest" }.`);
  }
  for (const key of Object.keys(options)) {
    if (!optionNames.includes(key)) throw invalid(`stream has no option "${key}"; it has ${optionNames.join(", ")}.`);
  }
  return options;
}

function readTopics(name: string, topic: unknown): Pick<StreamOptions, "topic" | "topics"> {
  if (topic instanceof RegExp) return { topic: `/${topic.source}/`, topics: { pattern: readPattern(topic) } };
  if (!Array.isArray(topic)) return { topic: readTopic(name, topic) };
  const names = [...new Set(topic.map((one) => readTopic(name, one)))];
  const [only] = names;
  if (only === undefined) throw invalid('topic is an empty list; name at least one, as ["orders", "returns"].');
  return names.length === 1 ? { topic: only } : { topic: names.join(", "), topics: { names } };
}

/** Whole names are matched, so `^` and `$` may be left out. */
function readPattern(pattern: RegExp): string {
  if (pattern.flags !== "" && pattern.flags !== "u") {
    throw invalid(`topic is ${String(pattern)}; topics' names have case, and the flag "${pattern.flags}" is not read.`);
  }
  return pattern.source;
}

/** Kafka's own rule; a name that breaks it is caught here instead of as a missing topic later. */
function readTopic(name: string, topic: unknown): string {
  const chosen = topic ?? name;
  if (typeof chosen === "string" && /^[a-zA-Z0-9._-]{1,249}$/.test(chosen) && chosen !== "." && chosen !== "..") {
    return chosen;
  }
  throw invalid(
    `topic is ${show(chosen)}; a topic's name has letters, digits, ".", "_" and "-" only. A stream with another name takes { topic: "…" }.`,
  );
}

/** @param topic undefined where there are several */
function readSource(source: unknown, topic: string | undefined, config: Config): StreamOptions["source"] {
  if (source === undefined) {
    if (config.brokers.length > 0) return { kind: "kafka", brokers: config.brokers, ...securityOf(config) };
    const path = embeddedLogPath(config.dataDirectory, topic ?? "any");
    return topic === undefined ? { kind: "logFolder", path: dirname(path) } : { kind: "log", path };
  }
  if (isPlainObject(source)) {
    const { brokers, log, logs } = source;
    const given = [brokers, log, logs].filter((value) => value !== undefined).length;
    if (given === 1 && typeof logs === "string" && logs !== "") return { kind: "logFolder", path: logs };
    if (given === 1 && typeof log === "string" && log !== "") {
      if (topic !== undefined) return { kind: "log", path: log };
      throw invalid(`source is one log; several topics take a folder of them, as { logs: "folder" }.`);
    }
    const list = typeof brokers === "string" ? brokers.split(",").map((broker) => broker.trim()) : brokers;
    if (given === 1 && Array.isArray(list) && list.length > 0 && list.every(isBroker)) {
      return { kind: "kafka", brokers: list, ...securityOf(config) };
    }
  }
  throw invalid(
    `source is ${show(source)}; write { brokers: "127.0.0.1:19092" } or { log: "path/of/a.log" }, or leave it out for KAFKA_BROKERS.`,
  );
}

/** Who reads which partition may change at any time, which not everything goes with. */
function withGroup(
  source: StreamOptions["source"],
  { group, until }: Readonly<Record<string, unknown>>,
  topics: StreamOptions["topics"],
): StreamOptions["source"] {
  if (group === undefined) return source;
  if (typeof group !== "string" || group === "" || group.length > 255 || /\p{Cc}/u.test(group)) {
    throw invalid(`group is ${show(group)}; it is the name of a consumer group, as "analytics".`);
  }
  if (source.kind !== "kafka")
    throw invalid(`group is ${show(group)}, but the stream reads a log, which has no groups.`);
  if (topics !== undefined) throw invalid("group goes with one topic; open a stream for each, or leave group out.");
  if (until !== undefined) throw invalid("group goes without until; leave one of the two out.");
  return { ...source, group };
}

/** How this machine speaks to brokers, whichever they are. */
function securityOf({ kafkaSecurity }: Config) {
  return kafkaSecurity === undefined ? {} : { security: kafkaSecurity };
}

function isBroker(broker: unknown): broker is string {
  return typeof broker === "string" && /^[^\s/]+:\d{1,5}$/.test(broker);
}

/** `from` and `until`, which are written alike. */
function readPosition(option: "from" | "until", position: unknown): StartPosition | undefined {
  if (position === undefined || position === "earliest" || position === "latest") return position;
  if (isPlainObject(position) && Object.keys(position).length === 1) {
    const { timestampMs, offsets } = position;
    const ms = timestampMs instanceof Date ? timestampMs.getTime() : timestampMs;
    if (typeof ms === "number" && Number.isFinite(ms) && ms >= 0) return { timestampMs: Math.floor(ms) };
    if (isPlainObject(offsets)) return { offsets: readOffsets(option, offsets) };
  }
  const words = option === "from" ? '"earliest", "latest"' : '"latest" (what is there now)';
  throw invalid(
    `${option} is ${show(position)}; it may be ${words}, { timestampMs: 1700000000000 } or { offsets: { 0: 1200 } }.`,
  );
}

function readOffsets(option: string, offsets: Readonly<Record<string, unknown>>): Readonly<Record<number, bigint>> {
  const read: Record<number, bigint> = {};
  for (const [partition, offset] of Object.entries(offsets)) {
    const isOffset = typeof offset === "bigint" || (typeof offset === "number" && Number.isSafeInteger(offset));
    if (!/^\d+$/.test(partition) || !isOffset || offset < 0) {
      throw invalid(
        `${option}.offsets has ${partition}: ${show(offset)}; write partition numbers with their next offset, as { 0: 1200 }.`,
      );
    }
    read[Number(partition)] = BigInt(offset);
  }
  return read;
}

function readKeep(keep: unknown): Retention {
  if (keep === undefined) return keepDefault;
  if (isPlainObject(keep) && Object.keys(keep).length === 1) {
    const { rows, bytes, ms } = keep;
    if (isPositive(rows)) return { rows };
    if (isPositive(bytes)) return { bytes };
    if (isPositive(ms)) return { ms };
  }
  throw invalid(
    `keep is ${show(keep)}; a table always has a bound: { rows: 1_000_000 }, { bytes: 2_000_000_000 } or { ms: 3_600_000 }.`,
  );
}

function isPositive(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

function readFormat(format: unknown): RecordFormat {
  if (format === undefined) return "json";
  if (format === "json" || format === "csv" || format === "text" || format === "raw") return format;
  if (isPlainObject(format) && Object.keys(format).length === 1 && isPlainObject(format.csv)) {
    const { delimiter = ",", ...others } = format.csv;
    if (typeof delimiter === "string" && /^[^"\r\n]$/u.test(delimiter) && Object.keys(others).length === 0) {
      return { csv: { delimiter } };
    }
    throw invalid(
      `format is ${show(format)}; csv has the option delimiter, one character, as { csv: { delimiter: ";" } }.`,
    );
  }
  throw invalid(
    `format is ${show(format)}; this version reads "json", "csv", "text" and "raw", and { csv: { delimiter: ";" } }.`,
  );
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function show(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (value instanceof RegExp) return String(value);
  return JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? `${item}n` : item)) ?? String(value);
}

function invalid(message: string): TidetableError {
  return new TidetableError("CONFIG_INVALID", message);
}
