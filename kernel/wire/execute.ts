/** execute_request, execute_input, execute_reply, and the error that both a reply and iopub carry. Pure. */
import { flagField, type JsonObject, textField, textRecordField } from "./content.js";

export interface ExecuteRequest {
  readonly code: string;
  readonly silent: boolean;
  readonly storeHistory: boolean;
  readonly stopOnError: boolean;
  readonly allowStdin: boolean;
  /** Name → expression to evaluate after the code. */
  readonly userExpressions: Readonly<Record<string, string>>;
}

export interface ExecutionError {
  readonly name: string;
  readonly message: string;
  readonly traceback: readonly string[];
}

export function parseExecuteRequest(content: JsonObject): ExecuteRequest {
  const silent = flagField(content, "silent", false);
  return {
    code: textField(content, "code", ""),
    silent,
    storeHistory: !silent && flagField(content, "store_history", true),
    stopOnError: flagField(content, "stop_on_error", true),
    allowStdin: flagField(content, "allow_stdin", true),
    userExpressions: textRecordField(content, "user_expressions"),
  };
}

/** Front-ends that know which cell they run say so in the metadata; stable across runs of that cell. */
export function cellIdOf(metadata: JsonObject): string | undefined {
  return textField(metadata, "cellId", "") || undefined;
}

export function executeInput(code: string, executionCount: number): JsonObject {
  return { code, execution_count: executionCount };
}

export function executeReplyOk(
  executionCount: number,
  userExpressions: JsonObject,
  payload: readonly JsonObject[] = [],
): JsonObject {
  return { status: "ok", execution_count: executionCount, user_expressions: userExpressions, payload };
}

/** Text for the pager of front-ends that have one: consoles show it apart, others below the cell. */
export function pagePayload(data: JsonObject): JsonObject {
  return { source: "page", data, start: 0 };
}

export function executeReplyError(executionCount: number, error: ExecutionError): JsonObject {
  return { ...errorContent(error), execution_count: executionCount, user_expressions: {}, payload: [] };
}

/** For a cell that was never run: it has no number, and front-ends show its prompt empty. */
export function executeReplyAborted(error: ExecutionError): JsonObject {
  return { ...errorContent(error), user_expressions: {}, payload: [] };
}

/** Also the form in which a user expression that throws is reported. */
export function errorContent(error: ExecutionError): JsonObject {
  return { status: "error", ename: error.name, evalue: error.message, traceback: error.traceback };
}

export function userExpressionValue(data: JsonObject): JsonObject {
  return { status: "ok", data, metadata: {} };
}
