/** Every file of this machine's disks that was written since a moment: where a secret could have been left. */
import { execFile } from "node:child_process";
import { homedir, tmpdir } from "node:os";
import { promisify } from "node:util";

const run = promisify(execFile);
const timeoutMs = 5 * 60_000;

/** Paths; other file systems than those of the root, the temporary folder and the home are not entered. */
export async function changedFiles(sinceMs: number): Promise<readonly string[]> {
  const roots = [...new Set(["/", tmpdir(), homedir()])];
  const options = { timeout: timeoutMs, maxBuffer: 64 * 2 ** 20 };
  const since = `@${Math.floor(sinceMs / 1000)}`;
  const found = await run("find", [...roots, "-xdev", "-type", "f", "-newermt", since, "-print0"], options).catch(
    // What vanishes while it is looked at ends find with 1, after it has said all others.
    (error: { readonly code?: number; readonly stdout?: string }) => {
      if (error.code !== 1 || error.stdout === undefined) throw error;
      return { stdout: error.stdout };
    },
  );
  return [...new Set(found.stdout.split("\0").filter((path) => path !== "" && !/^\/(proc|sys)\//.test(path)))];
}
