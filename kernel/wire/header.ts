/**
 * Message headers: who sent what, when, in which session. The only place that knows how a header's fields are spelt
 * on the wire. The raw header is kept beside the parsed one, because a reply echoes it as its parent, unknown fields
 * included. Pure: ids and dates are handed in.
 */
import { isJsonObject, type JsonObject, optionalTextField, textField } from "./content.js";

/** The version of the Jupyter messaging protocol that every header, kernel_info and the kernelspec agree on. */
export const PROTOCOL_VERSION = "5.5";

export interface Header {
  readonly messageId: string;
  readonly messageType: string;
  readonly session: string;
  readonly username: string;
  /** ISO 8601. */
  readonly date: string;
  readonly version: string;
  /** Set when the request belongs to a subshell. */
  readonly subshellId?: string;
  /** As it came; what a reply carries as its parent header. */
  readonly raw: JsonObject;
}

/** The header, or why it is none. */
export function parseHeader(value: unknown): Header | { readonly reason: string } {
  if (!isJsonObject(value)) return { reason: "the header is not a JSON object" };
  const messageType = textField(value, "msg_type", "");
  if (messageType === "") return { reason: "the header has no msg_type" };
  const messageId = textField(value, "msg_id", "");
  if (messageId === "") return { reason: `the header of a ${messageType} has no msg_id` };
  const subshellId = optionalTextField(value, "subshell_id");
  return {
    messageId,
    messageType,
    session: textField(value, "session", ""),
    username: textField(value, "username", ""),
    date: textField(value, "date", ""),
    version: textField(value, "version", ""),
    ...(subshellId === undefined ? {} : { subshellId }),
    raw: value,
  };
}

/** The wire form of a header of our own. */
export function makeHeader(fields: {
  messageId: string;
  messageType: string;
  session: string;
  date: string;
}): JsonObject {
  return {
    msg_id: fields.messageId,
    msg_type: fields.messageType,
    session: fields.session,
    username: "tidetable",
    date: fields.date,
    version: PROTOCOL_VERSION,
  };
}

/** The type of the reply to a request; undefined for a message that has none. */
export function replyTo(messageType: string): string | undefined {
  return messageType.endsWith("_request") ? messageType.replace(/_request$/, "_reply") : undefined;
}
