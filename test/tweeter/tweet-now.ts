import type { Tweet } from "../../src/tweeter/tweet.js";
import { newTweetId } from "../../src/tweeter/tweet-id.js";

/** A tweet of this moment, newer than all before it. */
export function tweetNow(content: string): Tweet {
  const createdAtMs = Date.now();
  return { id: newTweetId(createdAtMs, "ariel"), handle: "ariel", content, createdAtMs };
}
