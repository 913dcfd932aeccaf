/** W1, W2, W6, W7 and W17 on the real server: how it is entered, what it bears, and what it gives away. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { WebSocket } from "ws";
import { UsageError } from "../../../src/cli/command.js";
import { start } from "../../../src/cli/start.js";
import { kernelSubprotocol } from "../../../src/workbench/channels.js";
import { until } from "../../support/until.js";
import { openChannels } from "../channels-fixture.js";
import { startTestWorkbench, type TestWorkbench } from "../workbench-fixture.js";

/** Named, so that where one turns up tells what gave it away. */
const canaries = Object.fromEntries(
  ["sasl", "registry", "grafana", "minio", "cassandra", "spark", "s3", "influx", "database", "session"].map((name) => [
    name,
    `canary-${name}-${randomBytes(12).toString("hex")}`,
  ]),
) as Readonly<Record<string, string>>;

describe("attacks on the workbench's server", function () {
  this.timeout(120_000);
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
          for (const address of ["127.0.0.2", "::1"]) equal(await answers(address, started.port), false, address);
          equal(await answers("127.0.0.1", started.port), true);
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
    const stoppedAtMs = performance.now();
    await own.stop();
    await ended;
    ok(performance.now() - stoppedAtMs < 5_000);
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
    const offsets = (...numbers: number[]) => {
      const bytes = Buffer.alloc(8 * (numbers.length + 1));
      for (const [index, number] of [numbers.length, ...numbers].entries())
        bytes.writeBigUInt64LE(BigInt(number), index * 8);
      return bytes;
    };
    const noMessages: ReadonlyArray<string | Buffer> = [
      ...["", "{", "{}", "null", '{"received":-1}', '{"received":1.5}', "x".repeat(200), '{"channel":"shell"}'],
      ...[0, 1, 7, 8, 9, 15, 16, 64, 1000].map((size) => Buffer.alloc(size)),
      ...[1, 7, 8, 9, 100, 1000].map((size) => Buffer.alloc(size, 0xff)),
      ...[1, 2, 3, 4, 5].map((count) => Buffer.concat([offsets(...Array(count).fill(64)), Buffer.from("shell{")])),
      offsets(0),
      offsets(8, 8),
      offsets(Number.MAX_SAFE_INTEGER),
      offsets(16, 8, 0),
      offsets(1, 2, 3, 4, 5, 6),
      Buffer.concat([offsets(48, 53, 55, 57, 59), Buffer.from("iopub{}{}{}{}")]),
      Buffer.concat([offsets(48, 53, 55, 57, 59), Buffer.from("shell[][][][]")]),
      Buffer.concat([offsets(48, 53, 54, 55, 56), Buffer.from("shellnope")]),
      Buffer.concat([offsets(48, 52, 54, 56, 58), Buffer.from("root{}{}{}{}")]),
    ];
    for (const bad of noMessages) {
      const socket = await open();
      const closed = closeCode(socket);
      socket.send(bad);
      equal(await closed, 1003, JSON.stringify(bad).slice(0, 80));
      counted++;
    }
    // Frames that are wrong in themselves, as bytes.
    const masked = (first: number, length: number) =>
      Buffer.concat([Buffer.from([first, 0x80 | length]), Buffer.alloc(4 + length)]);
    const frames: ReadonlyArray<readonly [what: string, bytes: Buffer]> = [
      ["without a mask", Buffer.from([0x82, 0x01, 0x00])],
      ["of a reserved kind", masked(0x83, 1)],
      ["of another reserved kind", masked(0x8b, 1)],
      ["said to be compressed", masked(0xc2, 1)],
      ["with a reserved bit", masked(0xa2, 1)],
      ["that goes on with nothing", masked(0x80, 1)],
      ["a ping in parts", masked(0x09, 1)],
      ["a close of one byte", masked(0x88, 1)],
      ["text that is no UTF-8", Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff])],
      ["longer than a number holds", Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
      ["longer than 8 MiB", Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x80, 0, 1, 0, 0, 0, 0])],
      ["of 4 GiB", Buffer.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])],
    ];
    for (const [what, bytes] of frames) {
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
    const many = await Promise.all(Array.from({ length: 60 }, () => upgraded(workbench, "/api/events/subscribe")));
    ok(many.filter(({ status }) => status === 101).length >= 59);
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
    const headers = `Host: 127.0.0.1:${port}\r\nAuthorization: token ${token}\r\nContent-Type: application/json\r\n`;
    const put = `PUT /api/contents/test.ipynb HTTP/1.1\r\n${headers}`;
    const malformed: readonly string[] = [
      ...[
        "\r\n\r\n",
        "\u0000\u0001\u0002\r\n\r\n",
        "GET\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "get / HTTP/1.1\r\n\r\n",
      ],
      ...["GET / HTTP/1.1\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n"],
      ...[
        "\u0016\u0003\u0001\u0002\u0000\u0001\u0000",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
      ],
      ...["GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"],
      `GET / HTTP/1.1\r\n${headers}Host: evil.example\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost : 127.0.0.1:${port}\r\n\r\n`,
      `GET / HTTP/1.1\r\n Host: 127.0.0.1:${port}\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: a\u0000b\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: a\u0001b\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX Y: a\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n: a\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: ${"x".repeat(17 * 1024)}\r\n\r\n`,
      `GET /${"x".repeat(17 * 1024)} HTTP/1.1\r\n${headers}\r\n`,
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${"X: y\r\n".repeat(4000)}\r\n`,
      `${put}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${put}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
      `${put}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
      `${put}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
      ...["-1", "x", "1e3", "+2", "0x2", "99999999999999999999", ""].map(
        (length) => `${put}Content-Length: ${length}\r\n\r\n{}`,
      ),
      ...["x", "-1", "ffffffffffffffffff", "2;\u0000"].map(
        (size) => `${put}Transfer-Encoding: chunked\r\n\r\n${size}\r\n{}\r\n0\r\n\r\n`,
      ),
      `${put}Content-Length: ${64 * 1024 * 1024 + 1}\r\n\r\n`,
      `POST /api/sessions HTTP/1.1\r\n${headers}Content-Length: ${1024 * 1024 + 1}\r\n\r\n`,
      `POST /api/view-links HTTP/1.1\r\n${headers}Content-Length: ${1024 * 1024 + 1}\r\n\r\n`,
      ...["{", "[", '"', "nul", "\u0000", "[]", "1", "null"].map(
        (body) =>
          `POST /api/sessions HTTP/1.1\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      ),
    ];
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
    for (const entry of await readdir(workbench.directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      // The one that is for secrets, and for its user alone.
      if (/workbench-\d+\.json$/.test(file)) equal((await stat(file)).mode & 0o777, 0o600);
      else files.push(await readFile(file, "latin1"));
    }
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

interface SlowClients {
  readonly open: number;
  readonly refused: number;
  close(): void;
}

/** Each sends half a request and then nothing. */
async function openSlowClients(port: number, count: number): Promise<SlowClients> {
  const sockets: Socket[] = [];
  let open = 0;
  let refused = 0;
  const openedAtMs = performance.now();
  for (let client = 0; client < count; client++) {
    const socket = connect(port, "127.0.0.1").resume();
    open++;
    socket.on("error", () => {});
    socket.on("close", () => {
      open--;
      if (performance.now() - openedAtMs < 5_000) refused++;
    });
    sockets.push(socket);
    await once(socket, "connect");
    socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Slow: `);
  }
  return {
    get open() {
      return open;
    },
    get refused() {
      return refused;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function freePort(): Promise<number> {
  const { createServer } = await import("node:net");
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function answers(address: string, port: number): Promise<boolean> {
  const socket = connect(port, address);
  const isOpen = await new Promise<boolean>((done) => {
    socket.once("connect", () => done(true)).once("error", () => done(false));
  });
  socket.destroy();
  return isOpen;
}

/** Sends bytes, and gives back what comes until the other side ends or says nothing more for a while. */
async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    answer += chunk;
    // A refusal may leave the connection open for the next request.
    if (/^HTTP\/1\.1 \d{3}[\s\S]*\r\n\r\n/.test(answer)) socket.end();
  });
  socket.on("error", () => {});
  socket.write(Buffer.from(bytes, "latin1"));
  socket.setTimeout(1_000, () => socket.destroy());
  await once(socket, "close");
  return answer;
}

async function rawStatus(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const lines = Object.entries({ host: `127.0.0.1:${port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const answer = await exchange(port, `GET ${path} HTTP/1.1\r\n${lines.join("")}Connection: close\r\n\r\n`);
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}

/** A websocket whose frames the test writes itself. */
async function upgraded(
  { port, token }: TestWorkbench,
  path: string,
): Promise<{ socket: Socket; status: number; response: string }> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    `Authorization: token ${token}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    `Sec-WebSocket-Protocol: ${kernelSubprotocol}`,
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const [first] = (await once(socket, "data")) as [Buffer];
  const response = first.toString("latin1");
  return { socket, status: Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1] ?? 0), response };
}

/** Of every process that may be looked at, where the system shows them as files. */
async function commandLines(): Promise<string> {
  const processes = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(processes.map((id) => readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "")));
  return lines.join("\n");
}
