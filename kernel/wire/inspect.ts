/** inspect_request and inspect_reply. Pure. */
import { type CursorRequest, parseCursorRequest } from "./complete.js";
import type { JsonObject } from "./content.js";

export interface InspectRequest extends CursorRequest {
  readonly detail: 0 | 1;
}

export function parseInspectRequest(content: JsonObject): InspectRequest {
  return { ...parseCursorRequest(content), detail: content.detail_level === 1 ? 1 : 0 };
}

export function inspectReply(data: JsonObject | undefined): JsonObject {
  return { status: "ok", found: data !== undefined, data: data ?? {}, metadata: {} };
}
