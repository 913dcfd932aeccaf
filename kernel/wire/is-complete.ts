/** is_complete_request: may a console run the code, or does it need another line? Pure. */
import { type JsonObject, textField } from "./content.js";

export type Completeness =
  | { readonly status: "complete" }
  | { readonly status: "incomplete"; readonly indent: string }
  | { readonly status: "invalid" };

export function parseIsCompleteRequest(content: JsonObject): { readonly code: string } {
  return { code: textField(content, "code", "") };
}

export function isCompleteReply(completeness: Completeness): JsonObject {
  return { ...completeness };
}
