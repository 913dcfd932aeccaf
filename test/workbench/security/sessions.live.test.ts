/** W2 and W7 on the real server: who is let in, how often one may guess, and what ends when others are shut out. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { once } from "node:events";
import { WebSocket } from "ws";
import { startTestWorkbench } from "../workbench-fixture.js";
import { upgraded } from "./raw-network.js";

describe("attacks on the workbench's sessions", function () {
  this.timeout(60_000);

  it("W2: who shuts the others out ends their cookies, tokens, links and open websockets within a second: 23 cases", async () => {
    const own = await startTestWorkbench({ notebook: ["1"] });
    try {
      const at = `http://127.0.0.1:${own.port}`;
      let counted = 0;
      const status = async (path: string, headers: Record<string, string>) => {
        counted++;
        const answer = await fetch(`${at}${path}`, { headers, redirect: "manual" });
        await answer.body?.cancel();
        return answer.status;
      };
      const asOwner = { cookie: own.cookie, origin: at };
      const made = await fetch(`${at}/api/view-links`, {
        method: "POST",
        headers: { ...asOwner, "content-type": "application/json" },
        body: '{"path":"test.ipynb"}',
      });
      const link = new URL(((await made.json()) as { url: string }).url);
      const looked = await fetch(link, { redirect: "manual" });
      const viewer = { cookie: looked.headers.get("set-cookie")?.split(";")[0] ?? "" };
      const content = "/view/content?notebook=test.ipynb";
      equal(await status(content, viewer), 200);
      const stream = await fetch(`${at}/view/events?notebook=test.ipynb`, { headers: viewer });
      const sockets = await Promise.all(
        Array.from({ length: 10 }, async () => {
          const socket = new WebSocket(`ws://127.0.0.1:${own.port}/api/events/subscribe`, { headers: asOwner });
          await once(socket, "open");
          return socket;
        }),
      );
      const ended = Promise.all([...sockets.map((socket) => once(socket, "close")), stream.text()]);
      const askedMs = performance.now();
      const answer = await fetch(`${at}/api/access`, { method: "DELETE", headers: asOwner });
      equal(answer.status, 204);
      await ended;
      ok(performance.now() - askedMs < 1000, `${performance.now() - askedMs} ms`);
      counted += sockets.length + 1;
      const [address = ""] = own.newAddresses;
      const newToken = new URL(address).searchParams.get("token") ?? "";
      const newCookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
      ok(newToken !== own.token && newCookie !== own.cookie);
      for (const path of ["/api/me", "/", "/api/contents"])
        equal(await status(path, { cookie: own.cookie }), 401, path);
      equal(await status("/api/me", { authorization: `token ${own.token}` }), 401);
      equal(await status(`/?token=${own.token}`, {}), 401);
      equal(await status(content, viewer), 401);
      equal(await status(`${link.pathname}${link.search}`, {}), 401);
      equal(await status("/api/me", { cookie: newCookie }), 200);
      equal(await status("/api/me", { authorization: `token ${newToken}` }), 200);
      // A restart knows the new cookie and not the old one.
      await own.stop();
      const again = await own.again();
      equal(await status("/api/me", { cookie: newCookie }), 200);
      equal(await status("/api/me", { cookie: own.cookie }), 401);
      await again.stop();
      equal(counted, 23);
    } finally {
      await own.close();
    }
  });

  it("W7: looks at ten wrong tokens a minute, and at no further one; who is in stays in: 30 tries", async () => {
    const own = await startTestWorkbench({ notebook: ["1"] });
    try {
      const at = `http://127.0.0.1:${own.port}`;
      const statuses: number[] = [];
      const ask = async (path: string, headers: Record<string, string>) => {
        const answer = await fetch(`${at}${path}`, { headers, redirect: "manual" });
        await answer.body?.cancel();
        statuses.push(answer.status);
      };
      for (let wrong = 0; wrong < 10; wrong++) {
        if (wrong % 2 === 0) await ask("/api/me", { authorization: `token wrong${wrong}` });
        else await ask(`/?token=wrong${wrong}`, {});
      }
      for (const right of [`token ${own.token}`, "token wrong"]) {
        for (let times = 0; times < 4; times++) await ask("/api/me", { authorization: right });
      }
      await ask(`/?token=${own.token}`, {});
      statuses.push((await upgraded(own, "/api/events/subscribe")).status);
      deepEqual(statuses, [...Array(10).fill(401), ...Array(10).fill(429)]);
      statuses.length = 0;
      for (let times = 0; times < 10; times++) await ask("/api/me", { cookie: own.cookie });
      deepEqual(statuses, Array(10).fill(200));
    } finally {
      await own.close();
    }
  });
});
