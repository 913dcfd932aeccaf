/**
 * HTTP of the workbench: Request in, Response out. The part of Jupyter's REST that our page calls, the page itself and
 * its assets. Holds no socket and starts nothing; every route is behind the door of `access.ts`.
 */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cookieFor, type Door, refusal, refusalOfAddress, sameSecret } from "./access.js";
import { messageHtml } from "./assets.js";
import { ContentsError } from "./contents-path.js";
import { addContents } from "./contents-routes.js";
import { callerOf, moveOn } from "./entering.js";
import { identity, kernelModel, kernelName, kernelspecs, sessionModel } from "./jupyter-models.js";
import type { Kernels } from "./kernels.js";
import { jsonBody, RequestError } from "./request-error.js";
import type { Session, Sessions } from "./sessions.js";
import type { ViewLinks } from "./view-links.js";
import { type ViewPorts, viewRoutes } from "./view-routes.js";

export interface RoutePorts extends ViewPorts {
  readonly kernels: Kernels;
  readonly sessions: Sessions;
  /** Of this run of the workbench: a page that knows another one was open before it started. */
  readonly instance: string;
  /** The notebook at `/`, relative to the contents' root. */
  readonly notebook: string;
  /** Every cookie, token, link and websocket is void from now on. */
  readonly shutOut: () => Promise<void>;
  readonly log: (line: string) => void;
}

const bodyBytesMax = 1024 * 1024;
const notebookBodyBytesMax = 64 * 1024 * 1024;

/** Its `fetch` serves; its `routes` are the whole table, which the tests hold against who may use each. */
export function createRoutes(ports: RoutePorts): Pick<Hono, "fetch" | "routes"> {
  const app = new Hono();
  addDoor(app, ports);
  addPage(app, ports);
  addKernels(app, ports);
  addSessions(app, ports);
  addContents(app, ports);
  addViewLinks(app, ports);
  addShuttingOut(app, ports);
  app.notFound((context) => context.json({ message: "there is no such address." }, 404));
  app.onError((error, context) => errorResponse(error, context, ports.log));
  return app;
}

function addDoor(app: Hono, ports: RoutePorts): void {
  const { door, wrongTokens, viewLinks } = ports;
  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(securityHeaders(door))) context.res.headers.set(name, value);
  });

  // Pages that are in already have their cookie and are not kept waiting by who guesses.
  app.use(async (context, next) => {
    const tries = context.req.header("authorization") !== undefined || context.req.query("token") !== undefined;
    if (!tries || !wrongTokens.tooMany) return next();
    context.header("Retry-After", "60");
    return context.json({ message: "too many wrong tokens; wait a minute." }, 429);
  });

  // The one thing that can be had without the cookie: the cookie, for the token.
  app.get("/", async (context, next) => {
    const token = context.req.query("token");
    if (token === undefined) return next();
    const refused = refusalOfAddress(door, callerOf(context));
    if (refused !== undefined) return context.json({ message: refused.message }, refused.status);
    if (!sameSecret(token, door.token)) {
      wrongTokens.note();
      return context.html(
        messageHtml(
          "This address is of an earlier workbench",
          "Open the address that was printed when this one started.",
        ),
        401,
      );
    }
    context.header("Set-Cookie", cookieFor(door));
    return moveOn(context);
  });

  app.route("/view", viewRoutes(ports));

  app.use(async (context, next) => {
    const refused = refusal(door, callerOf(context));
    if (refused === undefined || isViewersAsset(context, door, viewLinks)) return next();
    if (refused.status === 401 && context.req.header("authorization") !== undefined) wrongTokens.note();
    const isPage = context.req.path === "/" && context.req.method === "GET";
    if (isPage)
      return context.html(messageHtml("This workbench is private", capitalized(refused.message)), refused.status);
    return context.json({ message: refused.message }, refused.status);
  });

  app.use("/api/*", async (context, next) => {
    const { method } = context.req;
    // A form of another site can post text, not JSON.
    if ((method === "POST" || method === "PUT" || method === "PATCH") && !hasJsonBody(context)) {
      throw new RequestError(415, "the body must be application/json.");
    }
    return next();
  });
  const [notebooks, others] = [limitBody(notebookBodyBytesMax), limitBody(bodyBytesMax)];
  app.use("/api/*", (context, next) =>
    context.req.path.startsWith("/api/contents/") ? notebooks(context, next) : others(context, next),
  );
}

