/**
 * Thousands of malformed requests: each is refused, nothing is stored, nothing of them is kept. The Tweeter is a process of its
 * own, so that the sender's memory is not counted.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { endOrKill } from "../../scripts/components/process-end.js";
import { seededRandom } from "../support/seeded-random.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { malformedRequest } from "./malformed-requests.js";
import { postTweet, wholeTimeline } from "./tweeter-fixture.js";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const rounds = 6;
/** `TIDETABLE_MALFORMED=12000` sends as many in all, of which the first sixth does not count. */
const requestsPerRound = Math.ceil(Number(process.env.TIDETABLE_MALFORMED ?? 6_000) / rounds);
/** A timer, a listener or an entry in a map left by each request takes more than this. */
const keptBytesMax = 128;

describe("Tweeter's memory", function () {
  this.timeout(180_000);
  let folder: TemporaryFolder;
  let child: ChildProcess;
  let url = "";

  before(async () => {
    folder = temporaryFolder("tweeter-memory");
    child = fork(path("../../src/cli/main.ts"), ["tweeter", "--port=0", "--rate=0"], {
      execArgv: ["--expose-gc", "--import=tsx", `--import=${path("heap-on-request.ts")}`],
      env: { ...process.env, TIDETABLE_DATA: folder.path, KAFKA_BROKERS: "", CASSANDRA_CONTACT_POINTS: "" },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (data: Buffer) => (output += data.toString()));
    url = await until("it says where it is", () => /is at (http:\S+)/.exec(output)?.[1], 60_000);
  });
  after(async () => {
    child.kill("SIGTERM");
    await endOrKill(child, 15_000);
    folder.remove();
  });

  const keptBytes = async (): Promise<number> => {
    const answered = once(child, "message");
    child.send("what do you keep?");
    return ((await answered)[0] as { readonly keptBytes: number }).keptBytes;
  };

  it("refuses what is malformed, stores nothing, does not grow, and goes on", async () => {
    const random = seededRandom(11);
    const kept: number[] = [];
    const statuses = new Set<number>();
    // What an empty log begins with.
    const stored = await wholeTimeline(url);
    let next = 0;
    for (let round = 0; round < rounds; round += 1) {
      const end = next + requestsPerRound;
      const sender = async () => {
        while (next < end) {
          const { path: wanted, init } = malformedRequest(next++, random);
          const answer = await fetch(url + wanted, { ...init, redirect: "manual" });
          await answer.arrayBuffer();
          ok(
            answer.status >= 400 && answer.status < 500,
            `${answer.status} for ${wanted} ${JSON.stringify(init).slice(0, 300)}`,
          );
          statuses.add(answer.status);
        }
      };
      await Promise.all(Array.from({ length: 16 }, sender));
      kept.push(await keptBytes());
    }
    const bytesPerRequest = slope(kept) / requestsPerRound;
    ok(bytesPerRequest < keptBytesMax, `${bytesPerRequest.toFixed(1)} bytes for each request stay: ${kept.join(", ")}`);
    ok(statuses.size >= 5, [...statuses].join(", "));
    deepEqual(await wholeTimeline(url), stored);
    equal((await postTweet(url, { handle: "x", content: "still here" })).status, 201);
  });
});

/** Of the line that lies closest to the values. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const rise = values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0);
  return rise / values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
}
