/** What a query of Spark's ended with, read for what to do about it. Pure. */

/** Brokers come back; anything else does not mend itself. */
export function isBrokerTrouble(text: string): boolean {
  return /TimeoutException|DisconnectException|NetworkException|NotLeader|LeaderNotAvailable|BrokerNotAvailable|UnknownTopicOrPartition|NotCoordinator/.test(
    text,
  );
}

/** Spark's own words for records that retention removed say what to set in Scala; ours say what to do here. */
export function readableTrouble(text: string): string {
  if (!/data was lost|KAFKA_DATA_LOSS|failOnDataLoss|OffsetOutOfRange/i.test(text)) return firstLine(text);
  return `Kafka has removed records that were not read yet (${firstLine(text)}). Open the stream under another name, from "earliest" (what is left) or from "latest".`;
}

export function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}