/** The page's own files, which hold nothing of anybody's, for who may look at a notebook. */
function isViewersAsset(context: Context, door: Door, viewLinks: ViewLinks): boolean {
  const { method, path } = context.req;
  if (method !== "GET" || !path.startsWith("/assets/")) return false;
  if (refusalOfAddress(door, callerOf(context)) !== undefined) return false;
  return viewLinks.viewable(context.req.header("cookie")).length > 0;
}

/** DELETE has no body that is read, and the limit's own copy of such a request fails. */
function limitBody(maxSize: number): MiddlewareHandler {
  const tooLarge = `the body is over ${maxSize / 1024 / 1024} MiB, which is the limit here.`;
  const limit = bodyLimit({ maxSize, onError: (context) => context.json({ message: tooLarge }, 413) });
  return (context, next) => (context.req.method === "DELETE" ? next() : limit(context, next));
}

function addPage(app: Hono, { door, assets, notebook, instance }: RoutePorts): void {
  app.get("/", (context) => {
    const path = context.req.query("notebook") ?? notebook;
    const base = `http://${context.req.header("host")}/`;
    const title = `${path
      .split("/")
      .at(-1)
      ?.replace(/\.(ipynb|zpln)$/, "")} · Tidetable`;
    const pageConfig = {
      baseUrl: base,
      wsUrl: base.replace(/^http/, "ws"),
      notebookPath: path,
      terminalsAvailable: "false",
      appName: "Tidetable",
      port: String(door.port),
      instance,
    };
    context.header("Cache-Control", "no-store");
    return context.html(assets.html(title, pageConfig));
  });
  app.get("/assets/:name", (context) => {
    const asset = assets.get(context.req.param("name"));
    if (asset === undefined) return context.notFound();
    const gzipped = /\bgzip\b/.test(context.req.header("accept-encoding") ?? "") ? asset.gzipped : undefined;
    context.header("Content-Type", asset.type);
    context.header("Cache-Control", "private, max-age=31536000, immutable");
    context.header("Vary", "Accept-Encoding");
    if (gzipped !== undefined) context.header("Content-Encoding", "gzip");
    return context.body(gzipped ?? asset.bytes);
  });
  app.get("/api/me", (context) => context.json(identity));
  app.get("/api/kernelspecs", (context) => context.json(kernelspecs));
  app.get("/api/status", (context) => context.json({ instance }));
}

function addKernels(app: Hono, { kernels }: RoutePorts): void {
  const missing = () => new RequestError(404, "there is no such kernel; it may have been replaced. Reload the page.");
  app.get("/api/kernels", (context) => context.json(kernels.list().map(kernelModel)));
  app.get("/api/kernels/:id", (context) => {
    const kernel = kernels.get(context.req.param("id"));
    if (kernel === undefined) throw missing();
    return context.json(kernelModel(kernel));
  });
  app.post("/api/kernels/:id/interrupt", (context) => {
    if (!kernels.interrupt(context.req.param("id"))) throw missing();
    return context.body(null, 204);
  });
  app.post("/api/kernels/:id/restart", async (context) => {
    const kernel = await kernels.restart(context.req.param("id"));
    if (kernel === undefined) throw missing();
    return context.json(kernelModel(kernel));
  });
  app.delete("/api/kernels/:id", async (context) => {
    if (!(await kernels.shutdown(context.req.param("id")))) throw missing();
    return context.body(null, 204);
  });
}

