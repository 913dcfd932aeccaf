/** The workbench without a browser: its address, its REST, its websockets and the kernels behind them. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { request } from "node:http";
import { createServer } from "node:net";
import { TidetableError } from "../../src/errors.js";
import { startWorkbench } from "../../src/workbench/server.js";
import { isAlive } from "../support/process-alive.js";
import { until } from "../support/until.js";
import { connectionTo, openChannels } from "./channels-fixture.js";
import { kernelCommand, startTestWorkbench, type TestWorkbench } from "./workbench-fixture.js";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

describe("the workbench's server", function () {
  this.timeout(120_000);
  let workbench: TestWorkbench;

  before(async () => {
    workbench = await startTestWorkbench({ notebook: ["1 + 1"] });
  });
  after(() => workbench?.close());

  function ask(
    path: string,
    headers: Readonly<Record<string, string>> = {},
    method = "GET",
    body?: string,
  ): Promise<Answer> {
    return new Promise((done, fail) => {
      const asked = request({ host: "127.0.0.1", port: workbench.port, path, method, headers }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        answer.on("end", () => done({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
      });
      asked.on("error", fail);
      asked.end(body);
    });
  }
  const withToken = () => ({ authorization: `token ${workbench.token}` });
  const asOwner = (path: string, method = "GET", body?: unknown) =>
    ask(
      path,
      { ...withToken(), "content-type": "application/json" },
      method,
      body === undefined ? undefined : JSON.stringify(body),
    );
  async function openSession(): Promise<{ id: string; kernel: { id: string } }> {
    const answer = await asOwner("/api/sessions", "POST", {
      path: "test.ipynb",
      type: "notebook",
      name: "",
      kernel: { name: "tidetable" },
    });
    equal(answer.status, 201, answer.body);
    return JSON.parse(answer.body);
  }

  describe("lets in", () => {
    it("the token for a cookie, once, and moves it out of the address", async () => {
      const { status, headers } = await ask(`/?token=${workbench.token}&notebook=test.ipynb`);
      deepEqual([status, headers.location], [302, "/?notebook=test.ipynb"]);
      match(String(headers["set-cookie"]), /^tidetable-\d+=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/);
    });

    it("the cookie, on the page and its assets, with a policy that runs no foreign script", async () => {
      const { headers } = await ask(`/?token=${workbench.token}`);
      const cookie = String(headers["set-cookie"]).split(";")[0] ?? "";
      const page = await ask("/", { cookie });
      equal(page.status, 200);
      match(String(page.headers["content-security-policy"]), /default-src 'none'; script-src 'self';/);
      equal(page.body.includes(workbench.token), false);
      const script = /src="(\/assets\/main-\w+\.js)"/.exec(page.body)?.[1] ?? "";
      const asset = await ask(script, { cookie, "accept-encoding": "gzip" });
      deepEqual([asset.status, asset.headers["content-encoding"]], [200, "gzip"]);
      match(String(asset.headers["cache-control"]), /immutable/);
    });

    it("a link on another site: the cookie is set and the page moves on by itself", async () => {
      const { status, headers, body } = await ask(`/?token=${workbench.token}`, { "sec-fetch-site": "cross-site" });
      deepEqual([status, headers.location], [200, undefined]);
      match(body, /http-equiv="refresh" content="0; url=\/"/);
    });
  });

  describe("refuses", () => {
    const routes: ReadonlyArray<[method: string, path: string]> = [
      ["GET", "/"],
      ["GET", "/assets/x.js"],
      ["GET", "/api/me"],
      ["GET", "/api/kernelspecs"],
      ["GET", "/api/kernels"],
      ["GET", "/api/sessions"],
      ["POST", "/api/sessions"],
      ["GET", "/api/contents"],
      ["GET", "/api/contents/test.ipynb"],
      ["PUT", "/api/contents/test.ipynb"],
      ["POST", "/api/contents/test.ipynb/checkpoints"],
      ["POST", "/api/kernels/x/restart"],
      ["DELETE", "/api/sessions/x"],
      ["POST", "/api/contents"],
      ["PATCH", "/api/contents/test.ipynb"],
      ["DELETE", "/api/contents/test.ipynb"],
      ["GET", "/nowhere"],
    ];
    for (const [method, path] of routes) {
      it(`${method} ${path} without a token, from another host and from another origin`, async () => {
        const { cookie } = workbench;
        const statuses = [
          await ask(path, {}, method),
          await ask(path, { ...withToken(), host: "evil.example" }, method),
          await ask(path, { cookie, origin: "http://evil.example" }, method),
        ].map(({ status }) => status);
        deepEqual(statuses, [401, 403, 403]);
      });
    }

    it("a wrong token in the address, with words for the person", async () => {
      const { status, body } = await ask("/?token=wrong");
      equal(status, 401);
      match(body, /Open the address that was printed/);
    });

    const paths = [
      "..%2Fsecret.ipynb",
      "%2e%2e/secret.ipynb",
      "..%5Csecret.ipynb",
      "%252e%252e%252fx.ipynb",
      "a%00.ipynb",
      "%zz.ipynb",
      "a%2Fb.ipynb",
      "data",
    ];
    for (const path of paths) {
      it(`contents/${path}`, async () => {
        const { status, body } = await asOwner(`/api/contents/${path}`);
        ok([200, 400, 404].includes(status), String(status));
        // `data` is a folder of the root; everything else names no notebook in it.
        equal(status === 200, path === "data", body);
        equal(/\bat .*\.ts|node:internal/.test(body), false, body);
      });
    }

    it("a body that is not JSON", async () => {
      const headers = { ...withToken(), "content-type": "text/plain" };
      deepEqual(
        [
          (await ask("/api/sessions", headers, "POST", "{}")).status,
          (await ask("/api/sessions", { ...headers, "content-type": "application/json" }, "POST", "{")).status,
        ],
        [415, 400],
      );
    });

    it("websockets of another origin, host or identity, and of unknown kernels", async () => {
      const { kernel } = await openSession();
      const { cookie } = workbench;
      const home = `http://127.0.0.1:${workbench.port}`;
      const attempts: ReadonlyArray<[headers: Record<string, string>, path: string, expected: number | "open"]> = [
        [{}, `/api/kernels/${kernel.id}/channels`, 401],
        [{ cookie }, `/api/kernels/${kernel.id}/channels`, 403],
        [{ cookie, origin: "http://evil.example" }, `/api/kernels/${kernel.id}/channels`, 403],
        [{ cookie, origin: home, host: "evil.example" }, `/api/kernels/${kernel.id}/channels`, 403],
        [{ cookie, origin: home }, "/api/kernels/00000000-0000-0000-0000-000000000000/channels", 404],
        [{ cookie, origin: home }, "/anywhere", 404],
        [{ cookie, origin: home }, `/api/kernels/${kernel.id}/channels`, "open"],
      ];
      for (const [headers, path, expected] of attempts)
        equal(await connectionTo(workbench.port, path, headers), expected);
    });
  });

  it("runs code over the websocket and hands back every message of it", async () => {
    const { kernel } = await openSession();
    const page = await openChannels(workbench, kernel.id);
    const seen = await page.execute('console.log("from the cell"); 40 + 2');
    ok(seen.includes("stream") && seen.includes("execute_result") && seen.includes("execute_reply"), seen.join(" "));
    // Busy is said again after each request that was served beside it; idle is said once.
    deepEqual([seen[0], seen.filter((type) => type === "idle").length], ["busy", 1]);
    page.close();
  });

  it("gives two pages of one notebook one kernel", async () => {
    const [one, two] = await Promise.all([openSession(), openSession()]);
    deepEqual([one?.id, one?.kernel.id], [two?.id, two?.kernel.id]);
    const listed = JSON.parse((await asOwner("/api/kernels")).body);
    equal(listed.length, 1);
  });

  it("tells each page when the kernel dies, why, and brings it back", async () => {
    const { kernel } = await openSession();
    const page = await openChannels(workbench, kernel.id);
    await page.execute("const before = 1");
    page.send('process.kill(process.pid, "SIGKILL")');
    await until("the news of the death", () => page.types.includes("dead") || undefined);
    const model = JSON.parse((await asOwner(`/api/kernels/${kernel.id}`)).body);
    equal(model.execution_state, "dead");
    equal(model.reason, "it was ended by SIGKILL");
    page.close();
    equal((await asOwner(`/api/kernels/${kernel.id}/restart`, "POST", {})).status, 200);
    const again = await openChannels(workbench, kernel.id);
    ok((await again.execute("1 + 1")).includes("execute_result"));
    again.close();
  });

  it("interrupts a cell that loops, and the kernel goes on", async () => {
    const { kernel } = await openSession();
    const page = await openChannels(workbench, kernel.id);
    await page.execute("let counted = 0");
    const looping = page.execute("while (true) counted++");
    await until("the loop", () => page.types.at(-1) === "execute_input" || undefined);
    equal((await asOwner(`/api/kernels/${kernel.id}/interrupt`, "POST", {})).status, 204);
    ok((await looping).includes("error"));
    ok((await page.execute("counted > 0")).includes("execute_result"));
    page.close();
  });

  it("keeps only the newest of each display for a page that reads slowly", async () => {
    const { kernel } = await openSession();
    const page = await openChannels(workbench, kernel.id);
    await page.execute(
      'import { display, update } from "tidetable"; display({ "text/plain": "first" }, { id: "slow" })',
    );
    page.pause();
    const updates = 150;
    page.send(`for (let n = 1; n <= ${updates}; n++) {
      update("slow", { "text/plain": n + "x".repeat(1024 * 1024) });
      await new Promise((next) => setTimeout(next, 5));
    }
    console.log("all sent")`);
    const watcher = await openChannels(workbench, kernel.id);
    await until("the end of the updates", () => watcher.text.includes("all sent") || undefined, 60_000);
    watcher.close();
    page.resume();
    const last = await until("the last update", () => page.updates.findLast((text) => text.startsWith(`${updates}x`)));
    equal(last.length, 1024 * 1024 + String(updates).length);
    ok(
      page.updates.length < updates,
      `${page.updates.length} of ${updates} updates were kept for a page that did not read`,
    );
    page.close();
  });

  it("lets a page go that does not read at all, and the kernel and other pages go on", async () => {
    const { kernel } = await openSession();
    const page = await openChannels(workbench, kernel.id);
    await page.execute("1");
    page.pause();
    const other = await openChannels(workbench, kernel.id);
    const flood = `import { display } from "tidetable";
    for (let n = 0; n < 200; n++) {
      display({ "text/plain": "y".repeat(1024 * 1024) });
      await new Promise((next) => setTimeout(next, 5));
    }`;
    await other.execute(flood);
    page.resume();
    await until("the end of the connection", () => page.closed || undefined);
    ok((await other.execute("6 * 7")).includes("execute_result"));
    other.close();
  });

  it("answers no eleventh wrong token within a minute, not even the right one, and keeps pages that are in", async () => {
    const guarded = await startTestWorkbench({ notebook: ["1"] });
    try {
      const url = `http://127.0.0.1:${guarded.port}`;
      const entered = await fetch(guarded.url, { redirect: "manual" });
      const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
      const statuses: number[] = [];
      for (let attempt = 0; attempt < 12; attempt++) {
        statuses.push((await fetch(`${url}/api/me`, { headers: { authorization: `token wrong${attempt}` } })).status);
      }
      deepEqual(statuses, [...Array(10).fill(401), 429, 429]);
      equal((await fetch(guarded.url, { redirect: "manual" })).status, 429);
      equal((await fetch(`${url}/api/me`, { headers: { cookie } })).status, 200);
    } finally {
      await guarded.close();
    }
  });

  it("says PORT_TAKEN for a port that is named and in use", async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    const port = await until("a port", () => {
      const address = holder.address();
      return typeof address === "object" && address !== null ? address.port : undefined;
    });
    await rejects(startTestWorkbench({ notebook: ["1"], port }), (error: unknown) => {
      ok(error instanceof TidetableError);
      equal(error.code, "PORT_TAKEN");
      match(error.message, new RegExp(`port ${port} of 127.0.0.1 is in use`));
      return true;
    });
    holder.close();
  });

  it("starts a second workbench beside the first, each with its own door", async () => {
    const second = await startTestWorkbench({ notebook: ["1"] });
    try {
      equal(second.port === workbench.port, false);
      equal((await ask("/api/me", { authorization: `token ${second.token}` })).status, 401);
    } finally {
      await second.close();
    }
  });

  it("refuses a notebook that is not there, or outside its folder, in words", async () => {
    const options = { rootDirectory: workbench.directory, kernelCommand, environment: {}, log: () => {} };
    for (const notebook of ["missing.ipynb", "../missing.ipynb", "/etc/passwd"]) {
      await rejects(startWorkbench({ ...options, notebook }), (error: unknown) => {
        ok(error instanceof TidetableError);
        deepEqual([error.code, error.message.includes(notebook)], ["CONFIG_INVALID", true]);
        return true;
      });
    }
  });

  it("leaves no kernel behind when it closes, not even one that is busy", async () => {
    const own = await startTestWorkbench({ notebook: ["1"] });
    const body = JSON.stringify({ path: "test.ipynb", type: "notebook", name: "", kernel: { name: "tidetable" } });
    const headers = { authorization: `token ${own.token}`, "content-type": "application/json" };
    const answer = await fetch(`http://127.0.0.1:${own.port}/api/sessions`, { method: "POST", headers, body });
    const session = (await answer.json()) as { kernel: { id: string } };
    const page = await openChannels(own, session.kernel.id);
    page.send("console.log(process.pid); while (true) {}");
    const pid = Number(await until("the pid", () => page.text.trim() || undefined));
    ok(isAlive(pid));
    await own.close();
    equal(isAlive(pid), false);
  });
});
