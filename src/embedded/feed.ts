/**
 * One feeder for one embedded log, however many workbenches and kernels want it fed: a pid file beside the log names
 * the process that feeds it, and the others take over when that process is gone. Owns the claim, not the records.
 */
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { EmbeddedLog } from "./log.js";
import { embeddedLogPath } from "./log-path.js";
import { type RecordAt, type SteadyWriter, startSteadyWriter } from "./steady-writer.js";

export interface EmbeddedFeed {
  readonly path: string;
  /** True while this process is the one that feeds. */
  feeding(): boolean;
  stop(): Promise<void>;
}

/** Records a second where nobody asks for another rate. */
export const embeddedRatePerSecond = 20;

/** How soon another process notices that the feeder is gone. */
const takeOverEveryMs = 2_000;

/** What a log is fed with. */
export interface Feeding {
  readonly topic: string;
  readonly recordAt: RecordAt;
}

/** Feeds the log of a topic below `dataDirectory`, or stands by while another process does. */
export async function feedEmbeddedLog(options: {
  feeding: Feeding;
  dataDirectory: string;
  ratePerSecond: number;
  /** What this process does with the log as long as it is the one that feeds; answers with the way to end that. */
  whileFeeding?: (log: EmbeddedLog) => Promise<() => Promise<void>>;
}): Promise<EmbeddedFeed> {
  const path = embeddedLogPath(options.dataDirectory, options.feeding.topic);
  const claimPath = `${path}.feeder`;
  await mkdir(dirname(path), { recursive: true });

  let writer: SteadyWriter | undefined;
  let endWork: (() => Promise<void>) | undefined;
  let attempt: Promise<void> | undefined;
  const tryToFeed = async () => {
    if (writer !== undefined || !(await claim(claimPath))) return;
    const started = await startSteadyWriter({
      path,
      ratePerSecond: options.ratePerSecond,
      recordAt: options.feeding.recordAt,
    });
    try {
      endWork = await options.whileFeeding?.(started.log);
      writer = started;
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
    feeding: () => writer !== undefined,
    async stop() {
      clearInterval(standingBy);
      await attempt;
      if (writer === undefined) return;
      await endWork?.();
      await writer.stop();
      writer = undefined;
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
