/** W1, W2, W6, W7 and W17 on the real server: how it is entered, what it bears, and what it gives away. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { WebSocket } from "ws";
import { freePort } from "../../../scripts/components/free-ports.js";
import { UsageError } from "../../../src/cli/command.js";
import { start } from "../../../src/cli/start.js";
import { kernelSubprotocol } from "../../../src/workbench/channels.js";
import { until } from "../../support/until.js";
import { openChannels } from "../channels-fixture.js";
import { startTestWorkbench, type TestWorkbench } from "../workbench-fixture.js";
import { changedFiles } from "./changed-files.js";
import { malformedRequests, masked, noMessages, wrongFrames } from "./malformed.js";
import {
  commandLines,
  exchange,
  answers as isAnswered,
  openSlowClients,
  rawStatus,
  type SlowClients,
  upgraded,
} from "./raw-network.js";

/** Named, so that where one turns up tells what gave it away. */
const canaries = Object.fromEntries(
  ["sasl", "registry", "grafana", "minio", "cassandra", "spark", "s3", "influx", "database", "session"].map((name) => [
    name,
    `canary-${name}-${randomBytes(12).toString("hex")}`,
  ]),
) as Readonly<Record<string, string>>;

describe("attacks on the workbench's server", function () {
  this.timeout(120_000);
  const startedAtMs = Date.now();
  let workbench: TestWorkbench;
  let home: string;
  let kernelId: string;
  let slow: SlowClients;
  let besieged: TestWorkbench;

  before(async () => {
    // The slow clients have their ten seconds while the other attacks run.
    besieged = await startTestWorkbench({ notebook: ["1"] });
    slow = await openSlowClients(besieged.port, 210);
    workbench = await startTestWorkbench({
      notebook: ["1 + 1"],
      environment: {
        KAFKA_SECURITY_PROTOCOL: "SASL_PLAINTEXT",
        KAFKA_SASL_MECHANISM: "PLAIN",
        KAFKA_SASL_USERNAME: "somebody",
        KAFKA_SASL_PASSWORD: canaries.sasl ?? "",
        SCHEMA_REGISTRY_PASSWORD: canaries.registry ?? "",
        GRAFANA_PASSWORD: canaries.grafana ?? "",
        MINIO_ROOT_PASSWORD: canaries.minio ?? "",
        CASSANDRA_USERNAME: "somebody",
        CASSANDRA_PASSWORD: canaries.cassandra ?? "",
        SPARK_REMOTE: `sc://127.0.0.1:1/;token=${canaries.spark}`,
        AWS_SECRET_ACCESS_KEY: canaries.s3 ?? "",
        INFLUX_TOKEN: canaries.influx ?? "",
        DATABASE_URL: `postgres://somebody:${canaries.database}@127.0.0.1:1/x`,
        SESSION_SECRET: canaries.session ?? "",
      },
    });
    home = `http://127.0.0.1:${workbench.port}`;
    const body = '{"path":"test.ipynb","type":"notebook","name":"","kernel":{"name":"tidetable"}}';
    const headers = { authorization: `token ${workbench.token}`, "content-type": "application/json" };
    const answer = await fetch(`${home}/api/sessions`, { method: "POST", headers, body });
    kernelId = ((await answer.json()) as { kernel: { id: string } }).kernel.id;
  });
  after(async () => {
    slow?.close();
    await Promise.all([workbench?.close(), besieged?.close()]);
  });

  const filesBelow = async (folder: string) =>
    (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));

  const stillWorks = async () => {
    const page = await openChannels(workbench, kernelId);
    const seen = await page.execute("6 * 7");
    ok(seen.includes("execute_result"), `${seen.join(" ")} ${page.text}`);
    page.close();
  };

  it("W1: is on loopback alone, behind a token of its own: 40 ways to start it", async () => {
    let counted = 0;
    const wishes = [
      "--host",
      "--ip",
      "--bind",
      "--listen",
      "--address",
      "--allow-remote",
      "--no-token",
      "--token",
      "--password",
      "--allow-origin",
    ];
    for (const wish of wishes) {
      for (const value of [[], ["0.0.0.0"], ["=0.0.0.0"]]) {
        const given = value[0]?.startsWith("=") ? [`${wish}${value[0]}`] : [wish, ...value];
        const signal = AbortSignal.abort();
        const context = { arguments: given, environment: {}, workingDirectory: "/", print() {}, warn() {}, signal };
        await rejects(start(context as unknown as Parameters<typeof start>[0]), (error: unknown) => {
          ok(error instanceof UsageError && error.message.includes(wish), String(error));
          return true;
        });
        counted++;
      }
    }
    const tokens = new Set<string>();
    const environments: ReadonlyArray<Record<string, string>> = [
      { HOST: "0.0.0.0" },
      { BIND_ADDRESS: "::" },
      { JUPYTER_TOKEN: "easy" },
      { TIDETABLE_TOKEN: "" },
      {},
    ];
    for (const environment of environments) {
      for (const isNamed of [true, false]) {
        const started = await startTestWorkbench({
          notebook: ["1"],
          environment,
          ...(isNamed ? { port: await freePort() } : {}),
        });
        try {
          match(started.token, /^[\w-]{43}$/);
          tokens.add(started.token).add(started.cookie);
          for (const address of ["127.0.0.2", "::1"]) equal(await isAnswered(address, started.port), false, address);
          equal(await isAnswered("127.0.0.1", started.port), true);
        } finally {
          await started.close();
        }
        counted++;
      }
    }
    equal(tokens.size, 20);
    equal(counted, 40);
  });

  it("W2: the token becomes a cookie and leaves the address: 30 flows", async () => {
    let counted = 0;
    const enter = async (query: string, headers: Record<string, string> = {}) => {
      counted++;
      return fetch(`${home}/${query}`, { redirect: "manual", headers });
    };
    const { token, port } = workbench;
    for (const rest of [
      "",
      "&notebook=test.ipynb",
      "&view=dashboard",
      "&a=b&c=d",
      "&token=second",
      "&notebook=%2F%2Felsewhere.example",
    ]) {
      for (const site of ["none", "same-origin", "cross-site"]) {
        const answer = await enter(`?token=${token}${rest}`, { "sec-fetch-site": site });
        equal(answer.status, site === "cross-site" ? 200 : 302);
        match(
          answer.headers.get("set-cookie") ?? "",
          new RegExp(`^tidetable-${port}=[\\w-]{43}; HttpOnly; SameSite=Strict; Path=/$`),
        );
        equal(answer.headers.get("referrer-policy"), "no-referrer");
        const on = answer.headers.get("location") ?? /url=([^"]*)"/.exec(await answer.text())?.[1] ?? "";
        // To this workbench, without the token; never to an address that was given.
        match(on, /^\/(\?|$)/);
        ok(!on.includes(token) && !on.startsWith("//"), on);
      }
    }
    for (const wrong of [
      `?token=${token}x`,
      `?token=${token.slice(1)}`,
      "?token=",
      `?token=${workbench.cookie}`,
      `?token[]=${token}`,
    ]) {
      const answer = await enter(wrong);
      equal(answer.status, 401, wrong);
      equal(answer.headers.get("set-cookie"), null);
    }
    for (const address of [
      { host: "evil.example" } as Record<string, string>,
      { origin: "http://evil.example" },
      { origin: "null" },
    ]) {
      counted++;
      equal(await rawStatus(workbench.port, `/?token=${token}`, address), 403);
    }
    // A restart keeps who is in; without the kept secrets nobody is, and open sockets have ended at once.
    const own = await startTestWorkbench({ notebook: ["1"] });
    const events = new WebSocket(`ws://127.0.0.1:${own.port}/api/events/subscribe`, {
      headers: { cookie: own.cookie, origin: `http://127.0.0.1:${own.port}` },
    });
    await once(events, "open");
    const ended = once(events, "close");
    await own.stop();
    await ended;
    let again = await own.again();
    const isIn = async () => {
      counted++;
      return (await fetch(`http://127.0.0.1:${own.port}/api/me`, { headers: { cookie: own.cookie } })).status;
    };
    equal(await isIn(), 200);
    equal((await fetch(own.url, { redirect: "manual" })).status, 401);
    counted++;
    await again.stop();
    await rm(join(own.directory, `.keys/workbench-${own.port}.json`));
    again = await own.again();
    equal(await isIn(), 401);
    equal((await fetch(again.url, { redirect: "manual" })).status, 302);
    counted++;
    await again.close();
    equal(counted, 30);
  });

  it("W6: bears what a websocket may bring: 60 cases, and the kernel goes on", async () => {
    let counted = 0;
    const path = `/api/kernels/${kernelId}/channels`;
    const headers = { authorization: `token ${workbench.token}` };
    const open = async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${workbench.port}${path}`, [kernelSubprotocol], { headers });
      socket.on("error", () => {});
      await once(socket, "open");
      return socket;
    };
    const closeCode = async (socket: WebSocket) => Number((await once(socket, "close"))[0]);
    for (const bad of noMessages) {
      const socket = await open();
      const closed = closeCode(socket);
      socket.send(bad);
      equal(await closed, 1003, JSON.stringify(bad).slice(0, 80));
      counted++;
    }
    // Frames that are wrong in themselves, as bytes.
    for (const [what, bytes] of wrongFrames) {
      const { socket, response } = await upgraded(workbench, path);
      // Compression was offered, and is not used: no bomb can be packed.
      ok(!/permessage-deflate/i.test(response), response);
      const ended = once(socket, "close");
      socket.write(bytes);
      await ended.catch(() => {});
      ok(socket.destroyed, what);
      counted++;
    }
    const flood = await upgraded(workbench, path);
    const flooded = once(flood.socket, "close");
    flood.socket.write(masked(0x02, 0));
    for (let fragments = 0; fragments < 100_000 && !flood.socket.destroyed; fragments += 1000) {
      flood.socket.write(Buffer.concat(Array.from({ length: 1000 }, () => masked(0x00, 0))));
    }
    await flooded;
    counted++;
    // One that never ends: the socket may wait, and nobody else does.
    const endless = await upgraded(workbench, path);
    endless.socket.write(masked(0x02, 100));
    await stillWorks();
    endless.socket.destroy();
    counted++;
    // A message of the largest size comes through; it is no message of ours, and is refused as such.
    const large = await open();
    const largeClosed = closeCode(large);
    large.send(Buffer.alloc(8 * 1024 * 1024, 1));
    equal(await largeClosed, 1003);
    const larger = await open();
    const largerClosed = closeCode(larger);
    larger.send(Buffer.alloc(8 * 1024 * 1024 + 1));
    equal(await largerClosed, 1009);
    counted += 2;
    for (const [query, status] of [
      ["?session_id=short&resume=0", 400],
      ["?session_id=aaaaaaaaaa&resume=-2", 400],
      ["?session_id=aaaaaaaaaa&resume=1e9", 400],
      ["?resume=0", 400],
      [`?session_id=${"a".repeat(65)}&resume=0`, 400],
    ] as const) {
      equal((await upgraded(workbench, `${path}${query}`)).status, status);
      counted++;
    }
    // Sixty pages at once are enough.
    const many = [await upgraded(workbench, "/api/events/subscribe")];
    while (many.at(-1)?.status === 101 && many.length <= 61) {
      many.push(await upgraded(workbench, "/api/events/subscribe"));
    }
    equal(many.at(-1)?.status, 429);
    ok(many.length <= 61, `${many.length - 1} were let in`);
    equal((await upgraded(workbench, path)).status, 429);
    for (const { socket } of many) socket.destroy();
    counted += 2;
    await until("the sockets are gone", async () => {
      const { socket, status } = await upgraded(workbench, path);
      socket.destroy();
      return status === 101;
    });
    await stillWorks();
    equal(counted, 60, String(counted));
  });

  it("W7: answers 50 malformed requests with a refusal, and goes on", async () => {
    const { port, token } = workbench;
    const malformed = malformedRequests(port, token);
    equal(malformed.length, 50, String(malformed.length));
    for (const request of malformed) {
      const answer = await exchange(port, request);
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
      ok(
        status === 0 || (status >= 400 && status < 500),
        `${JSON.stringify(request.slice(0, 80))}: ${answer.slice(0, 80)}`,
      );
      ok(!/\bat .*\.[jt]s|node:internal/.test(answer), answer);
    }
    await stillWorks();
  });

  it("W17: gives no secret away: 10 planted, and its own, looked for in logs, files, answers and arguments", async () => {
    const page = await openChannels(workbench, kernelId);
    const failing = [
      "%%sql\nSELECT * FROM nothing_of_this_name",
      'import { stream } from "tidetable"; await stream("secrets", { brokers: "127.0.0.1:1" })',
      'import { cassandra } from "tidetable"; await cassandra("a", "b")',
      'throw new Error("mine")',
      'process.stderr.write("to stderr"); console.log("to stdout")',
    ];
    for (const code of failing) await page.execute(code);
    page.close();
    const answers = await Promise.all(
      [
        "/",
        "/api/status",
        "/api/me",
        "/api/kernels",
        "/api/kernelspecs",
        "/api/sessions",
        "/api/contents",
        "/api/contents/test.ipynb",
        "/nowhere",
      ].map(async (path) => {
        const answer = await fetch(`${home}${path}`, { headers: { cookie: workbench.cookie } });
        return JSON.stringify([...answer.headers]) + (await answer.text());
      }),
    );
    const files: string[] = [];
    const isWholeDisk = process.env.W17_WHOLE_DISK === "1";
    for (const file of isWholeDisk ? await changedFiles(startedAtMs) : await filesBelow(workbench.directory)) {
      // The one that is for secrets, and for its user alone.
      if (/workbench-\d+\.json$/.test(file)) equal((await stat(file)).mode & 0o777, 0o600);
      // Others write meanwhile, and remove what they wrote.
      else files.push(await readFile(file, "latin1").catch(() => ""));
    }
    if (isWholeDisk) console.log(`      ${files.length} files of the whole disk`);
    const commands = await commandLines();
    const secrets = {
      ...canaries,
      token: workbench.token,
      cookie: workbench.cookie.split("=")[1] ?? "",
    };
    equal(Object.keys(canaries).length, 10);
    const places = { log: workbench.log.join("\n"), answers: answers.join("\n"), files: files.join("\n"), commands };
    for (const [place, text] of Object.entries(places)) {
      deepEqual(
        Object.entries(secrets).flatMap(([name, secret]) => (text.includes(secret) ? [name] : [])),
        [],
        place,
      );
    }
  });

  // Last: by now they have had their ten seconds.
  it("W7: lets 210 slow clients go after their ten seconds, and takes others then", async () => {
    ok(slow.refused >= 10, `${slow.refused} of 210 were refused at once`);
    await until("the slow clients are gone", () => slow.open === 0, 20_000);
    const answer = await fetch(`http://127.0.0.1:${besieged.port}/api/me`, { headers: { cookie: besieged.cookie } });
    equal(answer.status, 200);
  });
});
