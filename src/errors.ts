/**
 * The closed list of errors that Tidetable reports. A cell, the page and the command line show `message` as it is,
 * so it names the thing, the value and the way out. Code that handles an error switches on `code`, never on text.
 */

/** Each code says what failed; `retryable` on the error says whether the same call may succeed later. */
export type ErrorCode =
  | "CONFIG_INVALID"
  | "BROKER_UNREACHABLE"
  | "BROKER_AUTHENTICATION"
  | "TOPIC_NOT_FOUND"
  | "OFFSET_OUT_OF_RANGE"
  | "RECORD_CORRUPT"
  | "CODEC_UNSUPPORTED"
  | "PRODUCE_FAILED"
  | "LOG_UNREADABLE"
  | "STREAM_NOT_FOUND"
  | "STREAM_EXISTS"
  | "STREAM_FAILED"
  | "STORE_UNAVAILABLE"
  | "STORE_DAMAGED"
  | "SQL_INVALID"
  | "SQL_FAILED"
  | "QUERY_INTERRUPTED"
  | "RESULT_TOO_LARGE"
  | "CHART_INVALID"
  | "NOTE_INVALID"
  | "ENGINE_GONE"
  | "SPARK_UNREACHABLE"
  | "SPARK_REFUSED"
  | "SPARK_SESSION_LOST"
  | "SINK_UNREACHABLE"
  | "SINK_REFUSED"
  | "PORT_TAKEN"
  | "COMPONENT_MISSING";

/** An error of ours. `message` is written for the user; `cause` keeps the driver's own error for the log. */
export class TidetableError extends Error {
  override readonly name = "TidetableError";
  readonly code: ErrorCode;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** The plain form in which an error crosses the boundary between the engine process and the kernel. */
export interface SerializedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

/** Any thrown value as plain data. A value that is not ours gets `fallbackCode`. */
export function serializeError(error: unknown, fallbackCode: ErrorCode): SerializedError {
  if (error instanceof TidetableError) {
    return { code: error.code, message: error.message, retryable: error.retryable };
  }
  return { code: fallbackCode, message: errorMessage(error), retryable: false };
}

export function deserializeError(error: SerializedError): TidetableError {
  return new TidetableError(error.code, error.message, { retryable: error.retryable });
}

/** The text of any thrown value. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
