/**
 * The workbench: one HTTP server on loopback that serves the page, its REST and its websockets. Composes the parts;
 * owns the listening socket, the private folder and the end of everything that it started.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { getRequestListener } from "@hono/node-server";
import { TidetableError } from "../errors.js";
import { type Door, newToken } from "./access.js";
import { loadAssets } from "./assets.js";
import { WrongTokens } from "./attempts.js";
import { Contents } from "./contents.js";
import { ContentsError } from "./contents-path.js";
import { Kernels } from "./kernels.js";
import { type Keys, newKeys, openKeys, saveKeys } from "./keys.js";
import { logLine } from "./log-line.js";
import { OwnOutputs } from "./own-outputs.js";
import { createRoutes } from "./routes.js";
import { Sessions } from "./sessions.js";
import { connectZmqKernel } from "./socket/zmq-kernel-client.js";
import { ViewFeed } from "./view-feed.js";
import { ViewLinks } from "./view-links.js";
import { serveWebSockets, type WebSockets } from "./web-sockets.js";

export interface WorkbenchOptions {
  /** The notebook to open: a path, absolute or relative to `rootDirectory`, inside it. */
  readonly notebook: string;
  /** The folder whose notebooks can be opened and saved. */
  readonly rootDirectory: string;
  /** Default: 8686, or any free port when that is taken. A port that is given is used or refused. */
  readonly port?: number | undefined;
  /** As in a kernelspec: `{connection_file}` is replaced by the connection file; without it the file comes last. */
  readonly kernelCommand: readonly string[];
  /** The environment of the kernels. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Receives what a developer wants to read: the kernels' stderr, failures under their id. */
  readonly log: (line: string) => void;
  /**
   * A folder for the secrets that outlive this process, so that pages which are open come back after a restart at the same
   * port. Without it they need the new address.
   */
  readonly keysDirectory?: string | undefined;
  /** Told when everybody was shut out: the address to open from then on, token included. */
  readonly onNewAddress?: (url: string) => void;
  /** Where the built page lies; default dist/web. */
  readonly webDirectory?: string;
}

export interface Workbench {
  /** The address to open, token included. */
  readonly url: string;
  readonly port: number;
  /** Stops the kernels and the server. Safe to call twice. */
  close(): Promise<void>;
}

const host = "127.0.0.1";
const defaultPort = 8686;
const newCookieMs = 300;
/** Node looks for late requests only every 30 s by itself, and so would keep a silent one for 40. */
const requestLimits = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16 * 1024,
};

/**
 * @throws TidetableError PORT_TAKEN for a given port that is in use; CONFIG_INVALID when the notebook cannot be opened;
 * COMPONENT_MISSING when the page is not built
 */
export async function startWorkbench(options: WorkbenchOptions): Promise<Workbench> {
  const assets = await loadAssets(options.webDirectory ?? builtPage());
  const privateDirectory = await mkdtemp(join(tmpdir(), "tidetable-"));
  const log = (line: string) => options.log(logLine(line));
  const server = createServer(requestLimits);
  server.maxConnections = 200;
  const kernelCommand = {
    argv: options.kernelCommand,
    environment: options.environment,
    connectionDirectory: privateDirectory,
  };
  const kernels = new Kernels(kernelCommand, connectZmqKernel, log);
  let webSockets: WebSockets | undefined;
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= closeAll(server, webSockets, kernels, privateDirectory);
    return closing;
  };

  try {
    const ownOutputs = await OwnOutputs.open(options.keysDirectory && join(options.keysDirectory, "own-outputs.json"));
    const contents = await Contents.open(options.rootDirectory, join(privateDirectory, "checkpoints"), ownOutputs);
    const notebook = await notebookPath(options, contents);
    const port = await listen(server, options.port);
    const keysFile = options.keysDirectory && join(options.keysDirectory, `workbench-${port}.json`);
    let keys = keysFile === undefined ? newKeys() : await openKeys(keysFile);
    const keep = async (changed: Partial<Keys>) => {
      keys = { ...keys, ...changed };
      if (keysFile !== undefined) await saveKeys(keysFile, keys);
    };
    const door: { -readonly [Part in keyof Door]: Door[Part] } = { token: newToken(), session: keys.session, port };
    const address = () => `http://${host}:${port}/?token=${door.token}`;
    const sessions = new Sessions(kernels);
    const wrongTokens = new WrongTokens();
    const viewLinks = new ViewLinks(port, keys.view, (view) => keep({ view }));
    const routes = createRoutes({
      ...{ door, wrongTokens, assets, contents, kernels, sessions, notebook },
      viewLinks,
      shutOut: async () => {
        const session = newToken();
        await keep({ session });
        Object.assign(door, { token: newToken(), session });
        await viewLinks.withdraw();
        options.onNewAddress?.(address());
        // The page that asked has its new cookie by then, and comes back by it.
        setTimeout(() => webSockets?.terminate(), newCookieMs).unref();
      },
      viewFeed: new ViewFeed(kernels, sessions),
      instance: randomUUID(),
      log,
    });
    server.on("request", getRequestListener(routes.fetch, { overrideGlobalObjects: false }));
    webSockets = serveWebSockets(server, door, wrongTokens, kernels, connectZmqKernel);
    return { url: address(), port, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Beside the bundle in dist/, or in dist/ of the checkout when run from source. */
function builtPage(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return basename(here) === "workbench" ? resolve(here, "../../dist/web") : join(here, "web");
}

async function notebookPath(options: WorkbenchOptions, contents: Contents): Promise<string> {
  const path = relative(options.rootDirectory, resolve(options.rootDirectory, options.notebook)).split(sep).join("/");
  try {
    await contents.read(path);
    return path;
  } catch (error) {
    if (!(error instanceof ContentsError)) throw error;
    throw new TidetableError("CONFIG_INVALID", `cannot open the notebook ${options.notebook}: ${error.message}`, {
      cause: error,
    });
  }
}

async function listen(server: Server, wanted: number | undefined): Promise<number> {
  try {
    return await listenOn(server, wanted ?? defaultPort);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (wanted === undefined && code === "EADDRINUSE") return listenOn(server, 0);
    if (code !== "EADDRINUSE" && code !== "EACCES") throw error;
    const why = code === "EACCES" ? "may not be used by this user" : "is in use by another program";
    throw new TidetableError(
      "PORT_TAKEN",
      `port ${wanted ?? defaultPort} of ${host} ${why}. Leave out --port to take a free one, or name another.`,
      { cause: error },
    );
  }
}

function listenOn(server: Server, port: number): Promise<number> {
  return new Promise((done, fail) => {
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      const address = server.address();
      done(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

async function closeAll(
  server: Server,
  webSockets: WebSockets | undefined,
  kernels: Kernels,
  privateDirectory: string,
): Promise<void> {
  // The door first: a page that asks now shall hear nothing, not that its kernel is missing.
  const closed = server.listening ? new Promise((done) => server.close(done)) : undefined;
  server.closeAllConnections();
  webSockets?.close();
  await kernels.close();
  webSockets?.terminate();
  await closed;
  await rm(privateDirectory, { recursive: true, force: true });
}
