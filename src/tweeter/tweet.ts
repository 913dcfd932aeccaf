/** What a tweet is, which ones are refused and why, and its spelling on a topic. Pure. */

export interface Tweet {
  readonly id: string;
  /** Who says it, without the @. */
  readonly handle: string;
  readonly content: string;
  /** Epoch milliseconds. */
  readonly createdAtMs: number;
}

/** In code points, as a person counts them; an emoji made of one code point is one. */
export const contentLengthMax = 140;
export const handleLengthMax = 15;

/** Why a tweet is refused, in words for the person who wrote it; undefined for a good one. */
export function refusalReason(tweet: Pick<Tweet, "handle" | "content">): string | undefined {
  const { handle, content } = tweet;
  if (handle === "") return "the handle is empty";
  if (!handle.isWellFormed() || !content.isWellFormed()) return "half of a character is missing (a lone surrogate)";
  if (/\s/.test(handle)) return `the handle "${handle}" has a space in it`;
  // Neither shows: two handles would look like one.
  if (/[\p{Cc}\p{Cf}]/u.test(handle)) return "the handle has a control or an invisible character in it";
  const handleLength = codePoints(handle);
  if (handleLength > handleLengthMax)
    return `the handle has ${handleLength} characters; ${handleLengthMax} are allowed`;
  if (/[^\P{Cc}\t\n]/u.test(content)) return "the tweet has a control character in it";
  if (content.trim() === "") return "the tweet is empty";
  const contentLength = codePoints(content);
  if (contentLength > contentLengthMax)
    return `the tweet has ${contentLength} characters; ${contentLengthMax} are allowed`;
  return undefined;
}

/** As others see it: `{"id":…,"content":…,"created_at":"2026-01-31T12:00:00.000Z","handle":…}`. */
export function tweetFields(tweet: Tweet) {
  return {
    id: tweet.id,
    content: tweet.content,
    created_at: new Date(tweet.createdAtMs).toISOString(),
    handle: tweet.handle,
  };
}

/** The record's value on a topic. */
export function encodeTweet(tweet: Tweet): string {
  return JSON.stringify(tweetFields(tweet));
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
