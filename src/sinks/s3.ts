/**
 * A bucket of an S3: objects in, out, listed, removed, each whole or not at all. Owns requests, their retries and what an
 * error means; signatures are aws4fetch's, answers s3-answer.ts's. The one file that imports aws4fetch.
 */
import { createHash } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";
import { TidetableError } from "../errors.js";
import { ask, type Bounds, type HttpAnswer, type HttpRequest, sinkAddress } from "./http.js";
import { isWorthAnotherTry, retryAfterMs, type Tried, tryUntilDone } from "./retry.js";
import { readKeyPage, readS3Error } from "./s3-answer.js";

export type { Bounds } from "./http.js";

export interface BucketOptions {
  /** `https://s3.eu-central-1.amazonaws.com`; the bucket's name is not part of it. */
  readonly endpoint: string;
  readonly bucket: string;
  /** `us-east-1` where the server knows none. */
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

interface BucketRequest {
  readonly method: HttpRequest["method"];
  /** Left out: of the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly contentType?: string;
}

const triesMax = 4;
/** S3's own limit. */
const keyBytesMax = 1_024;
/** A listing is held in memory. */
const keysMax = 1_000_000;

export class Bucket {
  readonly #address: URL;
  readonly #options: BucketOptions;
  /** A signing key counts for a day; aws4fetch keeps them here. */
  readonly #signingKeys = new Map<string, ArrayBuffer>();

  /** @throws TidetableError CONFIG_INVALID */
  constructor(options: BucketOptions) {
    this.#address = sinkAddress("an S3", options.endpoint, "http://127.0.0.1:9000");
    this.#options = options;
    const { bucket, region, accessKeyId, secretAccessKey } = options;
    requireThat(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket), `${JSON.stringify(bucket)} is no name of a bucket`);
    requireThat(
      /^[a-z0-9-]+$/.test(region),
      `${JSON.stringify(region)} is no region; us-east-1 is the one to begin with`,
    );
    requireThat(
      /^[\x21-\x7e]+$/.test(accessKeyId),
      "The id of the access key is empty, or has characters that no id has",
    );
    requireThat(secretAccessKey !== "", "The secret access key is empty");
  }

