/**
 * The folder of downloaded components (servers for tests, a Python environment, a second Node), shared by every
 * process of this machine. Owns "installed once": a component is made aside, then renamed into place, and a lock keeps
 * two processes from making it twice. Knows no component.
 */
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readConfig } from "../../src/config.js";
import { errorMessage, TidetableError } from "../../src/errors.js";

/** Where components live: `TIDETABLE_CACHE`, or `tidetable` in the user's cache folder. */
export function cacheDirectory(): string {
  // Nothing else of the environment matters here, so nothing else can be wrong with it.
  const { TIDETABLE_CACHE, XDG_CACHE_HOME } = process.env;
  return readConfig({ TIDETABLE_CACHE, XDG_CACHE_HOME }, process.cwd()).cacheDirectory;
}

export interface Component {
  /** Folder name below the cache, version included: `kafka-4.4.0`. */
  readonly name: string;
  /** Changes when the recipe changes; a folder with another stamp is made anew. */
  readonly stamp: string;
  /** Fills the empty `directory`. Whatever it throws leaves the cache as it was. */
  install(directory: string, progress: Progress): Promise<void>;
  /**
   * Set for what remembers its own path (a virtual environment) and so cannot be renamed: it is made in place, and only
   * its stamp, written last, says that it is whole.
   */
  readonly inPlace?: boolean;
}

/** Takes one line of what is happening, for the person who waits. */
export type Progress = (line: string) => void;

const stampFile = ".tidetable-stamp";
/** A holder touches its lock this often; a lock left alone this long belongs to a process that died. */
const lockTouchMs = 2_000;
const lockStaleMs = 15_000;
const installTimeoutMs = 15 * 60_000;

/**
 * The folder of a component, installed first if it is not there. Safe to call from several processes at once.
 * @throws TidetableError COMPONENT_MISSING when another process has been installing it for a quarter of an hour.
 */
export async function installOnce(component: Component, progress: Progress = printProgress): Promise<string> {
  const root = cacheDirectory();
  const directory = join(root, component.name);
  if (await isInstalled(directory, component.stamp)) return directory;
  await mkdir(root, { recursive: true });
  const release = await lock(join(root, `${component.name}.lock`), component.name, progress);
  try {
    if (await isInstalled(directory, component.stamp)) return directory;
    await rm(directory, { recursive: true, force: true });
    const workDirectory = component.inPlace ? directory : `${directory}.making`;
    await rm(workDirectory, { recursive: true, force: true });
    await mkdir(workDirectory, { recursive: true });
    const startedMs = performance.now();
    await component.install(workDirectory, progress);
    await writeFile(join(workDirectory, stampFile), component.stamp);
    if (!component.inPlace) await rename(workDirectory, directory);
    progress(`${component.name}: ready after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    return directory;
  } finally {
    await release();
  }
}

function printProgress(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function isInstalled(directory: string, stamp: string): Promise<boolean> {
  try {
    return (await readFile(join(directory, stampFile), "utf8")) === stamp;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/**
 * Waits until no other process holds `path`, and holds it until the returned function is called. Creating a folder is
 * atomic, so it is the lock; the holder keeps its time fresh.
 */
export async function lock(path: string, name: string, progress: Progress): Promise<() => Promise<void>> {
  const deadlineMs = performance.now() + installTimeoutMs;
  for (let told = false; ; ) {
    try {
      await mkdir(path);
      return keepLock(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (await isStale(path)) {
      await rm(path, { recursive: true, force: true });
      continue;
    }
    if (!told) progress(`${name}: another process is installing it, waiting`);
    told = true;
    if (performance.now() > deadlineMs) {
      throw new TidetableError(
        "COMPONENT_MISSING",
        `${name} has been under installation by another process for 15 minutes. If none is running, remove ${path} and try again.`,
      );
    }
    await delay(200);
  }
}

function keepLock(path: string): () => Promise<void> {
  const touching = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch((error: unknown) => {
      // The lock was taken for stale (a machine that slept): the install still ends in one atomic rename.
      if (!isMissing(error)) process.stderr.write(`${path}: ${errorMessage(error)}\n`);
    });
  }, lockTouchMs);
  touching.unref();
  return async () => {
    clearInterval(touching);
    await rm(path, { recursive: true, force: true });
  };
}

async function isStale(path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > lockStaleMs;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
