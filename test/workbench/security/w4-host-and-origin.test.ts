/** W4: every pair of a Host and an Origin that a browser or an attacker may send, with the owner's cookie, at the door and at each route. */
import { equal } from "node:assert/strict";
import { cookieFor, type Door, refusal } from "../../../src/workbench/access.js";
import { openTestDoor, type TestDoor } from "./door-fixture.js";

const port = 8686;
const door: Door = { token: "t".repeat(43), session: "s".repeat(43), port };
const cookie = cookieFor(door).split(";")[0] ?? "";

const homes = [`127.0.0.1:${port}`, `localhost:${port}`];
const foreignHosts: ReadonlyArray<string | undefined> = [
  ...[undefined, "", " ", "127.0.0.1", "localhost", `0.0.0.0:${port}`, `[::1]:${port}`, `[::ffff:127.0.0.1]:${port}`],
  ...homes.flatMap((home) => [
    `${home}.evil.example`,
    `${home}:${port}`,
    `evil.example@${home}`,
    `${home}@evil.example`,
    ` ${home}`,
    `${home} `,
    `${home},${home}`,
    `${home}/`,
    `${home}#`,
    home.toUpperCase().replace("LOCALHOST", "LOCALHOST."),
  ]),
  ...["127.1", "2130706433", "0x7f000001", "127.0.0.2", "127.0.0.1.nip.io", "localhost.evil.example"].map(
    (name) => `${name}:${port}`,
  ),
  ...[`evil.example:${port}`, "evil.example", "127.0.0.1:8687", "localhost:80"],
];
const foreignOrigins = [
  ...["null", "", "file://", "chrome-extension://abc", "http://evil.example", `http://evil.example:${port}`],
  ...homes.flatMap((home) => [
    `https://${home}`,
    `ws://${home}`,
    `http://${home}/`,
    `http://${home}.evil.example`,
    `http://${home}@evil.example`,
    `http://evil.example/?${home}`,
    `http://${home.replace(String(port), "8687")}`,
  ]),
  ...[
    `http://127.0.0.2:${port}`,
    `http://[::1]:${port}`,
    `HTTP://127.0.0.1:${port}`,
    `http://127.0.0.1:${port}, http://evil.example`,
  ],
];
const calls = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "upgrade"];

function isIn(call: string, host: string | undefined, origin: string | undefined): boolean {
  const headers: Readonly<Record<string, string | undefined>> = { host, origin, cookie };
  const caller = { method: call === "upgrade" ? "GET" : call, upgrade: call === "upgrade" };
  return refusal(door, { ...caller, header: (name) => headers[name] }) === undefined;
}

const hosts = [...homes, ...foreignHosts];
const origins = [undefined, ...homes.map((home) => `http://${home}`), ...foreignOrigins];

function isExpected(reads: boolean, host: string | undefined, origin: string | undefined): boolean {
  return homes.includes(host ?? "") && (origin === undefined ? reads : origin === `http://${host}`);
}

describe("W4: Host and Origin", function () {
  this.timeout(60_000);
  let at: TestDoor;
  before(async () => {
    at = await openTestDoor();
  });
  after(() => at?.close());

  const cases = hosts.length * origins.length * calls.length;
  it(`the door lets in exactly the page's own: ${cases} cases of ${hosts.length} Hosts, ${origins.length} Origins and ${calls.length} kinds of calls`, () => {
    let counted = 0;
    for (const host of hosts) {
      for (const origin of origins) {
        for (const call of calls) {
          const reads = call === "GET" || call === "HEAD";
          equal(isIn(call, host, origin), isExpected(reads, host, origin), `${call} ${host} from ${origin}`);
          counted++;
        }
      }
    }
    equal(counted, cases);
  });

  it("so does each route: over 14,000 cases", async () => {
    // The protocol itself takes the spaces around a value away.
    const sent = (values: readonly (string | undefined)[]) => values.filter((value) => value === value?.trim());
    let counted = 0;
    for (const host of sent(hosts)) {
      for (const origin of sent(origins)) {
        for (const { method, path } of at.routes) {
          if (host === undefined) continue;
          const { status, body } = await at.ask(method, path, { host, origin, cookie: at.cookie });
          await body?.cancel();
          const isIn = ![401, 403].includes(status);
          equal(
            isIn,
            isExpected(method === "GET", host, origin),
            `${method} ${path} ${host} from ${origin}: ${status}`,
          );
          counted++;
        }
      }
    }
    equal(counted >= 14_000, true, String(counted));
  });
});
