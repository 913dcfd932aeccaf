/** A workbench of its own for a test: a folder with notebooks, the real server, the real kernel of this checkout. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { startWorkbench, type Workbench } from "../../src/workbench/server.js";
import { notebookText, root } from "../support/notebook.js";

export const kernelCommand = [
  process.execPath,
  "--no-force-async-hooks-checks",
  join(root, "dist/kernel.js"),
  "--connection-file",
  "{connection_file}",
];

export interface TestWorkbench extends Workbench {
  readonly directory: string;
  readonly dataDirectory: string;
  /** What the workbench logged, the kernels' stderr included. */
  readonly log: readonly string[];
  /** Addresses that were told since it started. */
  readonly newAddresses: readonly string[];
  /** The token of the address. */
  readonly token: string;
  /** What a browser that has opened the address sends. */
  readonly cookie: string;
  readNotebook(): Promise<Record<string, unknown>>;
  /** In the notebook's folder, which is where its cells run. */
  writeFile(name: string, text: string): Promise<void>;
  hasFile(name: string): boolean;
  /** Ends it, as a restart does: what it keeps for the next one stays. */
  stop(): Promise<void>;
  /** Another workbench at the same port, on the same folder and with the same secrets; the test closes that one too. */
  again(): Promise<TestWorkbench>;
}

export interface TestWorkbenchOptions {
  /** The cells of `test.ipynb`, or a notebook file to copy. */
  readonly notebook: readonly string[] | string;
  readonly port?: number;
  readonly command?: readonly string[];
  /** Beside the test's own. */
  readonly environment?: Readonly<Record<string, string>>;
}

export async function startTestWorkbench({
  notebook,
  port,
  command,
  environment = {},
}: TestWorkbenchOptions): Promise<TestWorkbench> {
  const directory = await mkdtemp(join(tmpdir(), "tidetable-workbench-"));
  const dataDirectory = join(directory, "data");
  await mkdir(dataDirectory);
  const name = typeof notebook === "string" ? basename(notebook) : "test.ipynb";
  const text = typeof notebook === "string" ? await readFile(notebook, "utf8") : notebookText(notebook);
  await writeFile(join(directory, name), text);
  return startIn({ directory, name, port, command: command ?? kernelCommand, environment }).catch(async (error) => {
    await removeFolder(directory);
    throw error;
  });
}

interface Place {
  readonly directory: string;
  readonly name: string;
  readonly port: number | undefined;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

async function startIn(place: Place): Promise<TestWorkbench> {
  const { directory, name, port, command, environment } = place;
  const dataDirectory = join(directory, "data");
  const log: string[] = [];
  const newAddresses: string[] = [];
  const workbench = await startWorkbench({
    notebook: name,
    rootDirectory: directory,
    port,
    kernelCommand: command,
    environment: { ...process.env, KAFKA_BROKERS: "", TIDETABLE_DATA: dataDirectory, ...environment },
    keysDirectory: join(directory, ".keys"),
    log: (line) => log.push(line),
    onNewAddress: (url) => newAddresses.push(url),
  });
  return {
    ...workbench,
    directory,
    dataDirectory,
    log,
    newAddresses,
    token: new URL(workbench.url).searchParams.get("token") ?? "",
    cookie: await cookieOf(workbench.url),
    readNotebook: async () => JSON.parse(await readFile(join(directory, name), "utf8")),
    writeFile: (file, text) => writeFile(join(directory, file), text),
    hasFile: (file) => existsSync(join(directory, file)),
    stop: workbench.close,
    again: () => startIn({ ...place, port: workbench.port }),
    close: async () => {
      await workbench.close();
      await removeFolder(directory);
    },
  };
}

/** An engine that was just told to end may write a last time. */
async function removeFolder(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
}

async function cookieOf(url: string): Promise<string> {
  const answer = await fetch(url, { redirect: "manual" });
  return answer.headers.get("set-cookie")?.split(";")[0] ?? "";
}
