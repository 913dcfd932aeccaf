/**
 * Jupyter messages as a client of a kernel sees them, and their two wire forms: signed zmq frames towards the kernel,
 * one binary websocket message (`v1.kernel.websocket.jupyter.org`) towards the page. Pure. A message is kept as the
 * bytes it came in; only what has to be looked at is parsed.
 */
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

export const channels = ["shell", "control", "stdin", "iopub"] as const;
export type Channel = (typeof channels)[number];

/** Header, parent header, metadata and content as JSON bytes, then the binary buffers: the order of the wire. */
export type MessageParts = readonly Uint8Array[];

/** What a kernel and its clients share; written as a file for the kernel. */
export interface ConnectionInfo {
  readonly ip: string;
  readonly transport: "tcp";
  readonly shell_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly control_port: number;
  readonly hb_port: number;
  readonly key: string;
  readonly signature_scheme: "hmac-sha256";
  readonly kernel_name: string;
}

export interface MessageHeader {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
}

const delimiter = Buffer.from("<IDS|MSG>");
const jsonParts = 4;

export function composeMessage(type: string, content: unknown, session: string): MessageParts {
  const header = {
    msg_id: randomUUID(),
    msg_type: type,
    session,
    username: "workbench",
    date: new Date().toISOString(),
    version: "5.3",
  };
  return [header, {}, {}, content].map((part) => Buffer.from(JSON.stringify(part)));
}

export function headerOf(parts: MessageParts): MessageHeader {
  return headerFrom(parts[0]);
}

export function parentHeaderOf(parts: MessageParts): MessageHeader {
  return headerFrom(parts[1]);
}

/** @throws SyntaxError when the content is not JSON */
export function contentOf(parts: MessageParts): Record<string, unknown> {
  return JSON.parse(Buffer.from(parts[3] ?? []).toString("utf8")) as Record<string, unknown>;
}

/** Missing fields read as empty text: a header is never trusted to be whole. */
function headerFrom(bytes: Uint8Array | undefined): MessageHeader {
  const header = JSON.parse(Buffer.from(bytes ?? Buffer.from("{}")).toString("utf8")) as Record<string, unknown> | null;
  const text = (key: string) => {
    const value = header?.[key];
    return typeof value === "string" ? value : "";
  };
  return { msg_id: text("msg_id"), msg_type: text("msg_type"), session: text("session") };
}

export function toKernelFrames(parts: MessageParts, key: string): Uint8Array[] {
  return [delimiter, Buffer.from(signature(parts, key)), ...parts];
}

/** The message in frames from a kernel; undefined when it is not one or is not signed with `key`. */
export function fromKernelFrames(frames: readonly Uint8Array[], key: string): MessageParts | undefined {
  const start = frames.findIndex((frame) => delimiter.equals(frame));
  const parts = frames.slice(start + 2);
  const given = frames[start + 1];
  if (start === -1 || given === undefined || parts.length < jsonParts) return undefined;
  const expected = Buffer.from(signature(parts, key));
  return given.length === expected.length && timingSafeEqual(given, expected) ? parts : undefined;
}

function signature(parts: MessageParts, key: string): string {
  const hmac = createHmac("sha256", key);
  for (const part of parts.slice(0, jsonParts)) hmac.update(part);
  return hmac.digest("hex");
}

/**
 * Websocket form: a count of offsets, the offsets (unsigned 64-bit, little endian), the channel's name, the parts.
 */
export function toWebSocketMessage(channel: Channel, parts: MessageParts): Buffer {
  const pieces = [Buffer.from(channel), ...parts];
  const head = Buffer.alloc(8 * (pieces.length + 2));
  head.writeBigUInt64LE(BigInt(pieces.length + 1), 0);
  let offset = head.length;
  for (const [index, piece] of pieces.entries()) {
    head.writeBigUInt64LE(BigInt(offset), 8 * (index + 1));
    offset += piece.length;
  }
  head.writeBigUInt64LE(BigInt(offset), 8 * (pieces.length + 1));
  return Buffer.concat([head, ...pieces], offset);
}

/** The reverse; undefined when the bytes are not such a message. */
export function fromWebSocketMessage(bytes: Buffer): { channel: Channel; parts: MessageParts } | undefined {
  const offsets = readOffsets(bytes);
  if (offsets === undefined) return undefined;
  const pieces = offsets.slice(1).map((end, index) => bytes.subarray(offsets[index], end));
  const [name, ...parts] = pieces;
  const channel = channels.find((known) => known === name?.toString("utf8"));
  return channel === undefined || parts.length < jsonParts ? undefined : { channel, parts };
}

function readOffsets(bytes: Buffer): number[] | undefined {
  if (bytes.length < 8) return undefined;
  const count = bytes.readBigUInt64LE(0);
  if (count < 2n || count > BigInt(Math.floor(bytes.length / 8) - 1)) return undefined;
  const offsets: number[] = [];
  let previous = 8 * (Number(count) + 1);
  for (let index = 1; index <= Number(count); index++) {
    const offset = bytes.readBigUInt64LE(8 * index);
    if (offset < BigInt(previous) || offset > BigInt(bytes.length)) return undefined;
    previous = Number(offset);
    offsets.push(previous);
  }
  return offsets;
}
