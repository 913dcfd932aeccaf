/** complete_request and complete_reply. Positions are UTF-16 inside, code points on the wire. Pure. */
import { type JsonObject, numberField, textField } from "./content.js";
import { codePointsFromUtf16, utf16FromCodePoints } from "./text-positions.js";

export interface CursorRequest {
  readonly code: string;
  /** UTF-16 index into `code`. */
  readonly cursor: number;
}

export interface Completion {
  readonly text: string;
  /** For the front-end's icon: function, class, instance, property, keyword, table, column … */
  readonly type: string;
  readonly signature?: string;
}

export interface Completions {
  /** UTF-16 range of the code that a match replaces. */
  readonly start: number;
  readonly end: number;
  readonly matches: readonly Completion[];
}

export function parseCompleteRequest(content: JsonObject): CursorRequest {
  return parseCursorRequest(content);
}

export function parseCursorRequest(content: JsonObject): CursorRequest {
  const code = textField(content, "code", "");
  const position = numberField(content, "cursor_pos", Number.POSITIVE_INFINITY);
  return { code, cursor: utf16FromCodePoints(code, position) };
}

export function completeReply(code: string, completions: Completions): JsonObject {
  const start = codePointsFromUtf16(code, completions.start);
  const end = codePointsFromUtf16(code, completions.end);
  return {
    status: "ok",
    matches: completions.matches.map((match) => match.text),
    cursor_start: start,
    cursor_end: end,
    metadata: {
      _jupyter_types_experimental: completions.matches.map((match) => ({
        start,
        end,
        text: match.text,
        type: match.type,
        ...(match.signature === undefined ? {} : { signature: match.signature }),
      })),
    },
  };
}
