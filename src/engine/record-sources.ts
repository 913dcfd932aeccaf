/** Makes the record source that a stream's options name. */

import { kafkaConnection } from "../streaming/kafka/connection.js";
import { KafkaGroupSource } from "../streaming/kafka/group.js";
import { KafkaRecordSource } from "../streaming/kafka/record-source.js";
import { LogFolderSource } from "../streaming/log/folder-source.js";
import { LogRecordSource } from "../streaming/log/record-source.js";
import type { RecordSource } from "../streaming/record-source.js";
import type { StreamOptions } from "./protocol.js";

export function createRecordSource(source: StreamOptions["source"]): RecordSource {
  switch (source.kind) {
    case "log":
      return new LogRecordSource({ path: source.path });
    case "logFolder":
      return new LogFolderSource({ folder: source.path });
    case "kafka": {
      const connection = kafkaConnection(source.brokers, source.security);
      return source.group === undefined
        ? new KafkaRecordSource(connection)
        : new KafkaGroupSource(connection, source.group);
    }
  }
}

/** Which offsets these are: stored ones are only good for the same log, or the same cluster and topic. Asks the cluster. */
export async function identifiedOrigin(
  source: RecordSource,
  options: StreamOptions,
  limits: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<string> {
  if (source.identity === undefined) return originOf(options);
  return `topic ${options.topic} of ${await source.identity(limits)}`;
}

/** The same by addresses alone, for an engine that reads topics by itself. */
export function originOf(options: StreamOptions): string {
  const { source, topic } = options;
  switch (source.kind) {
    case "log":
      return `the log ${source.path}`;
    case "logFolder":
      return `${topic} of the logs in ${source.path}`;
    case "kafka":
      return `topic ${topic} of ${[...source.brokers].sort().join(",")}`;
  }
}
