/**
 * The steps of marathon/Dockerfile in a clean folder, one by one, and what they start. Not tested: the base image, and
 * its user; the server listens on loopback here.
 */
import { deepEqual, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { copyFile, mkdir, readFile, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { DockerfileParser, type Instruction, type JSONInstruction } from "dockerfile-ast";
import { runCommand } from "../../scripts/components/command.js";
import { freePort } from "../../scripts/components/free-ports.js";
import { endOrKill } from "../../scripts/components/process-end.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";

const known = ["FROM", "ARG", "WORKDIR", "COPY", "RUN", "ENV", "EXPOSE", "USER", "ENTRYPOINT", "CMD"];

describe("marathon/Dockerfile", function () {
  this.timeout(5 * 60_000);
  let folder: TemporaryFolder;
  let server: ChildProcess | undefined;
  before(() => {
    folder = temporaryFolder("dockerfile");
  });
  after(async () => {
    if (server !== undefined) await endOrKill(server, 5_000);
    folder.remove();
  });

  it("installs the package in a clean folder and starts a Tweeter that answers", async () => {
    const steps = DockerfileParser.parse(await readFile("marathon/Dockerfile", "utf8")).getInstructions();
    deepEqual(
      steps.map((step) => step.getKeyword()).filter((keyword) => !known.includes(keyword)),
      [],
    );
    const prefix = join(folder.path, "usr-local");
    const workdir = join(folder.path, "app");
    await mkdir(workdir);
    await mkdir(prefix);
    // npm's global folder and the programs in it, as the image has them for itself.
    const environment: NodeJS.ProcessEnv = {
      ...process.env,
      npm_config_prefix: prefix,
      PATH: [join(prefix, "bin"), process.env.PATH].join(delimiter),
    };
    const context = await packedPackage(folder.path);

    const start: string[] = [];
    for (const step of steps) {
      switch (step.getKeyword()) {
        case "COPY": {
          const [from = "", to = ""] = valuesOf(step);
          await copyFile(join(context, from), join(workdir, to));
          break;
        }
        case "RUN":
          await runCommand("sh", ["-c", step.getArgumentsContent() ?? ""], {
            cwd: workdir,
            env: environment,
            timeoutMs: 4 * 60_000,
            missing: "",
          });
          break;
        case "ENV":
          for (const setting of valuesOf(step)) {
            const [name = "", value] = setting.split("=");
            environment[name] = name === "TIDETABLE_DATA" ? join(folder.path, "data") : value;
          }
          break;
        case "ENTRYPOINT":
        case "CMD":
          start.push(
            ...(step as JSONInstruction).getJSONStrings().map((text) => JSON.parse(text.getValue()) as string),
          );
          break;
      }
    }

    deepEqual(start, ["tidetable", "tweeter", "--host", "0.0.0.0", "--port", "3000"]);
    const port = await freePort();
    server = spawn("tidetable", ["tweeter", "--host", "127.0.0.1", "--port", String(port)], {
      cwd: workdir,
      env: { ...environment, KAFKA_BROKERS: "", CASSANDRA_CONTACT_POINTS: "" },
      stdio: ["ignore", "inherit", "inherit"],
    });
    // It listens before its store is open, and says 503 until then.
    await until(
      "it is healthy",
      async () => (await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined))?.status === 200,
      60_000,
    );
    ok(await stat(join(prefix, "bin/tidetable")));
  });
});

function valuesOf(step: Instruction): string[] {
  return step.getExpandedArguments().map((argument) => argument.getValue());
}

/** What `npm run build && npm pack` leaves, under the name that the Dockerfile takes. */
async function packedPackage(directory: string): Promise<string> {
  await runCommand("npm", ["pack", "--pack-destination", directory], { timeoutMs: 60_000, missing: "" });
  return directory;
}