  /** Makes the bucket where it is missing. @throws TidetableError SINK_UNREACHABLE, SINK_REFUSED */
  async open(bounds: Bounds): Promise<void> {
    const { bucket, region } = this.#options;
    const deadlineMs = performance.now() + bounds.timeoutMs;
    // Not HEAD: its answer has no body, and so no name of what is wrong.
    const asked = { method: "GET", query: { "list-type": "2", "max-keys": "1" } } as const;
    const found = await this.#ask(asked, bounds, `open the bucket ${bucket}`);
    if (isFine(found)) return;
    if (errorOf(found)?.code !== "NoSuchBucket") throw this.#refused(`open the bucket ${bucket}`, found);
    const place =
      region === "us-east-1"
        ? ""
        : `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
    const remaining = { timeoutMs: Math.max(1, deadlineMs - performance.now()), signal: bounds.signal };
    const made = await this.#ask({ method: "PUT", body: Buffer.from(place) }, remaining, `make the bucket ${bucket}`);
    // Somebody else may have made it meanwhile, or an earlier try of this.
    if (!isFine(made) && errorOf(made)?.code !== "BucketAlreadyOwnedByYou")
      throw this.#refused(`make the bucket ${bucket}`, made);
  }

  /** Whole or not at all, and the same bytes: S3 checks their digest. @throws TidetableError SINK_UNREACHABLE, SINK_REFUSED */
  async put(key: string, body: Uint8Array | string, contentType: string, bounds: Bounds): Promise<void> {
    requireThat(/^[\x20-\x7e]+$/.test(contentType), `${JSON.stringify(contentType)} is no content type`);
    // A copy: a second try sends what the first one did, whatever became of the caller's bytes.
    const bytes = Buffer.from(body);
    const what = `store ${quoted(key)}`;
    const answer = await this.#ask({ method: "PUT", key, body: bytes, contentType }, bounds, what);
    if (!isFine(answer)) throw this.#refused(what, answer);
  }

  /** Undefined where there is no such object. @throws TidetableError SINK_UNREACHABLE, SINK_REFUSED, RESULT_TOO_LARGE */
  async get(key: string, bounds: Bounds): Promise<Uint8Array | undefined> {
    const what = `give ${quoted(key)}`;
    const answer = await this.#ask({ method: "GET", key }, bounds, what);
    if (isFine(answer)) return answer.body;
    // A missing bucket, or a wrong address, is 404 as well.
    if (errorOf(answer)?.code === "NoSuchKey") return undefined;
    throw this.#refused(what, answer);
  }

  /** Every key that begins so, in the server's order. @throws TidetableError SINK_UNREACHABLE, SINK_REFUSED, RESULT_TOO_LARGE */
  async list(prefix: string, { timeoutMs, signal }: Bounds): Promise<readonly string[]> {
    const deadlineMs = performance.now() + timeoutMs;
    const what = `list ${quoted(prefix)}`;
    const keys: string[] = [];
    for (let token: string | undefined; ; ) {
      const query = {
        "list-type": "2",
        "encoding-type": "url",
        prefix,
        ...(token === undefined ? {} : { "continuation-token": token }),
      };
      const remaining = { timeoutMs: Math.max(1, deadlineMs - performance.now()), signal };
      const answer = await this.#ask({ method: "GET", query }, remaining, what);
      const page = isFine(answer) ? readKeyPage(textOf(answer)) : undefined;
      if (page === undefined) throw this.#refused(what, answer);
      for (const key of page.keys) keys.push(key);
      if (page.nextToken === undefined || page.nextToken === token) return keys;
      if (keys.length > keysMax) {
        throw new TidetableError(
          "RESULT_TOO_LARGE",
          `More than ${keysMax} keys begin with ${quoted(prefix)}. Name a longer prefix.`,
        );
      }
      token = page.nextToken;
    }
  }

  /** Also fine where there is no such object. @throws TidetableError SINK_UNREACHABLE, SINK_REFUSED */
  async remove(key: string, bounds: Bounds): Promise<void> {
    const what = `remove ${quoted(key)}`;
    const answer = await this.#ask({ method: "DELETE", key }, bounds, what);
    if (!isFine(answer) && errorOf(answer)?.code !== "NoSuchKey") throw this.#refused(what, answer);
  }

  /** An address at which anybody may read the object, for so many seconds, a week at the most. It holds no secret. */
  async signedUrl(key: string, seconds: number): Promise<string> {
    requireThat(
      Number.isInteger(seconds) && seconds >= 1 && seconds <= 604_800,
      `${seconds} is not 1 to 604800 seconds`,
    );
    const url = this.#url({ method: "GET", key, query: { "X-Amz-Expires": String(seconds) } });
    const { region, accessKeyId, secretAccessKey } = this.#options;
    const signer = new AwsV4Signer({
      url: url.href,
      service: "s3",
      region,
      accessKeyId,
      secretAccessKey,
      signQuery: true,
    });
    return (await signer.sign()).url.href;
  }

  /** Any answer that another try would not change. */
  async #ask(request: BucketRequest, { timeoutMs, signal }: Bounds, what: string): Promise<HttpAnswer> {
    const url = this.#url(request);
    const attempt = async (remainingMs: number): Promise<Tried<HttpAnswer>> => {
      // A signature has the time in it.
      const headers = await this.#signed(url, request);
      const { method, body } = request;
      const answer = await ask(
        { method, url, headers, ...(body === undefined ? {} : { body }) },
        { timeoutMs: remainingMs, signal },
      );
      if ("unanswered" in answer) return { cause: answer.unanswered };
      const error = isFine(answer) ? undefined : errorOf(answer);
      if (!isWorthAnotherTry(answer.status) && error?.code !== "RequestTimeout") return { result: answer };
      const wait = retryAfterMs(answer.headers.get("retry-after"), Date.now());
      return { cause: `${answer.status} ${error?.code ?? ""}`.trim(), retryAfterMs: wait };
    };
    // Spread over the time that there is: a server that is started again needs seconds.
    const tried = await tryUntilDone(attempt, {
      signal,
      timeoutMs,
      triesMax,
      waitMinMs: Math.max(100, timeoutMs / 10),
    });
    if ("result" in tried) return tried.result;
    throw new TidetableError(
      "SINK_UNREACHABLE",
      `The S3 at ${this.#address.host} did not ${what} within ${timeoutMs / 1000} s, in ${triesMax} tries at the most: ${tried.cause}. Start it, or set its address right.`,
      { retryable: true },
    );
  }

