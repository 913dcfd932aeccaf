/** Sinks on servers that answer what real ones answer when they are not well, or have something before them. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TidetableError } from "../../src/errors.js";
import { Influxdb, type InfluxdbPoint } from "../../src/sinks/influxdb.js";
import { Bucket } from "../../src/sinks/s3.js";

const never = new AbortController().signal;
const bounds = { timeoutMs: 1_500, signal: never };
const secret = "s3cr3t/with+signs=";
const point: InfluxdbPoint = { measurement: "m", tags: {}, fields: { n: 1n }, timestampNs: 1n };

interface Received {
  readonly url: string;
  readonly body: Buffer;
}

type Answer = (response: ServerResponse) => void;

const status =
  (code: number, body = "", headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end(body);

describe("sinks on servers that are not well", () => {
  let server: Server;
  let url: string;
  let answers: Answer[] = [];
  let received: Received[] = [];

  before(async () => {
    server = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      received.push({ url: request.url ?? "", body: Buffer.concat(parts) });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      answer?.(response);
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  afterEach(() => {
    const texts = received.map((one) => decodeURIComponent(one.url));
    ok(!texts.some((text) => text.includes(secret)), "a secret in an address");
    received = [];
  });
  const told = (code: string, text: RegExp) => (error: TidetableError) => {
    equal(error.code, code);
    match(error.message, text);
    ok(!error.message.includes(secret));
    return true;
  };

  describe("InfluxDB", () => {
    const influxdb = () => new Influxdb({ url, database: "d", username: "u", password: secret });

    it("a write is sent again, with the same lines, and later when that is asked for", async () => {
      answers = [
        status(503, '{"error":"timeout"}', { "retry-after": "1" }),
        status(429),
        (response) => response.destroy(),
        status(500, "<html>"),
        status(204),
      ];
      const retries: [string, number][] = [];
      const outcome = await influxdb().write([point], {
        signal: never,
        onRetry: (cause, waitMs) => retries.push([cause, waitMs]),
      });
      deepEqual(outcome, { dropped: 0 });
      deepEqual(
        retries.map(([cause]) => cause.trim()),
        ["503 timeout", "429", "other side closed", "500 <html>"],
      );
      ok((retries[0]?.[1] ?? 0) >= 1_000);
      deepEqual(new Set(received.map(({ body }) => body.toString())), new Set(["m n=1i 1"]));
    });

    it("what another try would not change is told at once", async () => {
      const refusals: readonly (readonly [Answer, RegExp])[] = [
        [status(404, '{"error":"database not found: \\"d\\""}'), /no database "d" \(404: database not found/],
        [status(413, '{"error":"Request Entity Too Large"}'), /no request of this size.*max-body-size/],
        [status(400, '{"error":"unable to parse"}'), /refuses .*\(400: unable to parse\)/],
        [status(302, "", { location: "http://127.0.0.1:1/" }), /\(302: \)/],
      ];
      for (const [answer, text] of refusals) {
        answers = [answer];
        await rejects(influxdb().write([point], { signal: never }), told("SINK_REFUSED", text));
      }
      equal(received.length, refusals.length);
    });

    it("a statement travels in the body, and an answer that is none is told", async () => {
      answers = [status(200, "<html>hello</html>")];
      const asked = influxdb().query("SELECT n FROM m WHERE t = $t", { t: "x" }, bounds);
      await rejects(asked, told("SINK_REFUSED", /answers 200 and no JSON/));
      equal(received[0]?.url, "/query");
      const form = new URLSearchParams(received[0]?.body.toString());
      deepEqual([form.get("q"), form.get("params")], ["SELECT n FROM m WHERE t = $t", '{"t":"x"}']);
      await rejects(influxdb().query("x", { n: Number.NaN }, bounds), told("SINK_REFUSED", /\$n is NaN/));
    });

    it("open does not take something else for InfluxDB", async () => {
      answers = [status(204)];
      await rejects(
        influxdb().open({ timeoutMs: 400, signal: never }),
        told("SINK_UNREACHABLE", /with 204, is no InfluxDB/),
      );
    });
  });

  describe("S3", () => {
    const bucket = () =>
      new Bucket({ endpoint: url, bucket: "bbb", region: "us-east-1", accessKeyId: "id", secretAccessKey: secret });
    const error = (code: string) => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Text.</Message></Error>`;

    it("an object is sent again with the same bytes, four times at the most", async () => {
      answers = [
        status(503, error("SlowDown")),
        (response) => response.destroy(),
        status(400, error("RequestTimeout")),
        status(200),
      ];
      const body = Buffer.from("bytes");
      const putting = bucket().put("k", body, "text/plain", bounds);
      body.fill(0);
      await putting;
      deepEqual(
        received.map((one) => one.body.toString()),
        ["bytes", "bytes", "bytes", "bytes"],
      );
      received = [];
      answers = [status(503, error("SlowDown"))];
      await rejects(bucket().put("k", "x", "text/plain", bounds), told("SINK_UNREACHABLE", /store "k".*503 SlowDown/));
      equal(received.length, 4);
    });

    it("only an object that is missing is missing: not a bucket, not an address", async () => {
      answers = [status(404, error("NoSuchKey"))];
      equal(await bucket().get("k", bounds), undefined);
      for (const [answer, text] of [
        [status(404, error("NoSuchBucket")), /no bucket bbb \(404 NoSuchBucket\)/],
        [status(404, "<html>404</html>"), /no error of S3 \(404\)/],
        [
          status(301, error("PermanentRedirect"), { location: "http://127.0.0.1:1/" }),
          /Text\. \(301 PermanentRedirect\)/,
        ],
        [status(403, error("RequestTimeTooSkewed")), /clock/],
      ] as const) {
        answers = [answer];
        await rejects(bucket().get("k", bounds), told("SINK_REFUSED", text));
        await rejects(bucket().list("", bounds), told("SINK_REFUSED", text));
      }
    });

    it("half an object is none, and is asked for again", async () => {
      answers = [
        (response) => {
          response.writeHead(200, { "content-length": "10" }).write("half");
          setTimeout(() => response.destroy(), 20);
        },
        status(200, "0123456789"),
      ];
      equal(Buffer.from((await bucket().get("k", bounds)) ?? []).toString(), "0123456789");
    });

    it("a bucket that somebody else has is told, one that was made meanwhile is not", async () => {
      answers = [status(404, error("NoSuchBucket")), status(409, error("BucketAlreadyOwnedByYou"))];
      await bucket().open(bounds);
      answers = [status(404, error("NoSuchBucket")), status(409, error("BucketAlreadyExists"))];
      await rejects(bucket().open(bounds), told("SINK_REFUSED", /somebody else's/));
    });

    it("pages that lead to themselves end", async () => {
      const page = `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken><Contents><Key>k</Key></Contents></ListBucketResult>`;
      answers = [status(200, page)];
      deepEqual(await bucket().list("", bounds), ["k", "k"]);
    });
  });

  it("addresses and names that cannot be are told before anything is sent, without what is secret in them", () => {
    const influxdb = (given: Partial<ConstructorParameters<typeof Influxdb>[0]>) => () =>
      new Influxdb({ url, database: "d", ...given });
    const bucket = (given: Partial<ConstructorParameters<typeof Bucket>[0]>) => () =>
      new Bucket({
        endpoint: url,
        bucket: "bbb",
        region: "us-east-1",
        accessKeyId: "id",
        secretAccessKey: "s",
        ...given,
      });
    for (const make of [
      influxdb({ url: "influx" }),
      influxdb({ url: "ftp://127.0.0.1" }),
      influxdb({ url: `u:${secret}@127.0.0.1` }),
      influxdb({ url: `://u:${secret}@127.0.0.1` }),
      influxdb({ url: `http://u:${encodeURIComponent(secret)}@127.0.0.1:1` }),
      ...["", "..", "a/b", "../../etc", "a\nb", "\\"].map((database) => influxdb({ database })),
      ...["", "a", "A", "a b", "../x", "-ab"].map((name) => bucket({ bucket: name })),
      bucket({ endpoint: "s3" }),
      bucket({ region: "a/b" }),
      bucket({ accessKeyId: "a\nb" }),
      bucket({ secretAccessKey: "" }),
    ]) {
      let thrown: TidetableError | undefined;
      try {
        make();
      } catch (error) {
        thrown = error as TidetableError;
      }
      equal(thrown?.code, "CONFIG_INVALID");
      ok(!decodeURIComponent(thrown?.message ?? "").includes(secret));
    }
  });
});
