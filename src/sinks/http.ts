/**
 * One HTTP request of a sink, with a bound on time and on size. Owns what became of it: an answer, or why there is none;
 * knows no sink, tries nothing twice, and puts nothing of a request into a message.
 */
import { setMaxListeners } from "node:events";
import { TidetableError } from "../errors.js";

/** How long something may take altogether, and what ends it before. */
export interface Bounds {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: URL;
  readonly headers?: Headers | Record<string, string>;
  readonly body?: string | Uint8Array | URLSearchParams;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** Whether it was done is not known. */
export interface Unanswered {
  /** `connect ECONNREFUSED 127.0.0.1:8086` */
  readonly unanswered: string;
}

/** What a sink answers is held in memory. */
const answerBytesMax = 256 * 2 ** 20;

/** The whole answer, whatever its status. Redirections are not followed: the sink's address is to be set right. */
export async function ask(request: HttpRequest, { timeoutMs, signal }: Bounds): Promise<HttpAnswer | Unanswered> {
  if (signal.aborted) return { unanswered: stopped };
  // As many requests at once as its owner likes.
  setMaxListeners(0, signal);
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = setTimeout(end, timeoutMs);
  // AbortSignal.any would leave a trace in a signal that lives for hours, at every request.
  signal.addEventListener("abort", end, { once: true });
  try {
    const { method, url, headers = {}, body } = request;
    const response = await fetch(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      redirect: "manual",
      signal: ending.signal,
    });
    return { status: response.status, headers: response.headers, body: await wholeBody(response) };
  } catch (error) {
    if (error instanceof TidetableError) throw error;
    if (signal.aborted) return { unanswered: stopped };
    if (ending.signal.aborted) return { unanswered: `no answer within ${Math.ceil(timeoutMs)} ms` };
    return { unanswered: causeOf(error) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

const stopped = "it was stopped before there was an answer";

async function wholeBody(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    // Leaving the loop ends the connection.
    if (bytes > answerBytesMax) {
      throw new TidetableError(
        "RESULT_TOO_LARGE",
        `${new URL(response.url).origin} answers with more than ${answerBytesMax / 2 ** 20} MiB. Ask for less at once.`,
      );
    }
    parts.push(part);
  }
  return Buffer.concat(parts, bytes);
}

/** fetch itself says "fetch failed"; what failed is inside, for a host with several addresses once more. */
function causeOf(error: unknown): string {
  let innermost = error;
  for (let depth = 0; depth < 5; depth += 1) {
    const { cause, errors } = innermost as { cause?: unknown; errors?: readonly unknown[] };
    const inner = cause ?? errors?.[0];
    if (inner === undefined) break;
    innermost = inner;
  }
  const { code, message } = innermost as { code?: unknown; message?: unknown };
  return String(message === undefined || message === "" ? (code ?? innermost) : message);
}

/** @throws TidetableError CONFIG_INVALID for what is no address, or has a password in it, where logs would show it. */
export function sinkAddress(name: string, text: string, example: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TidetableError(
      "CONFIG_INVALID",
      `"${text.replace(/^.*@/s, "…@")}" is no address of ${name}. Write for example ${example}`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new TidetableError(
      "CONFIG_INVALID",
      `The address of ${name}, ${url.host}, has a user in it. Give user and password apart from the address.`,
    );
  }
  url.search = "";
  url.hash = "";
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}
