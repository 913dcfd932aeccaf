/** The live tests of Spark as a program of their own, with what they read from the environment. Starts mocha, and no more. */
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** True when all of them pass; what is not there on this machine fails them. `only`: the cases whose title has it. */
export function passesSparkTests(environment: Readonly<Record<string, string>>, only?: string): Promise<boolean> {
  const mocha = join(root, "node_modules/mocha/bin/mocha.js");
  const chosen = only === undefined ? [] : ["--fgrep", only];
  const child = spawn(process.execPath, [mocha, "test/spark/spark.live.test.ts", ...chosen], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, CI: "true", ...environment },
  });
  return new Promise((ended, failed) => {
    child.once("error", failed);
    child.once("close", (code) => ended(code === 0));
  });
}
