/** A bucket on a real S3 server: objects come back byte for byte under any key, and whatever is wrong is named. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../scripts/components/free-ports.js";
import { ensureS3, type S3Server, startS3 } from "../../scripts/components/s3proxy.js";
import type { TidetableError } from "../../src/errors.js";
import { Bucket, type BucketOptions } from "../../src/sinks/s3.js";
import { hostileTexts } from "../support/hostile-texts.js";
import { requireComponent } from "../support/require-component.js";

const never = new AbortController().signal;
const bounds = { timeoutMs: 10_000, signal: never };

describe("S3 as a sink", function () {
  this.timeout(30_000);
  let server: S3Server;
  const bucketOf = (given: Partial<BucketOptions> = {}): Bucket =>
    new Bucket({
      endpoint: server.url,
      bucket: "crimes",
      region: "us-east-1",
      accessKeyId: server.accessKeyId,
      secretAccessKey: server.secretAccessKey,
      ...given,
    });
  const opened = async (bucket: string): Promise<Bucket> => {
    const made = bucketOf({ bucket });
    await made.open(bounds);
    return made;
  };
  const refusal = (code: string, text: RegExp) => (error: TidetableError) => {
    equal(error.code, code);
    match(error.message, text);
    ok(!error.message.includes(server.secretAccessKey), "a secret in a message");
    return true;
  };

  before(async function () {
    await requireComponent(this, () => ensureS3());
    server = await startS3();
  });
  after(async () => await server?.stop());

  it("makes the bucket once, keeps objects byte for byte, replaces and removes them", async () => {
    const bucket = await opened("crimes");
    await bucket.open(bounds);
    const bytes = randomBytes(3_000_000);
    await bucket.put("heat/map.bin", bytes, "application/octet-stream", bounds);
    deepEqual(Buffer.from((await bucket.get("heat/map.bin", bounds)) ?? []), bytes);
    await bucket.put("heat/map.bin", '{"é": "🙂"}', "application/json; charset=utf-8", bounds);
    equal(Buffer.from((await bucket.get("heat/map.bin", bounds)) ?? []).toString(), '{"é": "🙂"}');
    await bucket.put("empty", "", "text/plain", bounds);
    equal((await bucket.get("empty", bounds))?.byteLength, 0);
    deepEqual(await bucket.list("", bounds), ["empty", "heat/map.bin"]);
    await bucket.remove("heat/map.bin", bounds);
    await bucket.remove("heat/map.bin", bounds);
    equal(await bucket.get("heat/map.bin", bounds), undefined);
    deepEqual(await bucket.list("heat/", bounds), []);
  });

  it("any key is the key: blanks, +, %, marks, letters of the world", async () => {
    const bucket = await opened("keys");
    const keys = [
      ..."a b,a+b,a%20b,a%2Fb,a&b=c?d#e,it's (so)!*,é,日本/🙂,~x._-,a:b;c@d,$x,<b>&amp;</b>".split(","),
      '"quoted"',
      "a,b",
      `long/${"x".repeat(200)}`,
    ];
    for (const key of keys) await bucket.put(key, `of ${key}`, "text/plain", bounds);
    deepEqual([...(await bucket.list("", bounds))].sort(), [...keys].sort());
    for (const key of keys) equal(Buffer.from((await bucket.get(key, bounds)) ?? []).toString(), `of ${key}`);
    deepEqual(await bucket.list("a+", bounds), ["a+b"]);
    deepEqual(await bucket.list("日本/", bounds), ["日本/🙂"]);
    deepEqual(await bucket.list("a b", bounds), ["a b"]);
    for (const key of keys) await bucket.remove(key, bounds);
    deepEqual(await bucket.list("", bounds), []);
  });

  it("hostile keys are their own, or refused, and lead nowhere else", async () => {
    const bucket = await opened("hostile");
    const outside = await opened("outside");
    await outside.put("x", "untouched", "text/plain", bounds);
    for (const key of [
      "../outside/x",
      "..",
      ".",
      "a/../../outside/x",
      "a/./b",
      "/a",
      "a/",
      "a//b",
      "",
      "x".repeat(1_025),
      "\ud800",
    ]) {
      await rejects(bucket.put(key, "stolen", "text/plain", bounds), refusal("SINK_REFUSED", /key/));
      await rejects(bucket.remove(key, bounds), { code: "SINK_REFUSED" });
    }
    const kept: string[] = [];
    for (const key of hostileTexts(100, 16)) {
      try {
        await bucket.put(key, key, "text/plain", bounds);
      } catch (error) {
        equal((error as TidetableError).code, "SINK_REFUSED");
        continue;
      }
      kept.push(key);
      equal(Buffer.from((await bucket.get(key, bounds)) ?? []).toString(), key);
    }
    ok(kept.length > 90);
    deepEqual([...(await bucket.list("", bounds))].sort(), kept.sort());
    deepEqual(await outside.list("", bounds), ["x"]);
    equal(Buffer.from((await outside.get("x", bounds)) ?? []).toString(), "untouched");
  });

  it("lists more keys than a page has", async () => {
    const bucket = await opened("many");
    const keys = Array.from({ length: 1_010 }, (_, index) => `day/${String(index).padStart(4, "0")}+.json`);
    await bucket.put(keys[0] ?? "", "{}", "application/json", bounds);
    // The server keeps objects as files. A thousand requests would be seconds of this test.
    const folder = join(server.directory, "objects/many");
    for (const key of keys.slice(1)) await writeFile(join(folder, key), "{}");
    deepEqual(await bucket.list("day/", bounds), keys);
    deepEqual(await bucket.list("day/100", bounds), keys.slice(1_000));
  });

  it("names what is wrong: secret, key id, bucket, address; nothing of it is taken for a missing object", async () => {
    const attempts = (bucket: Bucket): readonly (() => Promise<unknown>)[] => [
      () => bucket.get("x", bounds),
      () => bucket.put("x", "x", "text/plain", bounds),
      () => bucket.list("", bounds),
      () => bucket.remove("x", bounds),
      () => bucket.open(bounds),
    ];
    for (const attempt of attempts(bucketOf({ secretAccessKey: "wrong" }))) {
      await rejects(attempt, refusal("SINK_REFUSED", /secret is not that of .*SignatureDoesNotMatch/));
    }
    for (const attempt of attempts(bucketOf({ accessKeyId: "nobody" }))) {
      await rejects(attempt, refusal("SINK_REFUSED", /access key nobody \(403 InvalidAccessKeyId\)/));
    }
    for (const attempt of attempts(bucketOf({ bucket: "missing" })).slice(0, 3)) {
      await rejects(attempt, refusal("SINK_REFUSED", /no bucket missing \(404 NoSuchBucket\)/));
    }
  });

  it("says so when nobody answers, within its time", async () => {
    const bucket = bucketOf({ endpoint: `http://127.0.0.1:${await freePort()}` });
    const startedMs = performance.now();
    await rejects(
      bucket.put("x", "x", "text/plain", { timeoutMs: 1_000, signal: never }),
      refusal("SINK_UNREACHABLE", /did not store "x" within 1 s, .*ECONNREFUSED.*address right/),
    );
    ok(performance.now() - startedMs < 1_500);
    const frozen = await opened("frozen");
    await server.freeze();
    try {
      const frozenMs = performance.now();
      await rejects(
        frozen.put("x", "x", "text/plain", { timeoutMs: 300, signal: never }),
        refusal("SINK_UNREACHABLE", /0\.3 s/),
      );
      const stopping = new AbortController();
      setTimeout(() => stopping.abort(), 200);
      await rejects(frozen.get("x", { ...bounds, signal: stopping.signal }), {
        code: "SINK_UNREACHABLE",
        retryable: true,
      });
      ok(performance.now() - frozenMs < 2_000);
    } finally {
      server.thaw();
    }
  });

  it("an object is whole or not there when the server is killed while it comes; put stores it when the server is back", async () => {
    const bucket = await opened("killed");
    const [old, bytes] = [randomBytes(1_000), randomBytes(8 * 2 ** 20)];
    const put = (key: string, timeoutMs: number) =>
      bucket.put(key, bytes, "application/octet-stream", { timeoutMs, signal: never });
    const stored = async (key: string) => Buffer.from((await bucket.get(key, bounds)) ?? []);
    await bucket.put("replaced", old, "application/octet-stream", bounds);
    const impatient = ["new", "replaced"].map((key) => rejects(put(key, 400), { code: "SINK_UNREACHABLE" }));
    const patient = put("patient", 15_000);
    await delay(1);
    await server.kill();
    await Promise.all(impatient);
    await server.start();
    const made = await bucket.get("new", bounds);
    ok(made === undefined || bytes.equals(made), `${made?.byteLength} bytes of ${bytes.byteLength}`);
    const replaced = await stored("replaced");
    ok(replaced.equals(old) || replaced.equals(bytes), `${replaced.byteLength} bytes`);
    await patient;
    ok((await stored("patient")).equals(bytes));
    for (const key of ["new", "replaced"]) await put(key, 10_000);
    for (const key of ["new", "replaced"]) ok((await stored(key)).equals(bytes));
    deepEqual(await bucket.list("", bounds), ["new", "patient", "replaced"]);
  });
});
