/**
 * The subshells there are. Kept in the worker, so that a front-end gets one also while the main thread computes; the
 * main thread only sees the ids that requests carry.
 */
import { randomUUID } from "node:crypto";
import type { JsonObject } from "../wire/content.js";
import {
  createSubshellReply,
  deleteSubshellReply,
  listSubshellReply,
  parseDeleteSubshellRequest,
  unknownSubshellReply,
} from "../wire/subshell.js";

export class Subshells {
  readonly #ids = new Set<string>();

  has(subshellId: string): boolean {
    return this.#ids.has(subshellId);
  }

  /** The content of the reply to a request of the control channel, or undefined for one that is about something else. */
  answer(messageType: string, content: JsonObject): JsonObject | undefined {
    switch (messageType) {
      case "create_subshell_request":
        return this.#create();
      case "delete_subshell_request":
        return this.#delete(parseDeleteSubshellRequest(content).subshellId ?? "");
      case "list_subshell_request":
        return listSubshellReply([...this.#ids]);
      default:
        return undefined;
    }
  }

  #create(): JsonObject {
    const subshellId = randomUUID();
    this.#ids.add(subshellId);
    return createSubshellReply(subshellId);
  }

  /** It takes no more requests from now on; the ones it has are served. */
  #delete(subshellId: string): JsonObject {
    return this.#ids.delete(subshellId) ? deleteSubshellReply() : unknownSubshellReply(subshellId);
  }
}
