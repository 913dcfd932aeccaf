/** The port of where tweets go: a topic of Kafka, or the embedded log. Adapters: kafka-tweet-log.ts, embedded-tweet-log.ts. */

/** One record as it is sent; the value is a tweet's JSON, or on purpose something else. */
export interface TweetRecord {
  /** The speaker's handle: keeps one speaker's tweets in order, on one partition. */
  readonly key: string;
  readonly value: string;
  /** Epoch milliseconds. */
  readonly timestampMs: number;
}

export interface TweetLog {
  /**
   * Resolves when all records are stored.
   * @throws TidetableError PRODUCE_FAILED with how many were acknowledged, LOG_UNREADABLE when the file cannot be written.
   */
  append(records: readonly TweetRecord[]): Promise<void>;
  close(): Promise<void>;
}
