/** `tidetable crimes offline`: the demo's second job, from all of a topic to a map in a bucket; once, or again and again. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { quietCell } from "../cells/console-cell.js";
import { readConfig } from "../config.js";
import { writeHeatMap } from "../crime/offline.js";
import { errorMessage, TidetableError } from "../errors.js";
import { openTidetable } from "../session.js";
import { readBucketSettings } from "../sink-settings.js";
import { Bucket } from "../sinks/s3.js";
import type { CommandContext } from "./command.js";
import { parseOptions, wholeNumber } from "./command.js";
import { kafkaOfCommand } from "./kafka-of-command.js";
import { number } from "./progress.js";

/** After a round that failed; a topic without crimes, which may have some in a moment, is one. */
const againSeconds = 5;

export async function crimesOffline(context: CommandContext): Promise<number> {
  const { values } = parseOptions(context.arguments, {
    topic: { type: "string" },
    brokers: { type: "string" },
    s3: { type: "string" },
    bucket: { type: "string" },
    prefix: { type: "string" },
    every: { type: "string" },
  });
  const everySeconds = wholeNumber("every", values.every, { min: 1, max: 86_400 });
  const settings = readBucketSettings({
    ...context.environment,
    ...(values.s3 === undefined ? {} : { S3_ENDPOINT: values.s3 }),
    ...(values.bucket === undefined ? {} : { S3_BUCKET: values.bucket }),
  });
  const job = { topic: values.topic ?? "crimes", bucket: new Bucket(settings), prefix: values.prefix ?? "" };
  const { brokers } = kafkaOfCommand(context, values.brokers);
  for (;;) {
    let waitSeconds = everySeconds ?? 0;
    try {
      await once(context, brokers.join(","), job, settings.bucket);
    } catch (error) {
      // Told to stop in the middle, or a server that is away for this one round.
      if (context.signal.aborted) return 0;
      if (everySeconds === undefined || !(error instanceof TidetableError)) throw error;
      waitSeconds = Math.min(everySeconds, againSeconds);
      context.warn(`${errorMessage(error)} Trying again in ${waitSeconds} s.`);
    }
    if (everySeconds === undefined) return 0;
    await delay(waitSeconds * 1000, undefined, { signal: context.signal }).catch(() => undefined);
    if (context.signal.aborted) return 0;
  }
}

async function once(
  context: CommandContext,
  brokers: string,
  job: { readonly topic: string; readonly bucket: Bucket; readonly prefix: string },
  bucketName: string,
): Promise<void> {
  // What it reads is for this map alone; a notebook's store of the same name stays as it is.
  const directory = await mkdtemp(join(tmpdir(), "tidetable-offline-"));
  const environment = { ...context.environment, KAFKA_BROKERS: brokers, TIDETABLE_DATA: directory };
  const session = openTidetable({
    config: readConfig(environment, context.workingDirectory),
    currentCell: () => quietCell(context.signal),
    workingDirectory: context.workingDirectory,
  });
  try {
    const { map, pageKey, cellsKey, rejected } = await writeHeatMap({
      ...job,
      library: session.library,
      signal: context.signal,
      onProgress: context.warn,
    });
    const unreadable = rejected === 0 ? "" : `; ${number(rejected)} records were no crime`;
    context.print(
      `${number(map.crimes)} crimes (${number(map.withoutPlace)} without a place) are ${pageKey} and ${cellsKey} of bucket ${bucketName}${unreadable}`,
    );
  } finally {
    await session.close();
    await rm(directory, { recursive: true, force: true });
  }
}
