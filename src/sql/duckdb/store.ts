/**
 * Opens the database that an engine process owns: a file of the data directory, or memory. Decides what happens when the
 * file is owned by another kernel (memory, and said), damaged (renamed aside, named, started anew) or not writable
 * (memory, and said). One process opens one store once: two owners of one file lose committed rows without a word.
 */
import { writeFileSync } from "node:fs";
import { access, constants, mkdir, readFile, rename, rm } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { errorMessage, TidetableError } from "../../errors.js";
import { INTERNAL_SCHEMA, MEMORY_CATALOG } from "./generations.js";
import { THREADS } from "./thread-budget.js";

export interface StoreRequest {
  readonly kind: "file" | "memory";
  readonly dataDirectory: string;
}

export interface OpenStore {
  readonly instance: DuckDBInstance;
  /** The file's path, or `memory`. */
  readonly description: string;
  /** What the user should know about how it was opened. */
  readonly notice?: string;
}

/** Counts the ways in which Tidetable has laid out what it keeps. A store of another one is not read. */
const LAYOUT_VERSION = 2;

/** Name of the store in the data directory. */
const STORE_FILE = "tidetable.duckdb";

const MEMORY_LIMIT_MIB_MIN = 512;
const MEMORY_LIMIT_MIB_MAX = 8 * 1024;

export async function openStore(request: StoreRequest): Promise<OpenStore> {
  if (request.kind === "memory") return openMemory();
  const path = join(request.dataDirectory, STORE_FILE);
  try {
    await mkdir(request.dataDirectory, { recursive: true });
    await access(request.dataDirectory, constants.W_OK);
  } catch (error) {
    return openMemory(
      `The store ${path} cannot be written (${errorMessage(error)}); rows are kept in memory and are read again after a restart.`,
    );
  }
  return openFile(path);
}

/** Damage that shows only when rows are read: the next start moves the store aside. */
export function markDamaged(path: string, cause: string): void {
  writeFileSync(markOf(path), firstLine(cause));
}

function markOf(path: string): string {
  return `${path}.is-damaged`;
}

