/** Asking the user for a line: input_request to the front-end, input_reply back. Pure. */
import { type JsonObject, textField } from "./content.js";

export function inputRequest(prompt: string, password: boolean): JsonObject {
  return { prompt, password };
}

export function parseInputReply(content: JsonObject): { readonly value: string } {
  return { value: textField(content, "value", "") };
}
