/** Comms: a two-way channel between an object in the front-end and one in the kernel. Pure. */
import { type JsonObject, objectField, optionalTextField, textField } from "./content.js";

export interface CommOpen {
  readonly commId: string;
  readonly targetName: string;
  readonly data: JsonObject;
}

export interface CommMessage {
  readonly commId: string;
  readonly data: JsonObject;
}

export function parseCommOpen(content: JsonObject): CommOpen {
  return { ...parseCommMessage(content), targetName: textField(content, "target_name", "") };
}

/** Also `comm_close`, which has the same fields. */
export function parseCommMessage(content: JsonObject): CommMessage {
  return { commId: textField(content, "comm_id", ""), data: objectField(content, "data") };
}

export function commOpen(comm: CommOpen): JsonObject {
  return { comm_id: comm.commId, target_name: comm.targetName, data: comm.data };
}

/** `comm_msg` and `comm_close`. */
export function commMessage(message: CommMessage): JsonObject {
  return { comm_id: message.commId, data: message.data };
}

/** The target that the request asks for, or undefined for all. */
export function parseCommInfoRequest(content: JsonObject): { readonly targetName: string | undefined } {
  return { targetName: optionalTextField(content, "target_name") };
}

export function commInfoReply(comms: ReadonlyArray<{ commId: string; targetName: string }>): JsonObject {
  return {
    status: "ok",
    comms: Object.fromEntries(comms.map((comm) => [comm.commId, { target_name: comm.targetName }])),
  };
}
