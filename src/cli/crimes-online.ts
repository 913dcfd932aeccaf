/** `tidetable crimes online`: the demo's first job, from a topic into a time series of InfluxDB, until it is stopped. */
import { writeOnline } from "../crime/online.js";
import { readInfluxdbSettings } from "../sink-settings.js";
import { Influxdb } from "../sinks/influxdb.js";
import { KafkaRecordSource } from "../streaming/kafka/record-source.js";
import type { CommandContext } from "./command.js";
import { parseOptions, UsageError } from "./command.js";
import { kafkaOfCommand } from "./kafka-of-command.js";
import { number } from "./progress.js";

const lineEveryMs = 5_000;

export async function crimesOnline(context: CommandContext): Promise<number> {
  const { values } = parseOptions(context.arguments, {
    topic: { type: "string" },
    brokers: { type: "string" },
    influxdb: { type: "string" },
    database: { type: "string" },
    until: { type: "string" },
  });
  if (values.until !== undefined && values.until !== "latest") {
    throw new UsageError(`--until is "${values.until}"; it takes latest, to end with what is there now`);
  }
  const settings = readInfluxdbSettings({
    ...context.environment,
    ...(values.influxdb === undefined ? {} : { INFLUXDB_URL: values.influxdb }),
    ...(values.database === undefined ? {} : { INFLUXDB_DATABASE: values.database }),
  });
  const influxdb = new Influxdb(settings);
  const topic = values.topic ?? "crimes";
  context.warn(`Crimes of ${topic} go to ${settings.url}, database ${settings.database}. Ctrl-C stops it.`);
  let toldAtMs = performance.now();
  let retried = { cause: "", toldAtMs: 0 };
  const progress = await writeOnline({
    source: new KafkaRecordSource(kafkaOfCommand(context, values.brokers)),
    topic,
    influxdb,
    untilLatest: values.until === "latest",
    signal: context.signal,
    onProgress: ({ points, rejected, dropped, lag }) => {
      const wrong = rejected + dropped === 0 ? "" : `, ${number(rejected)} no crimes, ${number(dropped)} not taken`;
      const line = `${number(points)} points written, ${lag.toLocaleString("en")} records to go${wrong}`;
      if (context.status !== undefined) return context.status(line);
      if (performance.now() - toldAtMs < lineEveryMs) return;
      toldAtMs = performance.now();
      context.warn(line);
    },
    onRetry: (cause) => {
      // At the start it is asked twice a second.
      if (cause === retried.cause && performance.now() - retried.toldAtMs < lineEveryMs) return;
      retried = { cause, toldAtMs: performance.now() };
      context.warn(`InfluxDB at ${settings.url}: ${cause}; trying again`);
    },
  }).catch((error: unknown) => {
    // Ctrl-C while it waited for a server is no fault of the server.
    if (context.signal.aborted) return undefined;
    throw error;
  });
  if (progress === undefined) {
    context.print("Stopped; nothing was written.");
    return 0;
  }
  const { points, rejected, dropped, lastReason } = progress;
  context.print(`${number(points)} points written, ${number(rejected)} records were no crime`);
  if (dropped > 0) context.print(`  InfluxDB did not take ${number(dropped)} points, the last because: ${lastReason}`);
  return dropped === 0 ? 0 : 1;
}
