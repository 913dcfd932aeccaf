/** history_request and history_reply. Pure. */
import { flagField, type JsonObject, numberField, textField } from "./content.js";

export interface HistoryEntry {
  readonly session: number;
  readonly line: number;
  readonly input: string;
  readonly output: string | undefined;
}

export type HistoryRequest = { readonly output: boolean } & (
  | { readonly access: "tail"; readonly count: number }
  | { readonly access: "range"; readonly session: number; readonly start: number; readonly stop: number }
  /** `pattern` is a glob: `*` and `?`. */
  | { readonly access: "search"; readonly pattern: string; readonly unique: boolean; readonly count: number }
);

export function parseHistoryRequest(content: JsonObject): HistoryRequest {
  const output = flagField(content, "output", false);
  const count = numberField(content, "n", Number.POSITIVE_INFINITY);
  switch (content.hist_access_type) {
    case "range":
      return {
        access: "range",
        output,
        session: numberField(content, "session", 0),
        start: numberField(content, "start", 0),
        stop: numberField(content, "stop", Number.POSITIVE_INFINITY),
      };
    case "search":
      return {
        access: "search",
        output,
        count,
        pattern: textField(content, "pattern", "*"),
        unique: flagField(content, "unique", false),
      };
    default:
      return { access: "tail", output, count };
  }
}

export function historyReply(entries: readonly HistoryEntry[], output: boolean): JsonObject {
  return {
    status: "ok",
    history: entries.map((entry) => [
      entry.session,
      entry.line,
      output ? [entry.input, entry.output ?? null] : entry.input,
    ]),
  };
}
