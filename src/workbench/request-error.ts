/** Requests that are refused for what is in them. */
import type { Context } from "hono";

/** A request that is refused, with the status that says so; the message goes to the caller. */
export class RequestError extends Error {
  readonly status: 400 | 404 | 415;

  constructor(status: 400 | 404 | 415, message: string) {
    super(message);
    this.status = status;
  }
}

/** @throws RequestError when it is none */
export async function jsonBody(context: Context): Promise<Record<string, unknown>> {
  const body: unknown = await context.req.json().catch(() => undefined);
  if (typeof body !== "object" || body === null) throw new RequestError(400, "the body must be a JSON object.");
  return body as Record<string, unknown>;
}