function addSessions(app: Hono, { sessions, contents }: RoutePorts): void {
  const missing = () => new RequestError(404, "there is no such session. Reload the page.");
  const modelOf = (session: Session) => sessionModel(session, sessions.kernelOf(session));
  app.get("/api/sessions", (context) => context.json(sessions.list().map(modelOf)));
  app.post("/api/sessions", async (context) => {
    const { path, name, type, kernel } = await jsonBody(context);
    if (typeof path !== "string") throw new RequestError(400, "a session needs the path of its notebook.");
    const running = (kernel as { id?: unknown } | null | undefined)?.id;
    if (typeof running === "string") {
      const joined = sessions.join(running, path);
      if (joined === undefined) throw new RequestError(404, "there is no such kernel.");
      return context.json(modelOf(joined), 201);
    }
    const title = typeof name === "string" ? name : "";
    const session = await sessions.open(
      path,
      title,
      typeof type === "string" ? type : "notebook",
      await contents.folderOf(path),
    );
    return context.json(modelOf(session), 201);
  });
  app.get("/api/sessions/:id", (context) => {
    const session = sessions.get(context.req.param("id"));
    if (session === undefined) throw missing();
    return context.json(modelOf(session));
  });
  app.patch("/api/sessions/:id", async (context) => {
    const { path, name, kernel } = await jsonBody(context);
    const present = sessions.get(context.req.param("id"));
    if (present === undefined) throw missing();
    const session = await sessions.change(present.id, {
      ...(typeof path === "string" ? { path } : {}),
      ...(typeof name === "string" ? { name } : {}),
      ...(wantsNewKernel(kernel, present.kernelId) ? { newKernelIn: await contents.folderOf(present.path) } : {}),
    });
    if (session === undefined) throw missing();
    return context.json(modelOf(session));
  });
  app.delete("/api/sessions/:id", async (context) => {
    if (!(await sessions.end(context.req.param("id")))) throw missing();
    return context.body(null, 204);
  });
}

/** `{name}` asks for a fresh kernel of that kind, `{id}` for a running one; ours has one kind and one per session. */
function wantsNewKernel(kernel: unknown, presentId: string): boolean {
  if (typeof kernel !== "object" || kernel === null) return false;
  const { id, name } = kernel as { id?: unknown; name?: unknown };
  if (typeof id === "string" && id !== presentId)
    throw new RequestError(400, "a session cannot take over another kernel.");
  if (typeof name === "string" && name !== kernelName) {
    throw new RequestError(400, `there is no kernel ${JSON.stringify(name)}; this workbench has ${kernelName}.`);
  }
  return typeof id !== "string" && typeof name === "string";
}

function addViewLinks(app: Hono, { contents, viewLinks }: RoutePorts): void {
  app.post("/api/view-links", async (context) => {
    const { path } = await jsonBody(context);
    if (typeof path !== "string") throw new RequestError(400, "a link needs the path of its notebook.");
    await contents.read(path);
    const query = new URLSearchParams({ notebook: path, token: viewLinks.tokenFor(path) });
    return context.json({ url: `http://${context.req.header("host")}/view?${query}` }, 201);
  });
  app.delete("/api/view-links", async (context) => {
    await viewLinks.withdraw();
    return context.body(null, 204);
  });
}

/** Who asks stays in, by the new cookie. */
function addShuttingOut(app: Hono, { door, shutOut }: RoutePorts): void {
  app.delete("/api/access", async (context) => {
    await shutOut();
    context.header("Set-Cookie", cookieFor(door));
    return context.body(null, 204);
  });
}

function hasJsonBody(context: Context): boolean {
  const type = context.req.header("content-type");
  if (type !== undefined) return /^application\/json\b/i.test(type);
  const length = context.req.header("content-length");
  return (length === undefined || length === "0") && context.req.header("transfer-encoding") === undefined;
}

/** What is not meant for the caller goes to the log under an id, and the caller gets the id. */
function errorResponse(error: Error, context: Context, log: (line: string) => void): Response {
  if (error instanceof ContentsError || error instanceof RequestError)
    return context.json({ message: error.message }, error.status);
  const id = crypto.randomUUID().slice(0, 8);
  log(`error ${id}: ${context.req.method} ${context.req.path}: ${error.stack ?? error.message}`);
  return context.json({ message: `the workbench failed at this; its log has the details under ${id}.` }, 500);
}

/**
 * Styles may be inline (JupyterLab's components write them), scripts and evaluation never: a hostile output that slips
 * through every other wall still runs nothing.
 */
function securityHeaders(door: Door): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    `connect-src 'self' ws://127.0.0.1:${door.port} ws://localhost:${door.port}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return {
    "Content-Security-Policy": policy.join("; "),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  };
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
