/** W5, W8 and W20 at every route: who forges a request changes nothing, and no answer can be read or run by another site. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Headers, openTestDoor, type TestDoor } from "./door-fixture.js";

describe("answers of the workbench", function () {
  this.timeout(60_000);
  let at: TestDoor;
  beforeEach(async () => {
    at = await openTestDoor();
  });
  afterEach(() => at?.close());

  const state = async () => [
    (await readdir(at.directory)).sort(),
    await readFile(join(at.directory, "test.ipynb"), "utf8"),
    at.kernels.list(),
  ];
  const statusOf = async (method: string, path: string, headers: Headers, body?: string) => {
    const answer = await at.ask(method, path, headers, body);
    await answer.body?.cancel();
    return answer.status;
  };

  const contentTypes = [
    undefined,
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/json",
    "application/jsonp",
    "application/json",
    "application/json; charset=utf-8",
  ];

  it("W5: a forged request changes nothing: 14 routes x 8 content types x 6 shapes", async () => {
    const before = await state();
    const { cookie, origin } = at;
    const shapes: Readonly<Record<string, Headers>> = {
      "without Origin": { cookie },
      "of another site": { cookie, origin: "http://evil.example" },
      "of a sandboxed frame": { cookie, origin: "null" },
      "of another port here": { cookie, origin: "http://127.0.0.1:9999" },
      "that the browser calls cross-site": { cookie, origin, "sec-fetch-site": "cross-site" },
      "that the browser calls same-site": { cookie, origin, "sec-fetch-site": "same-site" },
    };
    const changing = at.routes.filter(({ method }) => method !== "GET");
    let counted = 0;
    for (const { method, path } of changing) {
      for (const type of contentTypes) {
        for (const [shape, headers] of Object.entries(shapes)) {
          const body = method === "DELETE" ? undefined : '{"path":"test.ipynb","kernel":{"name":"tidetable"}}';
          const status = await statusOf(method, path, { ...headers, "content-type": type }, body);
          equal(status, 403, `${method} ${path} ${type} ${shape}`);
          counted++;
        }
      }
    }
    equal(counted, 14 * 8 * 6);
    deepEqual(await state(), before);
  });

  it("W5: only JSON is taken, also from the page itself, and no GET changes anything", async () => {
    const before = await state();
    const { cookie, origin } = at;
    const taking = at.routes.filter(({ method }) => ["POST", "PUT", "PATCH"].includes(method));
    for (const { method, path } of taking) {
      for (const type of contentTypes.slice(0, 6)) {
        equal(
          await statusOf(method, path, { cookie, origin, "content-type": type }, "{}"),
          415,
          `${method} ${path} ${type}`,
        );
      }
    }
    for (const { method, path } of at.routes) {
      if (method === "GET") await statusOf(method, path, { cookie });
    }
    deepEqual(await state(), before);
  });

  it("W8: each carries the policy, let in or refused: all routes x 4 callers", async () => {
    const callers: readonly Headers[] = [
      {},
      { cookie: at.cookie, origin: at.origin },
      { host: "evil.example" },
      { cookie: at.viewCookie },
    ];
    let counted = 0;
    for (const headers of callers) {
      for (const { method, path } of [...at.routes, { method: "GET", path: "/nowhere" }]) {
        const answer = await at.ask(method, path, headers);
        await answer.body?.cancel();
        const policy = answer.headers.get("content-security-policy") ?? "";
        for (const part of [
          "default-src 'none'",
          "script-src 'self'",
          "frame-ancestors 'none'",
          "base-uri 'none'",
          "form-action 'none'",
        ]) {
          ok(policy.split("; ").includes(part), `${method} ${path}: ${policy}`);
        }
        ok(!/unsafe-eval|script-src[^;]*unsafe-inline|\*/.test(policy), policy);
        deepEqual(
          [
            "cross-origin-opener-policy",
            "cross-origin-resource-policy",
            "referrer-policy",
            "x-content-type-options",
          ].map((name) => answer.headers.get(name)),
          ["same-origin", "same-origin", "no-referrer", "nosniff"],
          `${method} ${path}`,
        );
        counted++;
      }
    }
    equal(counted, callers.length * (at.routes.length + 1));
  });

  it("W20: none is for other sites, none is a script, none tells a version: all routes x 3 callers", async () => {
    const callers: readonly Headers[] = [
      { origin: "http://evil.example" },
      { cookie: at.cookie, origin: at.origin },
      { authorization: `token ${at.door.token}` },
    ];
    let counted = 0;
    for (const headers of callers) {
      for (const { method, path, pattern } of at.routes) {
        const answer = await at.ask(method, `${path}?callback=run&notebook=test.ipynb`, headers);
        const names = [...answer.headers.keys()];
        deepEqual(
          names.filter(
            (name) => name.startsWith("access-control-") || ["server", "x-powered-by", "via"].includes(name),
          ),
          [],
          `${method} ${path}`,
        );
        const type = answer.headers.get("content-type") ?? "";
        if (answer.status !== 204)
          match(type, /^(application\/json|text\/html|text\/event-stream)/, `${method} ${path}`);
        if (pattern === "/view/events") await answer.body?.cancel();
        else ok(!(await answer.text()).startsWith("run"), `${method} ${path}`);
        counted++;
      }
      const preflight = await at.ask("OPTIONS", "/api/sessions", {
        ...headers,
        "access-control-request-method": "POST",
      });
      equal(preflight.headers.get("access-control-allow-methods"), null);
    }
    equal(counted, callers.length * at.routes.length);
  });
});
