/** The sample app without a broker: generated tweets for the embedded log, a few of them none. */
import type { Feeding } from "../embedded/feed.js";
import type { EmbeddedRecord } from "../embedded/log.js";
import {
  type RecordAt,
  type SteadyWriter,
  type SteadyWriterOptions,
  startSteadyWriter,
} from "../embedded/steady-writer.js";
import { encodeTweet } from "./tweet.js";
import { generateBadValue, generateTweet, isBad } from "./tweet-generator.js";

export interface EmbeddedTweeterOptions extends Omit<SteadyWriterOptions, "recordAt"> {
  /** The same seed tells the same tweets. Default 1. */
  readonly seed?: number;
  /** One record in so many is no tweet, so that the rejected records have something to show. Default 500; 0 for none. */
  readonly badEvery?: number;
}

/** What the log of topic `tweets` is fed with where there is no broker. */
export const tweetFeeding: Feeding = { topic: "tweets", recordAt: tweetRecordAt({}) };

/** @throws TidetableError LOG_UNREADABLE when the log cannot be opened for writing. */
export function startEmbeddedTweeter(options: EmbeddedTweeterOptions): Promise<SteadyWriter> {
  return startSteadyWriter({ ...options, recordAt: tweetRecordAt(options) });
}

function tweetRecordAt({ seed = 1, badEvery = 500 }: Pick<EmbeddedTweeterOptions, "seed" | "badEvery">): RecordAt {
  return (index: number, timestampMs: number): EmbeddedRecord => {
    const tweet = generateTweet(seed, index, timestampMs);
    const value = isBad(seed, index, badEvery) ? generateBadValue(seed, index) : encodeTweet(tweet);
    return { key: tweet.handle, value, timestampMs };
  };
}
