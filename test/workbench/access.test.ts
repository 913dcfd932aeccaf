/** The door: who is let in, as rows of host, origin, identity and answer. */
import { deepEqual, equal, notEqual } from "node:assert/strict";
import { type Caller, cookieFor, type Door, newToken, refusal, sameSecret } from "../../src/workbench/access.js";

const door: Door = { token: "right", session: "inside", port: 8686 };
const home = "127.0.0.1:8686";
const cookie = "tidetable-8686=inside";

function answer(method: string, headers: Readonly<Record<string, string>>, upgrade = false): number | "in" {
  const caller: Caller = { method, upgrade, header: (name) => headers[name] };
  return refusal(door, caller)?.status ?? "in";
}

describe("the workbench's door", () => {
  const hosts: ReadonlyArray<[host: string | undefined, expected: "in" | 403]> = [
    [home, "in"],
    ["localhost:8686", "in"],
    [undefined, 403],
    ["", 403],
    ["127.0.0.1", 403],
    ["127.0.0.1:8687", 403],
    ["localhost", 403],
    ["127.0.0.1.evil.example:8686", 403],
    ["evil.example:8686", 403],
    ["evil.example", 403],
    ["LOCALHOST.evil.example:8686", 403],
    ["localhost:8686.evil.example", 403],
    ["127.0.0.1:8686,evil.example", 403],
    ["0.0.0.0:8686", 403],
    ["[::1]:8686", 403],
  ];
  for (const [host, expected] of hosts) {
    it(`Host ${JSON.stringify(host)}: ${expected}`, () => {
      equal(answer("GET", { ...(host === undefined ? {} : { host }), cookie }), expected);
    });
  }

  const origins: ReadonlyArray<[origin: string, expected: "in" | 403]> = [
    [`http://${home}`, "in"],
    ["http://127.0.0.1:8687", 403],
    ["http://localhost:8686", 403],
    ["https://127.0.0.1:8686", 403],
    [`http://${home}.evil.example`, 403],
    [`http://${home}@evil.example`, 403],
    [`http://evil.example/${home}`, 403],
    ["http://evil.example", 403],
    ["null", 403],
    ["", 403],
    ["file://", 403],
    [`http://${home}/`, 403],
  ];
  for (const [origin, expected] of origins) {
    it(`Origin ${JSON.stringify(origin)}: ${expected}, for reading, writing and websockets`, () => {
      deepEqual(
        [
          answer("GET", { host: home, cookie, origin }),
          answer("PUT", { host: home, cookie, origin }),
          answer("GET", { host: home, cookie, origin }, true),
        ],
        [expected, expected, expected],
      );
    });
  }

  const identities: ReadonlyArray<[string, Readonly<Record<string, string>>, "in" | 401]> = [
    ["nothing", {}, 401],
    ["another cookie", { cookie: "tidetable-8686=wrong" }, 401],
    ["a cookie of another port", { cookie: "tidetable-8687=inside" }, 401],
    ["the token as a cookie", { cookie: "tidetable-8686=right" }, 401],
    ["the cookie as a token", { authorization: "token inside" }, 401],
    ["the cookie among others", { cookie: `a=b; ${cookie}; c=d` }, "in"],
    ["a longer cookie", { cookie: `${cookie}x` }, 401],
    ["an empty cookie", { cookie: "tidetable-8686=" }, 401],
    ["the token as a header", { authorization: "token right" }, "in"],
    ["the token as a bearer", { authorization: "Bearer right" }, "in"],
    ["another token", { authorization: "token wrong" }, 401],
    ["another token beside the cookie", { authorization: "token wrong", cookie }, 401],
    ["basic credentials", { authorization: "Basic cmlnaHQ=" }, 401],
  ];
  for (const [name, headers, expected] of identities) {
    it(`${name}: ${expected}`, () => equal(answer("GET", { host: home, ...headers }), expected));
  }

  it("needs an Origin or the token header for whatever changes something", () => {
    deepEqual(
      [
        answer("GET", { host: home, cookie }),
        answer("POST", { host: home, cookie }),
        answer("DELETE", { host: home, cookie }),
        answer("GET", { host: home, cookie }, true),
        answer("POST", { host: home, authorization: "token right" }),
      ],
      ["in", 403, 403, 403, "in"],
    );
  });

  it("refuses what the browser says comes from another site", () => {
    for (const site of ["cross-site", "same-site"])
      equal(answer("GET", { host: home, cookie, "sec-fetch-site": site }), 403);
    for (const site of ["same-origin", "none"])
      equal(answer("GET", { host: home, cookie, "sec-fetch-site": site }), "in");
  });

  it("makes a new token of 256 bits each time, and a cookie no script can read", () => {
    const token = newToken();
    equal(Buffer.from(token, "base64url").length, 32);
    notEqual(token, newToken());
    equal(
      cookieFor({ token: "right", session: token, port: 1 }),
      `tidetable-1=${token}; HttpOnly; SameSite=Strict; Path=/`,
    );
    deepEqual([sameSecret("a", "a"), sameSecret("a", "ab"), sameSecret("", "a")], [true, false, false]);
  });
});