  #url({ key, query = {} }: BucketRequest): URL {
    if (key !== undefined) requireKey(key);
    const path = [this.#address.pathname.replace(/\/$/, ""), this.#options.bucket];
    if (key !== undefined) path.push(key.split("/").map(percentEncoded).join("/"));
    const url = new URL(this.#address);
    url.pathname = path.join("/");
    url.search = Object.entries(query)
      .map(([name, value]) => `${percentEncoded(name)}=${percentEncoded(value)}`)
      .join("&");
    return url;
  }

  async #signed(url: URL, { method, body, contentType }: BucketRequest): Promise<Headers> {
    const { region, accessKeyId, secretAccessKey } = this.#options;
    const headers = {
      ...(contentType === undefined ? {} : { "content-type": contentType }),
      "x-amz-content-sha256": createHash("sha256")
        .update(body ?? "")
        .digest("hex"),
    };
    const signer = new AwsV4Signer({
      url: url.href,
      method,
      headers,
      service: "s3",
      region,
      accessKeyId,
      secretAccessKey,
      cache: this.#signingKeys,
    });
    return (await signer.sign()).headers;
  }

  #refused(what: string, answer: HttpAnswer): TidetableError {
    const { bucket, accessKeyId } = this.#options;
    const error = errorOf(answer);
    const said = `(${[answer.status, error?.code].filter((part) => part !== undefined).join(" ")})`;
    const meaning: Readonly<Record<string, string>> = {
      InvalidAccessKeyId: `it does not know the access key ${accessKeyId} ${said}. Set id and secret right.`,
      SignatureDoesNotMatch: `the secret is not that of the access key ${accessKeyId} ${said}. Set id and secret right.`,
      AccessDenied: `the access key ${accessKeyId} may not do it ${said}. Let it list, read and write in the bucket.`,
      NoSuchBucket: `it has no bucket ${bucket} ${said}. Make it, as open() does.`,
      BucketAlreadyExists: `the bucket ${bucket} is somebody else's ${said}. Use another name.`,
      RequestTimeTooSkewed: `its clock and this machine's are too far apart ${said}. Set the clock right.`,
    };
    const why = meaning[error?.code ?? ""] ?? `${error?.message ?? "it answers with no error of S3"} ${said}`;
    return new TidetableError("SINK_REFUSED", `The S3 at ${this.#address.host} does not ${what}: ${why.slice(0, 400)}`);
  }
}

/**
 * Amazon takes more; but addresses have no names . and .., which would lead to another object or bucket, and servers that
 * keep objects as files drop the body of what ends with a slash, and one of two slashes.
 */
function requireKey(key: string): void {
  const isNamed = key.split("/").every((name) => name !== "" && name !== "." && name !== "..");
  if (isNamed && key.isWellFormed() && Buffer.byteLength(key) <= keyBytesMax) return;
  throw new TidetableError(
    "SINK_REFUSED",
    `${quoted(key)} is no key for an object: 1 to ${keyBytesMax} bytes of whole characters, between slashes a name that is not . or .. is needed.`,
  );
}

function requireThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new TidetableError("CONFIG_INVALID", `${otherwise}.`);
}

function quoted(text: string): string {
  return JSON.stringify(text.length <= 100 ? text : `${text.slice(0, 100)}…`);
}

/** As signatures want it: everything but letters, digits and - . _ ~ */
function percentEncoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function isFine({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}

function textOf({ body }: HttpAnswer): string {
  return Buffer.from(body).toString("utf8");
}

function errorOf(answer: HttpAnswer): ReturnType<typeof readS3Error> {
  return readS3Error(textOf(answer));
}