async function readMark(path: string): Promise<string | undefined> {
  try {
    return await readFile(markOf(path), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function openFile(path: string): Promise<OpenStore> {
  try {
    const mark = await readMark(path);
    if (mark !== undefined) {
      const opened = await beginAnew(path, damagedNow(), `was damaged (${mark})`);
      await rm(markOf(path), { force: true });
      return opened;
    }
    const instance = await createInstance(path);
    const version = await layoutVersion(instance);
    if (version === LAYOUT_VERSION) return { instance, description: path };
    instance.closeSync();
    return await beginAnew(
      path,
      `version-${version}`,
      `was written by another version of Tidetable (layout ${version}, this one has ${LAYOUT_VERSION})`,
    );
  } catch (error) {
    if (error instanceof TidetableError) throw error;
    const message = errorMessage(error);
    const owner = /Conflicting lock is held.*?\(PID (\d+)\)/.exec(message)?.[1];
    if (owner !== undefined || /could not set lock/i.test(message)) {
      return openMemory(
        `The store ${path} belongs to another running kernel${owner === undefined ? "" : ` (process ${owner})`}; this one keeps its rows in memory.`,
      );
    }
    if (/permission denied|read-only|no space left/i.test(message)) {
      return openMemory(
        `The store ${path} cannot be opened (${firstLine(message)}); rows are kept in memory and are read again after a restart.`,
      );
    }
    return recover(path, firstLine(message));
  }
}

/** First without its write-ahead log, whose last checkpoint still pairs rows with offsets; then anew. */
async function recover(path: string, cause: string): Promise<OpenStore> {
  const suffix = damagedNow();
  const logPath = `${path}.wal`;
  if (await renameIfPresent(logPath, `${logPath}.${suffix}`)) {
    try {
      const instance = await createInstance(path);
      return {
        instance,
        description: path,
        notice: `The store's log could not be read (${cause}) and was moved to ${logPath}.${suffix}; reading continues from the last checkpoint, so no record is lost.`,
      };
    } catch {
      // The file itself is damaged too: it goes the same way below, with the first cause in the notice.
    }
  }
  return beginAnew(path, suffix, `could not be read (${cause})`);
}

function damagedNow(): string {
  return `damaged-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`;
}

async function beginAnew(path: string, suffix: string, what: string): Promise<OpenStore> {
  const aside = await freePath(`${path}.${suffix}`);
  await renameIfPresent(path, aside);
  await renameIfPresent(`${path}.wal`, `${aside}.wal`);
  try {
    const instance = await createInstance(path);
    await layoutVersion(instance);
    return {
      instance,
      description: path,
      notice: `The store ${what} and was moved to ${aside}; streams are read again from where they begin.`,
    };
  } catch (error) {
    throw new TidetableError(
      "STORE_UNAVAILABLE",
      `The store ${path} cannot be opened: ${firstLine(errorMessage(error))}. Set TIDETABLE_DATA to another folder.`,
      { cause: error },
    );
  }
}

/** A second one of the same version must not replace the first. */
async function freePath(path: string): Promise<string> {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? path : `${path}-${number}`;
    try {
      await access(candidate);
    } catch {
      return candidate;
    }
  }
}

/** The version of a store; a new one gets this one's. */
async function layoutVersion(instance: DuckDBInstance): Promise<number> {
  const connection = await instance.connect();
  try {
    const tables = await connection.runAndReadAll(
      `SELECT table_name FROM duckdb_tables() WHERE schema_name = '${INTERNAL_SCHEMA}'`,
    );
    const names = tables.getRows().map(([name]) => name);
    if (names.includes("layout")) {
      const stored = await connection.runAndReadAll(`SELECT version FROM ${INTERNAL_SCHEMA}.layout`);
      return Number(stored.getRows()[0]?.[0]);
    }
    // The first layout did not say which it was.
    if (names.includes("streams")) return 1;
    await connection.run(`CREATE SCHEMA IF NOT EXISTS ${INTERNAL_SCHEMA}`);
    await connection.run(`CREATE TABLE ${INTERNAL_SCHEMA}.layout AS SELECT ${LAYOUT_VERSION}::INTEGER AS version`);
    return LAYOUT_VERSION;
  } finally {
    connection.closeSync();
  }
}

async function openMemory(notice?: string): Promise<OpenStore> {
  const instance = await createInstance(":memory:");
  return { instance, description: "memory", ...(notice === undefined ? {} : { notice }) };
}

async function createInstance(path: string): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(path, {
    threads: String(THREADS),
    memory_limit: `${memoryLimitMiB()}MiB`,
    // Checkpoints are scheduled by us: automatic ones never come when writers always overlap.
    checkpoint_threshold: "1TB",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
  });
  const connection = await instance.connect();
  try {
    // Timestamps are UTC wherever the notebook runs.
    await connection.run("SET GLOBAL TimeZone = 'UTC'");
    await connection.run(`ATTACH ':memory:' AS ${MEMORY_CATALOG}`);
    await connection.run("SET GLOBAL enable_external_access = false");
    // The one thing that changes while it runs.
    await connection.run("SET GLOBAL allowed_configs = ['threads']");
    await connection.run("SET GLOBAL lock_configuration = true");
  } catch (error) {
    instance.closeSync();
    throw error;
  } finally {
    connection.closeSync();
  }
  return instance;
}

/** Half of the machine, within bounds. */
function memoryLimitMiB(): number {
  const half = Math.floor(totalmem() / 2 / 1024 / 1024);
  return Math.min(MEMORY_LIMIT_MIB_MAX, Math.max(MEMORY_LIMIT_MIB_MIN, half));
}

async function renameIfPresent(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw new TidetableError(
      "STORE_DAMAGED",
      `The store ${from} is damaged and cannot be moved aside: ${errorMessage(error)}.`,
      { cause: error },
    );
  }
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0] ?? message;
}
