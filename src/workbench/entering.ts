/** A request as the door sees it, and the way on for who has just been let in. */
import type { Context } from "hono";
import type { Caller } from "./access.js";

export function callerOf(context: Context): Caller {
  return { method: context.req.method, upgrade: false, header: (name) => context.req.header(name) };
}

/** To the same address without its token. */
export function moveOn(context: Context): Response {
  const url = new URL(context.req.url);
  url.searchParams.delete("token");
  const target = `${url.pathname}${url.search}`;
  // A link on another site leads here without the strict cookie; a page of ours that moves on sends it.
  if (context.req.header("sec-fetch-site") !== "cross-site") return context.redirect(target, 302);
  return context.body(
    `<!doctype html><meta http-equiv="refresh" content="0; url=${encodeURI(target)}"><title>Tidetable</title>`,
    200,
    { "Content-Type": "text/html; charset=UTF-8" },
  );
}
