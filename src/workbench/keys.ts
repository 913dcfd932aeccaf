/**
 * The secrets that outlive a workbench: what its cookie holds, and what view-only links are signed with. Kept in a file
 * that only its user can read, so that pages which were open before a restart are let in again. The token of the printed
 * address is not among them: that is new with each start.
 */
import { constants } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { newToken } from "./access.js";
import { replaceFile } from "./replace-file.js";

export interface Keys {
  /** The value of the owner's cookie. */
  readonly session: string;
  /** What the token of a view-only link is made from. */
  readonly view: string;
}

const daysMax = 30;
const fileBytesMax = 4096;

export function newKeys(): Keys {
  return { session: newToken(), view: newToken() };
}

/** Reads the file, or makes it anew: when there is none, when others may read it, when it is old or is not ours. */
export async function openKeys(file: string, nowMs = Date.now()): Promise<Keys> {
  const kept = await readKeys(file, nowMs);
  if (kept !== undefined) return kept;
  const keys = newKeys();
  await saveKeys(file, keys, nowMs);
  return keys;
}

export async function saveKeys(file: string, keys: Keys, nowMs = Date.now()): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await replaceFile(file, JSON.stringify({ ...keys, madeAtMs: nowMs }), 0o600);
}

async function readKeys(file: string, nowMs: number): Promise<Keys | undefined> {
  const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const status = await handle.stat();
    const isOurs = process.getuid === undefined || (status.uid === process.getuid() && (status.mode & 0o077) === 0);
    if (!status.isFile() || !isOurs || status.size > fileBytesMax) return undefined;
    return keysFrom(await handle.readFile("utf8"), nowMs);
  } finally {
    await handle.close();
  }
}

function keysFrom(text: string, nowMs: number): Keys | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Half a file of a machine that lost its power is as good as none.
    return undefined;
  }
  const { session, view, madeAtMs } = (value ?? {}) as Record<string, unknown>;
  const isFresh = typeof madeAtMs === "number" && madeAtMs <= nowMs && nowMs - madeAtMs < daysMax * 86_400_000;
  return isFresh && isSecret(session) && isSecret(view) ? { session, view } : undefined;
}

function isSecret(value: unknown): value is string {
  return typeof value === "string" && /^[\w-]{43}$/.test(value);
}
