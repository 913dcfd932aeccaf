/**
 * What a server's errors mean: gRPC's code, the class and SQLSTATE from its trailer, the whole text fetched by id. Makes
 * errors for users; decides nothing about trying again beyond saying whether it can help.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { type ErrorCode, errorMessage, TidetableError } from "../../errors.js";
import type { CallError } from "./call.js";
import { type FetchErrorDetailsResponse, RpcErrorInfoSchema, RpcStatusSchema } from "./connect_pb.js";

/** An error of a Spark server, for users of the client; `message` is the server's own, whole. */
export class SparkError extends TidetableError {
  /** Spark's name for it: `TABLE_OR_VIEW_NOT_FOUND`. */
  readonly errorClass: string | undefined;
  readonly sqlState: string | undefined;
  readonly messageParameters: Readonly<Record<string, string>>;
  /** Where in the text, zero-based, when the server says. */
  readonly position: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    details: Partial<Pick<SparkError, "errorClass" | "sqlState" | "messageParameters" | "position">> & {
      readonly retryable?: boolean;
      readonly cause?: unknown;
    } = {},
  ) {
    super(code, message, { retryable: details.retryable ?? false, cause: details.cause });
    this.errorClass = details.errorClass;
    this.sqlState = details.sqlState;
    this.messageParameters = details.messageParameters ?? {};
    this.position = details.position;
  }
}

/** What the trailer of a failed call holds. */
export interface ErrorInfo {
  readonly errorId: string | undefined;
  readonly errorClass: string | undefined;
  readonly sqlState: string | undefined;
}

export function errorInfoOf(error: CallError): ErrorInfo {
  const none = { errorId: undefined, errorClass: undefined, sqlState: undefined };
  const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
  if (!(bytes instanceof Uint8Array)) return none;
  try {
    for (const { typeUrl, value } of fromBinary(RpcStatusSchema, bytes).details) {
      if (!typeUrl.endsWith("google.rpc.ErrorInfo")) continue;
      const { metadata } = fromBinary(RpcErrorInfoSchema, value);
      return { errorId: metadata.errorId, errorClass: metadata.errorClass, sqlState: metadata.sqlState };
    }
    return none;
  } catch {
    // The trailer is extra; without it the call's own text is what there is to say.
    return none;
  }
}

export function isServiceError(error: unknown): error is CallError {
  return error instanceof Error && typeof (error as { code?: unknown }).code === "number" && "details" in error;
}

/** The server cannot be spoken to now; the same call may succeed later. */
export function isUnreachable(error: CallError): boolean {
  return error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED;
}

/** The session is not the one that was: the server was started again, or closed it. */
export function isSessionGone({ errorClass }: ErrorInfo): boolean {
  return errorClass !== undefined && /^INVALID_HANDLE\.SESSION_/.test(errorClass);
}

/** The operation is not known: it ended and was released, or the server was started again. */
export function isOperationGone({ errorClass }: ErrorInfo): boolean {
  return errorClass !== undefined && /^INVALID_(HANDLE\.OPERATION_|CURSOR\.)/.test(errorClass);
}

export function unreachable(server: string, cause: unknown): SparkError {
  const why = isServiceError(cause) ? cause.details : errorMessage(cause);
  return new SparkError(
    "SPARK_UNREACHABLE",
    `Spark at ${server} does not answer (${firstLine(why)}). Start it (npm run spark), or set SPARK_REMOTE to where it runs; then run the cell once more.`,
    { retryable: true, cause },
  );
}

export function sessionLost(server: string): SparkError {
  return new SparkError(
    "SPARK_SESSION_LOST",
    `Spark at ${server} was started again, or closed this session: its temporary views and queries are gone. Run the cell once more.`,
    { retryable: true },
  );
}

/** An answer that is no answer: bytes that do not parse, rows that are missing. */
export function malformed(what: string, cause?: unknown): SparkError {
  return new SparkError("SQL_FAILED", `Spark's answer cannot be read: ${what}.`, cause === undefined ? {} : { cause });
}

/** From the details that were fetched, or the call's own text where there are none. */
export function toSparkError(
  server: string,
  error: CallError,
  info: ErrorInfo,
  details?: FetchErrorDetailsResponse,
): SparkError {
  if (error.code === status.UNAUTHENTICATED || error.code === status.PERMISSION_DENIED) {
    return new SparkError(
      "SPARK_REFUSED",
      `Spark at ${server} refuses this client (${firstLine(error.details)}). Give its token: SPARK_REMOTE="${server}/;token=…".`,
      { cause: error },
    );
  }
  if (isUnreachable(error)) return unreachable(server, error);
  if (isSessionGone(info)) return sessionLost(server);
  const root = details?.errors[details.rootErrorIdx ?? 0];
  const throwable = root?.sparkThrowable;
  const errorClass = throwable?.errorClass ?? info.errorClass;
  const sqlState = throwable?.sqlState ?? info.sqlState;
  const context = throwable?.queryContexts[0];
  const text = withoutClass(root?.message || error.details || errorMessage(error));
  return new SparkError(codeOf(errorClass, sqlState, error), text, {
    cause: error,
    messageParameters: throwable?.messageParameters ?? {},
    ...(errorClass === undefined || errorClass === "" ? {} : { errorClass }),
    ...(sqlState === undefined || sqlState === "" ? {} : { sqlState }),
    ...(context === undefined || context.startIndex < 0 ? {} : { position: context.startIndex }),
  });
}

/** Class 42: the text is wrong. HY008: it was cancelled. The rest went wrong while it ran. */
function codeOf(errorClass: string | undefined, sqlState: string | undefined, error: CallError): ErrorCode {
  if (errorClass === "OPERATION_CANCELED" || sqlState === "HY008" || error.code === status.CANCELLED) {
    return "QUERY_INTERRUPTED";
  }
  const isWrong = sqlState?.startsWith("42") || errorClass?.startsWith("PARSE_") || sqlState === "0A000";
  return isWrong ? "SQL_INVALID" : "SQL_FAILED";
}

/** Spark begins with `[CLASS] ` and ends with `SQLSTATE: 42P01`; both are fields of the error. */
function withoutClass(message: string): string {
  return (
    message
      .trimStart()
      // The analysed plan, which follows a resolution error, is for Spark's own developers.
      .replace(/;? ?(line \d+ pos \d+);\n'[\s\S]*$/, " ($1)")
      .replace(/^(\([\w.]+\) )?\[[A-Z_.0-9]+\]\s*/, "")
      .replace(/\s*SQLSTATE: \w{5}/g, "")
      .trim()
  );
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
