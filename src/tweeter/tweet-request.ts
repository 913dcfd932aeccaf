/** What a client may send, made into a draft or a refusal. Reads the request's body and nothing else. */
import type { Context } from "hono";
import { refusalReason } from "./tweet.js";
import type { TweetDraft } from "./tweet-store.js";

/** A request that is refused, with the status that says so; the message goes to the caller. */
export class RequestRefused extends Error {
  override readonly name = "RequestRefused";
  readonly status: 400 | 403 | 404 | 405 | 413 | 415 | 422;
  /** What a form held, so that nobody has to type it again. */
  readonly draft: TweetDraft | undefined;

  constructor(status: RequestRefused["status"], message: string, draft?: TweetDraft) {
    super(message);
    this.status = status;
    this.draft = draft;
  }
}

const keyLengthMax = 200;

/** @throws RequestRefused */
export async function readDraft(context: Context): Promise<TweetDraft> {
  const type = (context.req.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  const fields = await readFields(context, type);
  const key = context.req.header("idempotency-key") ?? optionalText(fields, "key");
  if (key !== undefined && (key.length > keyLengthMax || /[^\x21-\x7e]/.test(key))) {
    throw new RequestRefused(400, `the Idempotency-Key takes up to ${keyLengthMax} visible ASCII characters`);
  }
  const draft = {
    handle: text(fields, "handle").replace(/^@/, ""),
    // A form sends line ends as CR LF, which nobody typed.
    content: text(fields, "content").replaceAll("\r\n", "\n"),
    ...(key === undefined || key === "" ? {} : { key }),
  };
  const reason = refusalReason(draft);
  if (reason !== undefined) throw new RequestRefused(422, reason, draft);
  return draft;
}

type Fields = Readonly<Record<string, unknown>>;

async function readFields(context: Context, type: string | undefined): Promise<Fields> {
  if (type === "application/json") {
    const body = await bodyText(context);
    try {
      const value: unknown = JSON.parse(body);
      if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
    } catch {
      throw new RequestRefused(400, "the body is not JSON");
    }
    throw new RequestRefused(400, 'the body must be an object: {"handle": …, "content": …}');
  }
  if (type === "application/x-www-form-urlencoded") {
    return Object.fromEntries(new URLSearchParams(await bodyText(context)));
  }
  throw new RequestRefused(415, "send application/json or application/x-www-form-urlencoded");
}

async function bodyText(context: Context): Promise<string> {
  const bytes = await context.req.arrayBuffer();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new RequestRefused(400, "the body is not UTF-8");
  }
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === "string") return value;
  throw new RequestRefused(400, value === undefined ? `${name} is missing` : `${name} must be a string`);
}

function optionalText(fields: Fields, name: string): string | undefined {
  return fields[name] === undefined ? undefined : text(fields, name);
}
