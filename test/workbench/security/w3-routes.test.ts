/** W3: every route of the server, and who may use it: without the owner's token or cookie, nobody. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { type Headers, openTestDoor, type TestDoor } from "./door-fixture.js";

/** A route that is added must be added here too, by somebody who has asked who may use it. */
const everyRoute = [
  "DELETE /api/access",
  "DELETE /api/contents/*",
  "DELETE /api/kernels/:id",
  "DELETE /api/sessions/:id",
  "DELETE /api/view-links",
  "GET /",
  "GET /api/contents",
  "GET /api/contents/*",
  "GET /api/kernels",
  "GET /api/kernels/:id",
  "GET /api/kernelspecs",
  "GET /api/me",
  "GET /api/sessions",
  "GET /api/sessions/:id",
  "GET /api/status",
  "GET /assets/:name",
  "GET /view",
  "GET /view/content",
  "GET /view/events",
  "PATCH /api/contents/*",
  "PATCH /api/sessions/:id",
  "POST /api/contents",
  "POST /api/contents/*",
  "POST /api/kernels/:id/interrupt",
  "POST /api/kernels/:id/restart",
  "POST /api/sessions",
  "POST /api/view-links",
  "PUT /api/contents/*",
];
/** What the holder of a view-only link reaches. */
const viewersRoutes = ["GET /assets/:name", "GET /view", "GET /view/content", "GET /view/events"];

describe("W3: routes", () => {
  let at: TestDoor;
  before(async () => {
    at = await openTestDoor();
  });
  after(() => at?.close());

  it(`are the ${everyRoute.length} that are known`, () => {
    deepEqual([...new Set(at.routes.map(({ method, pattern }) => `${method} ${pattern}`))].sort(), everyRoute);
  });

  it("are closed to every identity but the owner's, and a viewer's where viewers look: all routes x 8 identities", async () => {
    const { token, session, port } = at.door;
    const strangers: Readonly<Record<string, Headers>> = {
      nobody: {},
      "a wrong token": { authorization: `token ${token.slice(1)}x` },
      "the cookie's secret as a token": { authorization: `token ${session}` },
      "a wrong cookie": { cookie: `tidetable-${port}=${session.slice(1)}x` },
      "the token as a cookie": { cookie: `tidetable-${port}=${token}` },
      "the cookie of another port": { cookie: `tidetable-${port + 1}=${session}` },
    };
    let counted = 0;
    const ask = async (method: string, path: string, headers: Headers) => {
      const { status, body } = await at.ask(method, path, { origin: at.origin, ...headers });
      await body?.cancel();
      counted++;
      return status;
    };
    for (const { method, path, pattern } of at.routes) {
      for (const [who, headers] of Object.entries(strangers)) {
        equal(await ask(method, path, headers), 401, `${method} ${path} by ${who}`);
      }
      const query = pattern.startsWith("/view") ? "?notebook=test.ipynb" : "";
      const asViewer = await ask(method, `${path}${query}`, { cookie: at.viewCookie });
      const mayLook = viewersRoutes.includes(`${method} ${pattern}`);
      equal(asViewer !== 401 && asViewer !== 403, mayLook, `${method} ${path} by a viewer: ${asViewer}`);
    }
    // Last, because it deletes what it may.
    for (const { method, path } of at.routes) {
      const status = await ask(method, path, { cookie: at.cookie });
      ok(![401, 403].includes(status), `${method} ${path} by its owner: ${status}`);
    }
    equal(counted, at.routes.length * 8);
  });
});
