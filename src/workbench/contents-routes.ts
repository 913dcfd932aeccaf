/** The routes of files: list, read, save, make, rename, discard, checkpoints. What a path may be is decided in `contents.ts`. */
import type { Context, Hono } from "hono";
import { isNotebookName } from "./contents.js";
import { checkpointModel, folderModel, notebookModel } from "./jupyter-models.js";
import { jsonBody, RequestError } from "./request-error.js";
import type { RoutePorts } from "./routes.js";

export function addContents(app: Hono, { contents, sessions, viewFeed }: RoutePorts): void {
  app.get("/api/contents/*", async (context) => {
    const { path, checkpoint } = contentsAddress(context);
    if (checkpoint !== undefined) return context.json((await contents.checkpoints(path)).map(checkpointModel));
    const withContent = context.req.query("content") !== "0";
    if (!isNotebookName(path)) return context.json(folderModel(path, withContent ? await contents.list(path) : null));
    return context.json(notebookModel(await contents.read(path), withContent));
  });
  app.get("/api/contents", async (context) => context.json(folderModel("", await contents.list(""))));
  app.put("/api/contents/*", async (context) => {
    const { path } = contentsAddress(context);
    const body = await jsonBody(context);
    if (body.type !== "notebook") throw new RequestError(400, "only notebooks are saved here.");
    // An uploaded notebook must not replace one that is here; a save replaces the one it was opened from.
    if (body.isNew === true) return context.json(notebookModel(await contents.create(path, body.content), false), 201);
    const known = typeof body.known_hash === "string" ? body.known_hash : undefined;
    const written = await contents.write(path, body.content, known);
    viewFeed.saved(path);
    return context.json(notebookModel(written, false));
  });
  const post = async (context: Context, path: string) => {
    const body = await jsonBody(context);
    const file =
      typeof body.copy_from === "string"
        ? await contents.duplicate(body.copy_from)
        : typeof body.recover === "string"
          ? await contents.recover(path, body.recover)
          : await contents.createUntitled(path);
    return context.json(notebookModel(file, false), 201);
  };
  app.post("/api/contents", (context) => post(context, ""));
  app.post("/api/contents/*", async (context) => {
    const { path, checkpoint } = contentsAddress(context);
    if (checkpoint === undefined) return post(context, path);
    if (checkpoint === "") return context.json(checkpointModel(await contents.checkpoint(path)), 201);
    await contents.restore(path, checkpoint);
    return context.body(null, 204);
  });
  app.patch("/api/contents/*", async (context) => {
    const { path } = contentsAddress(context);
    const { path: to } = await jsonBody(context);
    if (typeof to !== "string") throw new RequestError(400, "a new name needs the path that it leads to.");
    const file = await contents.rename(path, to);
    await sessions.moved(path, to);
    return context.json(notebookModel(file, false));
  });
  app.delete("/api/contents/*", async (context) => {
    const { path } = contentsAddress(context);
    const discarded = await contents.discard(path);
    await sessions.endOf(path);
    return context.json({ discarded });
  });
}

/** `PATH` or `PATH/checkpoints[/ID]`. Each part is decoded once, so `%2F` stays inside its part and is refused there. */
function contentsAddress(context: Context): { path: string; checkpoint: string | undefined } {
  const raw = new URL(context.req.url).pathname.slice("/api/contents/".length);
  const match = /^(.*\.(?:ipynb|zpln))\/checkpoints(?:\/([^/]*))?$/.exec(raw);
  return match === null
    ? { path: decodePath(raw), checkpoint: undefined }
    : { path: decodePath(match[1] ?? ""), checkpoint: decodePart(match[2] ?? "") };
}

function decodePath(raw: string): string {
  const parts = raw.split("/").map(decodePart);
  if (parts.some((part) => part.includes("/"))) throw new RequestError(400, "a path's part may not hold a slash.");
  return parts.join("/");
}

function decodePart(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw new RequestError(400, `${JSON.stringify(raw)} is not a well-formed address.`);
  }
}
