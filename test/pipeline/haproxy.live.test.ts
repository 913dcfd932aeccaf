/** HAProxy in front of instances that come, go and die, under load: no reading request fails, and none is written twice. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ensureHaproxy, type Haproxy, startHaproxy } from "../../scripts/components/haproxy.js";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";

interface Instance {
  readonly name: string;
  /** Connections that were made to it. */
  connections(): number;
  readonly port: number;
  /** What it was asked to write, answered or not. */
  readonly written: string[];
  /** Closes its sockets without an answer, as a killed process does. */
  die(): void;
}

const running = new Set<Server>();

async function instance(name: string): Promise<Instance> {
  const written: string[] = [];
  const server = createServer((request, response) => {
    if (request.method === "POST") written.push(request.headers["idempotency-key"] as string);
    // Long enough that some request is always under way.
    setTimeout(() => response.end(name), 5);
  });
  let connections = 0;
  server.on("connection", () => {
    connections += 1;
  });
  running.add(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const die = () => {
    server.close();
    server.closeAllConnections();
  };
  return { name, port: (server.address() as AddressInfo).port, written, connections: () => connections, die };
}

describe("HAProxy as the pipeline runs it", function () {
  this.timeout(60_000);
  let haproxy: Haproxy;

  before(async function () {
    await requireComponent(this, ensureHaproxy);
    haproxy = await startHaproxy();
  });
  after(async () => {
    await haproxy?.stop();
    for (const server of running) {
      server.close();
      server.closeAllConnections();
    }
  });

  it("fails no GET while instances are added, removed and killed; a POST goes to one instance at the most", async () => {
    const [first, second] = [await instance("first"), await instance("second")];
    await haproxy.addServer(first.name, first.port);
    await haproxy.addServer(second.name, second.port);
    const answers = new Map<string, number>();
    const failed: string[] = [];
    const posts = { acknowledged: 0, failed: 0 };
    let on = true;
    const read = async () => {
      while (on) {
        const answer = await fetch(haproxy.url).catch((error: unknown) => String(error));
        if (typeof answer === "string" || answer.status !== 200) {
          failed.push(typeof answer === "string" ? answer : String(answer.status));
          continue;
        }
        const name = await answer.text();
        equal(answer.headers.get("x-served-by"), name);
        answers.set(name, (answers.get(name) ?? 0) + 1);
      }
    };
    const write = async (writer: number) => {
      for (let number = 0; on; number += 1) {
        const headers = { "idempotency-key": `${writer}-${number}` };
        const answer = await fetch(haproxy.url, { method: "POST", headers, body: "{}" }).catch(() => undefined);
        if (answer?.status === 200) posts.acknowledged += 1;
        else posts.failed += 1;
        await answer?.arrayBuffer().catch(() => undefined);
      }
    };
    const load = [...Array.from({ length: 8 }, read), ...[1, 2].map(write)];

    await until("both answer", () => answers.size === 2);
    const third = await instance("third");
    await haproxy.addServer(third.name, third.port);
    await until("the third answers", () => answers.has("third"));

    await haproxy.removeServer("first");
    const written = first.written.length;
    second.die();
    await until("the second is down", async () =>
      (await haproxy.servers()).some(({ name, status }) => name === "second" && status === "DOWN"),
    );
    const before = answers.get("third") ?? 0;
    await until("the third answers alone", () => (answers.get("third") ?? 0) > before + 100);
    on = false;
    await Promise.all(load);

    deepEqual(failed, []);
    equal(first.written.length, written, "a removed instance was given a write");
    const keys = [first, second, third].flatMap((one) => one.written);
    equal(new Set(keys).size, keys.length, "a write came twice");
    ok(keys.length >= posts.acknowledged && keys.length <= posts.acknowledged + posts.failed);
  });

  it("uses a connection to an instance for many requests, of both kinds", async () => {
    const fourth = await instance("fourth");
    await haproxy.addServer(fourth.name, fourth.port);
    const before = fourth.connections();
    let answered = 0;
    for (let number = 0; number < 400; number += 1) {
      const init = number % 2 === 0 ? {} : { method: "POST", body: "{}", headers: { "idempotency-key": `${number}` } };
      const answer = await fetch(haproxy.url, init);
      await answer.arrayBuffer();
      if (answer.headers.get("x-served-by") === fourth.name) answered += 1;
    }
    await haproxy.removeServer(fourth.name);
    const made = fourth.connections() - before;
    // Some are health checks, which come on their own.
    ok(answered >= 100 && made < answered / 4, `${made} connections for ${answered} requests`);
  });

  it("has a page of figures, and says what is wrong with a command", async () => {
    match(await (await fetch(haproxy.statsUrl)).text(), /third/);
    await haproxy.addServer("third", 1).then(
      () => ok(false, "a second server of one name"),
      (error: Error) => match(error.message, /Already exists|add server/),
    );
  });
});
