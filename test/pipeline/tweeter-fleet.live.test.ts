/** Instances as processes behind a real HAProxy: killed, they come back; scaled, no request fails; stopped, none is left. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { ensureHaproxy, type Haproxy, startHaproxy } from "../../scripts/components/haproxy.js";
import { TweeterFleet } from "../../scripts/pipeline/tweeter-fleet.js";
import { requireComponent } from "../support/require-component.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";

/** A server on its `--port` that answers what is under way when it is told to end, as Tweeter does. */
const program = `
const server = require("node:http").createServer((_, response) => setTimeout(() => response.end(String(process.pid)), 5));
server.listen(Number(process.argv[process.argv.indexOf("--port") + 1]), "127.0.0.1");
process.on("SIGTERM", () => server.close(() => process.exit(0)));
`;

describe("Tweeters behind the balancer", function () {
  this.timeout(90_000);
  let haproxy: Haproxy;
  let folder: TemporaryFolder;
  let fleet: TweeterFleet;

  before(async function () {
    await requireComponent(this, ensureHaproxy);
    haproxy = await startHaproxy();
    folder = temporaryFolder("fleet");
    const command = [process.execPath, "-e", program, "--"];
    fleet = new TweeterFleet({ haproxy, command, environment: process.env, directory: folder.path });
  });
  after(async () => {
    await fleet?.stop();
    await haproxy?.stop();
    folder?.remove();
  });

  const instance = (number: number) => fleet.instances().find((one) => one.number === number);
  it("comes back on its port after a kill, and is scaled, without a failed GET", async () => {
    await fleet.scale(2);
    const answered = new Set<string>();
    const failed: string[] = [];
    let on = true;
    const read = async () => {
      while (on) {
        try {
          const answer = await fetch(haproxy.url);
          answered.add(await answer.text());
          if (!answer.ok) failed.push(String(answer.status));
        } catch (error) {
          failed.push(String(error));
        }
      }
    };
    const reading = Array.from({ length: 6 }, read);
    const first = instance(2);
    ok(first?.pid !== undefined);

    fleet.kill(2);
    await until("it is started again", () => instance(2)?.restarts === 1 && instance(2)?.state === "healthy", 30_000);
    equal(instance(2)?.port, first.port);
    await until("it answers again", () => answered.has(String(instance(2)?.pid)), 30_000);

    await fleet.scale(4);
    await until("four answer", () => fleet.instances().every(({ pid }) => answered.has(String(pid))), 30_000);
    await fleet.scale(1);
    deepEqual(
      fleet.instances().map(({ number }) => number),
      [1],
    );
    deepEqual(
      (await haproxy.servers()).map(({ name }) => name),
      ["tweeter1"],
    );
    on = false;
    await Promise.all(reading);
    deepEqual(failed, []);
  });

  it("says what an instance that will not start has printed", async () => {
    const broken = new TweeterFleet({
      haproxy,
      command: [process.execPath, "-e", 'console.error("no such store"); process.exit(1)', "--"],
      environment: process.env,
      directory: folder.path,
    });
    try {
      await broken.scale(1).then(
        () => ok(false, "it started"),
        (error: Error) => ok(error.message.includes("no such store"), error.message),
      );
    } finally {
      await broken.stop();
    }
  });

  it("leaves no process", async () => {
    const pids = fleet.instances().map(({ pid }) => pid ?? 0);
    await fleet.stop();
    for (const pid of pids) {
      ok(
        await until(`${pid} is gone`, () => {
          try {
            return process.kill(pid, 0) ? undefined : true;
          } catch {
            return true;
          }
        }),
      );
    }
  });
});
