/** What of gRPC's calls is seen outside of the channel, in words of our own: users of the client need no types of gRPC. */

/** A call that failed, as gRPC tells it. */
export interface CallError extends Error {
  readonly code: number;
  readonly details: string;
  /** What came after the answer. */
  readonly metadata: { get(key: string): ReadonlyArray<string | Buffer> };
}

/** The answers of a call, as they come. */
export interface CallStream<Message> extends AsyncIterable<Message> {
  cancel(): void;
}
