/**
 * What a view-only link leads to: a page, the outputs of its one notebook, and what moves in them. All of it is read;
 * nothing that a viewer sends is acted upon. Who is the owner may look as well.
 */
import { type Context, Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { type Door, refusal, refusalOfAddress } from "./access.js";
import { type Assets, messageHtml } from "./assets.js";
import type { WrongTokens } from "./attempts.js";
import type { Contents } from "./contents.js";
import { ContentsError } from "./contents-path.js";
import { callerOf, moveOn } from "./entering.js";
import { viewContent } from "./view-content.js";
import type { ViewFeed } from "./view-feed.js";
import type { ViewLinks } from "./view-links.js";

export interface ViewPorts {
  readonly door: Door;
  readonly wrongTokens: WrongTokens;
  readonly assets: Assets;
  readonly contents: Contents;
  readonly viewLinks: ViewLinks;
  readonly viewFeed: ViewFeed;
}

/** Comes before the owner's door, and decides alone who may look. */
export function viewRoutes(ports: ViewPorts): Hono {
  const { door, wrongTokens, assets, contents, viewLinks, viewFeed } = ports;
  const app = new Hono();

  app.use(async (context, next) => {
    const refused = refusalOfAddress(door, callerOf(context));
    if (refused !== undefined) return context.json({ message: refused.message }, refused.status);
    const site = context.req.header("sec-fetch-site");
    const isEntering = context.req.path === "/view" && context.req.query("token") !== undefined;
    if (!isEntering && site !== undefined && site !== "same-origin" && site !== "none") {
      return context.json({ message: "another site may not use this workbench." }, 403);
    }
    context.header("Cache-Control", "no-store");
    return next();
  });

  app.get("/", async (context, next) => {
    const [path, token] = [context.req.query("notebook") ?? "", context.req.query("token")];
    if (token === undefined) return next();
    if (!viewLinks.admits(path, token)) {
      wrongTokens.note();
      return context.html(voidLink, 401);
    }
    context.header("Set-Cookie", viewLinks.cookieFor(path));
    return moveOn(context);
  });

  app.use(async (context, next) => {
    if (mayLook(ports, context)) return next();
    return context.req.path === "/view"
      ? context.html(voidLink, 401)
      : context.json({ message: "this link does not lead here any more; ask for a new one." }, 401);
  });

  app.get("/", (context) => {
    const path = context.req.query("notebook") ?? "";
    return context.html(assets.html(titleOf(path), { viewPath: path }, "view"));
  });

  app.get("/content", async (context) => {
    const path = context.req.query("notebook") ?? "";
    try {
      return context.json({ title: titleOf(path), cells: viewContent((await contents.read(path)).content) });
    } catch (error) {
      // What is wrong with the file is for its owner.
      if (error instanceof ContentsError) return context.json({ message: "the notebook cannot be shown now." }, 404);
      throw error;
    }
  });

  app.get("/events", (context) => {
    if (viewFeed.isFull) return context.json({ message: "too many look at this workbench." }, 429);
    return streamSSE(context, async (stream) => {
      const ending = new AbortController();
      const end = () => ending.abort();
      stream.onAbort(end);
      viewLinks.changes.once("withdrawn", end);
      try {
        for await (const event of viewFeed.events(context.req.query("notebook") ?? "", ending.signal)) {
          await stream.writeSSE({ data: JSON.stringify(event) });
        }
      } finally {
        viewLinks.changes.off("withdrawn", end);
      }
    });
  });

  app.all("*", (context) => context.json({ message: "there is no such address." }, 404));
  return app;
}

function mayLook({ door, viewLinks }: ViewPorts, context: Context): boolean {
  const path = context.req.query("notebook") ?? "";
  return (
    viewLinks.viewable(context.req.header("cookie")).includes(path) || refusal(door, callerOf(context)) === undefined
  );
}

function titleOf(path: string): string {
  return (
    path
      .split("/")
      .at(-1)
      ?.replace(/\.(ipynb|zpln)$/, "") ?? ""
  );
}

const voidLink = messageHtml(
  "This link leads nowhere",
  "It was withdrawn, or is not whole. Ask whoever gave it to you for a new one.",
);
