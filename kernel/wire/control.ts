/** Requests of the control channel: shutdown and interrupt. Pure. */
import { flagField, type JsonObject } from "./content.js";

export function parseShutdownRequest(content: JsonObject): { readonly restart: boolean } {
  return { restart: flagField(content, "restart", false) };
}

export function shutdownReply(restart: boolean): JsonObject {
  return { status: "ok", restart };
}

export function interruptReply(): JsonObject {
  return { status: "ok" };
}
