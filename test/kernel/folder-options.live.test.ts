/** A tsconfig.json in the notebook's folder: what of it cells respect. */
import { deepEqual, equal, match } from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KernelClient, startKernel, textOf } from "../support/jupyter-client.js";

describe("tsconfig.json of the notebook's folder", function () {
  this.timeout(60_000);
  let directory: string;
  let kernel: KernelClient | undefined;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tidetable-tsconfig-"));
  });
  afterEach(async () => {
    await kernel?.shutdown();
    kernel = undefined;
    await rm(directory, { recursive: true, force: true });
  });
  const startWith = async (tsconfig: string): Promise<KernelClient> => {
    await writeFile(join(directory, "tsconfig.json"), tsconfig);
    kernel = await startKernel({ directory });
    return kernel;
  };

  it("strict, with an inherited file and comments", async () => {
    await writeFile(join(directory, "base.json"), '{ "compilerOptions": { "strict": true } }');
    const client = await startWith('{ /* ours */ "extends": "./base.json" }');
    const { reply } = await client.execute("const found = [1].find((n) => n > 1);\nfound.toFixed()");
    match(reply.content.evalue, /'found' is possibly 'undefined'. \(TS18048\)/);
    equal((await client.execute("[1].find((n) => n > 0)?.toFixed()")).reply.content.status, "ok");
  });

  it("lib", async () => {
    const client = await startWith('{ "compilerOptions": { "lib": ["es2023", "dom"] } }');
    equal((await client.execute("type Shown = HTMLElement; 1")).reply.content.status, "ok");
  });

  it("paths, for types and when run", async () => {
    await mkdir(join(directory, "source"));
    await writeFile(join(directory, "source/level.ts"), "export const level: number = 3;\n");
    const client = await startWith('{ "compilerOptions": { "paths": { "#tides/*": ["./source/*"] } } }');
    const { outputs } = await client.execute('import { level } from "#tides/level"; level.toFixed(1)');
    deepEqual(outputs[0]?.data, { "text/plain": "'3.0'" });
  });

  it("that cannot be read is said once, and cells run", async () => {
    const client = await startWith('{ "compilerOptions": { "strict": maybe } }');
    const { outputs } = await client.execute("1");
    match(textOf(outputs, "stderr"), /^tsconfig\.json: /);
    deepEqual((await client.execute("2")).outputs.length, 1);
  });
});
