/**
 * The workbench's routes without a socket: every request of an attack is answered by what answers it in the real server,
 * tens of thousands in some seconds.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cookieFor, type Door, newToken } from "../../../src/workbench/access.js";
import { loadAssets } from "../../../src/workbench/assets.js";
import { WrongTokens } from "../../../src/workbench/attempts.js";
import { Contents } from "../../../src/workbench/contents.js";
import { Kernels } from "../../../src/workbench/kernels.js";
import { newKeys } from "../../../src/workbench/keys.js";
import { createRoutes } from "../../../src/workbench/routes.js";
import { Sessions } from "../../../src/workbench/sessions.js";
import { connectZmqKernel } from "../../../src/workbench/socket/zmq-kernel-client.js";
import { ViewFeed } from "../../../src/workbench/view-feed.js";
import { ViewLinks } from "../../../src/workbench/view-links.js";
import { notebookText, root } from "../../support/notebook.js";

export interface Route {
  readonly method: string;
  /** As it is written in the table of routes. */
  readonly pattern: string;
  /** One address of it. */
  readonly path: string;
}

export interface TestDoor {
  readonly door: Door;
  readonly directory: string;
  readonly origin: string;
  /** The owner's cookie, as a browser sends it. */
  readonly cookie: string;
  /** Of a viewer of `test.ipynb`. */
  readonly viewCookie: string;
  readonly routes: readonly Route[];
  readonly log: readonly string[];
  readonly kernels: Kernels;
  ask(method: string, path: string, headers: Headers, body?: string): Promise<Response>;
  close(): Promise<void>;
}

/** A header that is undefined is left out. */
export type Headers = Readonly<Record<string, string | undefined>>;

const port = 8686;

export async function openTestDoor(): Promise<TestDoor> {
  const directory = await mkdtemp(join(tmpdir(), "tidetable-door-"));
  await writeFile(join(directory, "test.ipynb"), notebookText(["1 + 1"]));
  const log: string[] = [];
  const keys = newKeys();
  const door: Door = { token: newToken(), session: keys.session, port };
  const kernels = new Kernels(
    { argv: ["/nonexistent"], environment: {}, connectionDirectory: directory },
    connectZmqKernel,
    (line) => log.push(line),
  );
  const sessions = new Sessions(kernels);
  const viewLinks = new ViewLinks(port, keys.view, async () => {});
  const app = createRoutes({
    door,
    // An attack here may try more often than ten times a minute; that limit has tests of its own.
    wrongTokens: new WrongTokens(endlessClock()),
    assets: await loadAssets(join(root, "dist/web")),
    contents: await Contents.open(directory, join(directory, ".checkpoints")),
    kernels,
    sessions,
    viewLinks,
    viewFeed: new ViewFeed(kernels, sessions),
    shutOut: async () => {},
    instance: "test",
    notebook: "test.ipynb",
    log: (line) => log.push(line),
  });
  const host = `127.0.0.1:${port}`;
  return {
    door,
    directory,
    origin: `http://${host}`,
    cookie: cookieFor(door).split(";")[0] ?? "",
    viewCookie: viewLinks.cookieFor("test.ipynb").split(";")[0] ?? "",
    routes: app.routes
      .filter(({ method, path }) => method !== "ALL" || !path.endsWith("*"))
      .map(({ method, path }) => ({ method, pattern: path, path: addressOf(path) })),
    log,
    kernels,
    ask: async (method, path, headers, body) => {
      const given = Object.entries({ host, ...headers }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      );
      return app.fetch(
        new Request(`http://${host}${path}`, { method, headers: given, ...(body === undefined ? {} : { body }) }),
      );
    },
    close: async () => {
      await kernels.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A minute passes between two looks at it. */
function endlessClock(): () => number {
  let nowMs = 0;
  return () => {
    nowMs += 60_001;
    return nowMs;
  };
}

function addressOf(pattern: string): string {
  return pattern
    .replace("/api/contents/*", "/api/contents/test.ipynb")
    .replace(":name", "x.js")
    .replace(":id", "00000000-0000-4000-8000-000000000000");
}
