/** Subshells, kept over the control channel: lines of requests beside the main one, each served in its own order. Pure. */
import { type JsonObject, optionalTextField } from "./content.js";
import { type ExecutionError, errorContent } from "./execute.js";

/** As kernel_info lists it among the supported features. */
export const SUBSHELL_FEATURE = "kernel subshells";

export function createSubshellReply(subshellId: string): JsonObject {
  return { status: "ok", subshell_id: subshellId };
}

export function parseDeleteSubshellRequest(content: JsonObject): { readonly subshellId: string | undefined } {
  return { subshellId: optionalTextField(content, "subshell_id") };
}

export function deleteSubshellReply(): JsonObject {
  return { status: "ok" };
}

export function listSubshellReply(subshellIds: readonly string[]): JsonObject {
  return { status: "ok", subshell_id: subshellIds };
}

/** The reply to whatever names a subshell that is not there (any more). */
export function unknownSubshellReply(subshellId: string): JsonObject {
  const message = `There is no subshell ${subshellId}. Create one by create_subshell_request on the control channel.`;
  const error: ExecutionError = { name: "UnknownSubshell", message, traceback: [`UnknownSubshell: ${message}`] };
  return errorContent(error);
}
