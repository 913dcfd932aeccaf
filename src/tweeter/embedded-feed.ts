/**
 * One feeder for one embedded log, however many workbenches and kernels want it fed: a pid file beside the log names
 * the process that feeds it, and the others take over when that process is gone. Owns the claim, not the tweets.
 */
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { embeddedLogPath } from "../embedded-log-path.js";
import type { EmbeddedTweetLog } from "./embedded-tweet-log.js";
import { startEmbeddedTweeter } from "./embedded-tweeter.js";

export interface EmbeddedFeed {
  readonly path: string;
  /** True while this process is the one that feeds. */
  feeding(): boolean;
  stop(): Promise<void>;
}

/** Tweets a second where nobody asks for another rate. */
export const embeddedRatePerSecond = 20;

/** How soon another process notices that the feeder is gone. */
const takeOverEveryMs = 2_000;

/** Feeds the log of topic `tweets` below `dataDirectory`, or stands by while another process does. */
export async function feedEmbeddedLog(options: {
  dataDirectory: string;
  ratePerSecond: number;
  /** What this process does with the log as long as it is the one that feeds; answers with the way to end that. */
  whileFeeding?: (log: EmbeddedTweetLog) => Promise<() => Promise<void>>;
}): Promise<EmbeddedFeed> {
  const path = embeddedLogPath(options.dataDirectory, "tweets");
  const claimPath = `${path}.feeder`;
  await mkdir(dirname(path), { recursive: true });

  let tweeter: Awaited<ReturnType<typeof startEmbeddedTweeter>> | undefined;
  let endWork: (() => Promise<void>) | undefined;
  let attempt: Promise<void> | undefined;
  const tryToFeed = async () => {
    if (tweeter !== undefined || !(await claim(claimPath))) return;
    const started = await startEmbeddedTweeter({ path, ratePerSecond: options.ratePerSecond, seed: 1 });
    try {
      endWork = await options.whileFeeding?.(started.log);
      tweeter = started;
    } catch (error) {
      await started.stop();
      await rm(claimPath, { force: true });
      throw error;
    }
  };
  await tryToFeed();
  const standingBy = setInterval(() => {
    if (attempt !== undefined) return;
    // A failing attempt (disk full, say) is made again at the next tick; a working feed needs none.
    attempt = tryToFeed()
      .catch(() => undefined)
      .finally(() => {
        attempt = undefined;
      });
  }, takeOverEveryMs);
  standingBy.unref();

  return {
    path,
    feeding: () => tweeter !== undefined,
    async stop() {
      clearInterval(standingBy);
      await attempt;
      if (tweeter === undefined) return;
      await endWork?.();
      await tweeter.stop();
      tweeter = undefined;
      await rm(claimPath, { force: true });
    },
  };
}

/** True when this process now holds the claim: nobody did, or the holder is dead. */
async function claim(claimPath: string): Promise<boolean> {
  for (let attempts = 0; attempts < 3; attempts += 1) {
    // Written aside and linked: the claim appears with its pid in it, so nobody ever reads a half-made one.
    const draftPath = `${claimPath}.${process.pid}`;
    await writeFile(draftPath, String(process.pid));
    try {
      await link(draftPath, claimPath);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      await rm(draftPath, { force: true });
    }
    const holder = Number(await readFile(claimPath, "utf8").catch(() => ""));
    if (Number.isInteger(holder) && holder > 0 && holder !== process.pid && isAlive(holder)) return false;
    await rm(claimPath, { force: true });
  }
  return false;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
