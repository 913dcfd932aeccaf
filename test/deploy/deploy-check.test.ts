/** `tidetable deploy check` on files: what it prints, and its exit code. */
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../src/cli/command.js";
import { deployCheck } from "../../src/cli/deploy-check.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

async function run(...argumentList: string[]) {
  const printed: string[] = [];
  const warned: string[] = [];
  const code = await deployCheck({
    arguments: argumentList,
    environment: {},
    workingDirectory: process.cwd(),
    signal: new AbortController().signal,
    print: (line) => printed.push(line),
    warn: (line) => warned.push(line),
  });
  return { code, printed: printed.join("\n"), warned: warned.join("\n") };
}

describe("tidetable deploy check", () => {
  let folder: TemporaryFolder;
  before(() => {
    folder = temporaryFolder("deploy-check");
  });
  after(() => folder.remove());

  it("takes what is shipped, and names the parameters that are to be filled", async () => {
    const { code, printed } = await run("marathon", "deploy/kubernetes");
    equal(code, 0, printed);
    match(printed, /tweeter\.json {2}Marathon app: nothing wrong found/);
    match(printed, /TWEETER_IMAGE, TWEETER_HOST/);
    match(printed, /zeppelin-options\.json {2}options of DC\/OS Zeppelin: nothing wrong/);
    match(printed, /7 Kubernetes manifests/);
  });

  it("prints the filled definition alone, for the cluster's own command", async () => {
    const file = "marathon/tweeter.json";
    const { code, printed } = await run(file, "--print", "--set", "TWEETER_IMAGE=r/t:1", "--set", "TWEETER_HOST=t.org");
    equal(code, 0);
    const app = JSON.parse(printed) as { container: { docker: { image: string } }; labels: Record<string, string> };
    deepEqual([app.container.docker.image, app.labels.HAPROXY_0_VHOST], ["r/t:1", "t.org"]);
  });

  it("prints no definition with a parameter left open", async () => {
    const { code, printed, warned } = await run("marathon/tweeter.json", "--print", "--set", "TWEETER_IMAGE=r/t:1");
    deepEqual([code, printed], [1, ""]);
    match(warned, /without a value: TWEETER_HOST/);
  });

  it("fails where the cluster would", async () => {
    const path = join(folder.path, "app.json");
    writeFileSync(path, '{"id": "/app", "cmd": "x", "memory": 64}');
    const { code, printed } = await run(path);
    equal(code, 1);
    match(printed, /1 wrong\n {2}wrong .*"mem" probably is meant/);
    writeFileSync(path, "{");
    match((await run(path)).printed, /no JSON: 1 wrong/);
    writeFileSync(path, '{"id": "/app", "cmd": "x"}');
    match((await run(path, "--set", "NAME=x")).printed, /no parameter NAME/);
  });

  it("says what it takes", async () => {
    await rejects(run(), UsageError);
    await rejects(run("marathon/tweeter.json", "--set", "image=x"), /NAME=VALUE/);
    await rejects(run("nowhere.json"), /nowhere\.json cannot be read/);
    await rejects(run("marathon", "--print"), /one JSON file/);
  });
});
