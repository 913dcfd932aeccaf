/**
 * How a second terminal speaks to the pipeline that runs in the first: a few requests on loopback, with a token that only
 * this user's file has. Knows the pipeline by what can be asked of it.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { errorMessage, TidetableError } from "../../src/errors.js";
import type { PipelineRequest } from "./options.js";
import type { Pipeline } from "./pipeline.js";
import { type ServiceRow, statusTable } from "./status-table.js";

export type ControlRequest = Exclude<PipelineRequest, { action: "run" | "rehearse" }>;

type Controlled = Pick<Pipeline, "services" | "scale" | "kill" | "startNode">;

interface ControlFile {
  readonly pid: number;
  readonly url: string;
  readonly token: string;
}

/** A change may wait for an instance to become healthy, or to answer what it has. */
const answerTimeoutMs = 180_000;
const knockTimeoutMs = 2_000;

/** Serves until closed. @throws TidetableError PORT_TAKEN where a pipeline runs already in this folder. */
export async function serveControl(dataDirectory: string, pipeline: Controlled): Promise<{ close(): Promise<void> }> {
  const running = await readControlFile(dataDirectory);
  if (running !== undefined && (await isThere(running))) {
    throw new TidetableError(
      "PORT_TAKEN",
      `A pipeline runs here already (process ${running.pid}). Stop it with Ctrl-C, or change it: npm run pipeline -- scale 2`,
    );
  }
  const token = randomBytes(24).toString("base64url");
  const app = controlRoutes(pipeline, token);
  const { server, port } = await listen(app);
  const path = controlPath(dataDirectory);
  await mkdir(dataDirectory, { recursive: true });
  const file: ControlFile = { pid: process.pid, url: `http://127.0.0.1:${port}`, token };
  await rm(path, { force: true });
  await writeFile(path, JSON.stringify(file), { mode: 0o600 });
  return {
    async close() {
      await rm(path, { force: true });
      await new Promise<void>((closed) => {
        server.close(() => closed());
        if ("closeAllConnections" in server) server.closeAllConnections();
      });
    },
  };
}

/** Asks the pipeline that runs; answers with its table. @throws TidetableError where none runs, or it refuses. */
export async function askControl(dataDirectory: string, request: ControlRequest): Promise<string> {
  const file = await readControlFile(dataDirectory);
  if (file === undefined || !(await isThere(file))) {
    throw new TidetableError("CONFIG_INVALID", "No pipeline runs here. Start one: npm run pipeline");
  }
  const answer = await fetch(`${file.url}/${request.action}`, {
    method: "POST",
    headers: { authorization: `Bearer ${file.token}`, "content-type": "application/json" },
    body: JSON.stringify(request),
    signal: AbortSignal.timeout(answerTimeoutMs),
  });
  const text = await answer.text();
  if (!answer.ok) throw new TidetableError("CONFIG_INVALID", text);
  return text;
}

function controlRoutes(pipeline: Controlled, token: string): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    const given = Buffer.from(context.req.header("authorization") ?? "");
    const wanted = Buffer.from(`Bearer ${token}`);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return context.text("No.", 401);
    return await next();
  });
  app.onError((error, context) => context.text(errorMessage(error), 400));
  const table = async () => statusTable((await pipeline.services()) satisfies readonly ServiceRow[]);
  app.post("/status", async (context) => context.text(await table()));
  app.post("/scale", async (context) => {
    const { instances } = (await context.req.json()) as Extract<ControlRequest, { action: "scale" }>;
    await pipeline.scale(instances);
    return context.text(await table());
  });
  app.post("/kill", async (context) => {
    const { service, number } = (await context.req.json()) as Extract<ControlRequest, { action: "kill" | "start" }>;
    await pipeline.kill(service, number);
    return context.text(await table());
  });
  app.post("/start", async (context) => {
    const { service, number } = (await context.req.json()) as Extract<ControlRequest, { action: "kill" | "start" }>;
    await pipeline.startNode(service, number);
    return context.text(await table());
  });
  return app;
}

async function listen(app: Hono): Promise<{ server: ReturnType<typeof serve>; port: number }> {
  return await new Promise((listening, failed) => {
    const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
      listening({ server, port }),
    );
    server.once("error", failed);
  });
}

function controlPath(dataDirectory: string): string {
  return join(dataDirectory, "pipeline.json");
}

async function readControlFile(dataDirectory: string): Promise<ControlFile | undefined> {
  try {
    return JSON.parse(await readFile(controlPath(dataDirectory), "utf8")) as ControlFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A file whose pipeline was killed points to nobody, or to a stranger who does not know the token. */
async function isThere({ url, token }: ControlFile): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/status`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(knockTimeoutMs),
    });
    return answer.ok;
  } catch {
    return false;
  }
}
