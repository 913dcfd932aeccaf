/**
 * Between ZeroMQ frames and messages: routing identities, the delimiter, the HMAC, four JSON parts and raw buffers.
 * A message that is malformed or wrongly signed becomes a reason, never an exception. Pure: no socket, no clock.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { isJsonObject, type JsonObject } from "./content.js";
import { type Header, parseHeader } from "./header.js";
import type { SeenSignatures } from "./seen-signatures.js";

const DELIMITER = Buffer.from("<IDS|MSG>");

/** `hmac-sha256` is what every client uses; an empty key means that messages are not signed. */
export interface Signing {
  readonly key: string;
  readonly scheme: string;
}

export interface ReceivedMessage {
  /** Routing identities before the delimiter; a reply carries them back. */
  readonly identities: readonly Uint8Array[];
  readonly header: Header;
  readonly parentHeader: JsonObject;
  readonly metadata: JsonObject;
  readonly content: JsonObject;
  readonly buffers: readonly Uint8Array[];
}

export interface MessageParts {
  readonly identities: readonly Uint8Array[];
  readonly header: JsonObject;
  readonly parentHeader: JsonObject;
  readonly metadata: JsonObject;
  readonly content: JsonObject;
  readonly buffers: readonly Uint8Array[];
}

/** A message to be sent: what it says and what it answers. Its id, date and signature are added at the socket. */
export interface OutgoingMessage {
  readonly type: string;
  /** Raw header of the request this belongs to; `{}` for none. */
  readonly parentHeader: JsonObject;
  readonly content: JsonObject;
  readonly metadata?: JsonObject;
  readonly buffers?: readonly Uint8Array[];
}

export type Decoded =
  | { readonly ok: true; readonly message: ReceivedMessage }
  | { readonly ok: false; readonly reason: string };

/** @param seen when given, a signed message that came before is refused */
export function decodeFrames(frames: readonly Uint8Array[], signing: Signing, seen?: SeenSignatures): Decoded {
  const delimiter = frames.findIndex((frame) => DELIMITER.equals(frame));
  if (delimiter < 0) return refused("no <IDS|MSG> delimiter");
  const [signature, ...parts] = frames.slice(delimiter + 1);
  const signed = parts.slice(0, 4);
  if (signature === undefined || signed.length < 4) {
    return refused(`${frames.length - delimiter - 1} frames after the delimiter; a message has at least 5`);
  }
  if (!verifies(signature, signed, signing)) return refused("the signature does not match");
  if (signing.key !== "" && seen?.isNew(Buffer.from(signature).toString("latin1")) === false) {
    return refused("it has been received before");
  }
  const [header, parentHeader, metadata, content] = signed.map(parseJson);
  const parsed = parseHeader(header);
  if ("reason" in parsed) return refused(parsed.reason);
  if (!isJsonObject(content)) return refused(`the content of a ${parsed.messageType} is not a JSON object`);
  return {
    ok: true,
    message: {
      identities: frames.slice(0, delimiter),
      header: parsed,
      parentHeader: isJsonObject(parentHeader) ? parentHeader : {},
      metadata: isJsonObject(metadata) ? metadata : {},
      content,
      buffers: parts.slice(4),
    },
  };
}

export function encodeFrames(message: MessageParts, signing: Signing): Uint8Array[] {
  const signed = [message.header, message.parentHeader, message.metadata, message.content].map((part) =>
    Buffer.from(JSON.stringify(part, jsonValue)),
  );
  return [...message.identities, DELIMITER, Buffer.from(signatureOf(signed, signing)), ...signed, ...message.buffers];
}

function refused(reason: string): Decoded {
  return { ok: false, reason };
}

function verifies(signature: Uint8Array, signed: readonly Uint8Array[], signing: Signing): boolean {
  if (signing.key === "") return true;
  const expected = Buffer.from(signatureOf(signed, signing));
  return expected.length === signature.length && timingSafeEqual(expected, signature);
}

function signatureOf(signed: readonly Uint8Array[], signing: Signing): string {
  if (signing.key === "") return "";
  const hmac = createHmac(signing.scheme.replace(/^hmac-/, ""), signing.key);
  for (const part of signed) hmac.update(part);
  return hmac.digest("hex");
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch {
    // Not JSON: the caller names the part that is missing.
    return undefined;
  }
}

/** JSON has no bigint, and a display bundle made by a user's code may hold one: exact digits beat a lost message. */
function jsonValue(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
