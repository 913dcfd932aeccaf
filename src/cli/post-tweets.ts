/**
 * `tidetable post-tweets`: posts tweets, generated or a file's, to a Tweeter (`--url`) or straight to a topic, with
 * progress, and says at the end what became of them.
 */
import { resolve } from "node:path";
import { postToUrl, type UrlOutcome } from "../tweeter/post-to-url.js";
import { postTweets } from "../tweeter/post-tweets.js";
import { generateTweet } from "../tweeter/tweet-generator.js";
import { readLines } from "../tweeter/tweet-lines.js";
import type { CommandContext } from "./command.js";
import { parseOptions, UsageError, wholeNumber } from "./command.js";
import { kafkaOfCommand } from "./kafka-of-command.js";
import { duration, number, progressTeller } from "./progress.js";

export async function postTweetsCommand(context: CommandContext): Promise<number> {
  const { values } = parseOptions(context.arguments, {
    url: { type: "string" },
    lines: { type: "string" },
    concurrency: { type: "string" },
    count: { type: "string" },
    rate: { type: "string" },
    topic: { type: "string" },
    brokers: { type: "string" },
    seed: { type: "string" },
  });
  const given = {
    count: wholeNumber("count", values.count, { min: 1, max: 1_000_000_000 }),
    ratePerSecond: wholeNumber("rate", values.rate, { min: 0, max: 1_000_000 }),
    seed: wholeNumber("seed", values.seed, { min: 0, max: 2 ** 31 }) ?? 1,
  };
  if (values.url === undefined) {
    if (values.lines !== undefined || values.concurrency !== undefined) {
      throw new UsageError("--lines and --concurrency need --url, the address of a Tweeter");
    }
    return await toTopic(context, values, given);
  }
  if (values.topic !== undefined || values.brokers !== undefined) {
    throw new UsageError("--url posts to a Tweeter, --brokers and --topic to Kafka: give one or the other");
  }
  const concurrency = wholeNumber("concurrency", values.concurrency, { min: 1, max: 1_000 }) ?? 32;
  return await toUrl(context, values.url, values.lines, { ...given, concurrency });
}

interface Given {
  readonly count: number | undefined;
  readonly ratePerSecond: number | undefined;
  readonly seed: number;
}

async function toUrl(
  context: CommandContext,
  url: string,
  file: string | undefined,
  given: Given & { readonly concurrency: number },
): Promise<number> {
  const lines = file === undefined ? undefined : await readLines(resolve(context.workingDirectory, file));
  const count = given.count ?? lines?.length ?? 100_000;
  const outcome = await postToUrl({
    url,
    count,
    ratePerSecond: given.ratePerSecond ?? 2_000,
    concurrency: given.concurrency,
    lineAt: (index) => lines?.[index % lines.length] ?? generateTweet(given.seed, index, 0),
    signal: context.signal,
    onProgress: progressTeller(context, ({ done, stored, refused, failed, retried, ratePerSecond, remainingMs }) => {
      const errors = refused + failed === 0 ? "" : `, ${number(refused + failed)} errors`;
      const again = retried === 0 ? "" : `, ${number(retried)} retries`;
      const text = `${number(stored)} of ${number(count)}, ${number(ratePerSecond)}/s, ${duration(remainingMs)} to go${again}${errors}`;
      return { share: done / count, text };
    }),
  });
  for (const line of summary(outcome, context.signal.aborted)) context.print(line);
  return outcome.stored === outcome.sent ? 0 : 1;
}

function summary(outcome: UrlOutcome, stopped: boolean): readonly string[] {
  const { sent, stored, repeated, retried, refused, failed, elapsedMs, p50Ms, p99Ms, reason } = outcome;
  const rate = stored / Math.max(0.001, elapsedMs / 1000);
  return [
    `${number(sent)} tweets sent in ${duration(elapsedMs)}${stopped ? " (stopped)" : ""}, ${number(rate)}/s`,
    `  stored   ${number(stored)}${repeated === 0 ? "" : ` (${number(repeated)} by an earlier try)`}`,
    `  retried  ${number(retried)}`,
    `  refused  ${number(refused)}`,
    `  failed   ${number(failed)}`,
    `  answered within ${p50Ms.toFixed(1)} ms (p50), ${p99Ms.toFixed(1)} ms (p99)`,
    ...(refused + failed > 0 && reason !== undefined ? [`  last reason: ${reason}`] : []),
  ];
}

async function toTopic(
  context: CommandContext,
  values: { readonly topic?: string | undefined; readonly brokers?: string | undefined },
  given: Given,
): Promise<number> {
  const count = given.count ?? 100_000;
  const ratePerSecond = given.ratePerSecond ?? 2_000;
  if (ratePerSecond === 0) throw new UsageError('--rate is "0"; a topic takes a whole number from 1 to 1000000');
  const connection = kafkaOfCommand(context, values.brokers);
  const topic = values.topic ?? "tweets";
  const outcome = await postTweets({
    brokers: connection.brokers,
    connection,
    topic,
    count,
    ratePerSecond,
    seed: given.seed,
    signal: context.signal,
    onProgress: (progress) => context.warn(progressLine(progress.acknowledged, count, progress.ratePerSecond)),
  });
  const stopped = context.signal.aborted ? " (stopped)" : "";
  const failed = outcome.failed === 0 ? "" : `, ${outcome.failed.toLocaleString("en")} failed`;
  context.print(`${outcome.acknowledged.toLocaleString("en")} tweets acknowledged by ${topic}${failed}${stopped}`);
  return outcome.failed === 0 ? 0 : 1;
}

function progressLine(acknowledged: number, count: number, ratePerSecond: number): string {
  const remainingSeconds = ratePerSecond > 0 ? Math.ceil((count - acknowledged) / ratePerSecond) : undefined;
  const eta = remainingSeconds === undefined ? "" : `, ${remainingSeconds} s to go`;
  const percent = Math.floor((acknowledged / count) * 100);
  return `${acknowledged.toLocaleString("en")} of ${count.toLocaleString("en")} (${percent} %), ${Math.round(ratePerSecond).toLocaleString("en")}/s${eta}`;
}
