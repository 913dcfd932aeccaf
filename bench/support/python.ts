/** Runs the Python halves of the benches: the producers and the peer. */
import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A broker with a Python that has confluent-kafka, pyarrow and duckdb. */
export interface KafkaBench {
  readonly brokers: readonly string[];
  readonly python: string;
}

const folder = dirname(fileURLToPath(import.meta.url));
const timeoutMs = 180_000;

/** `script BROKERS …arguments` of this folder; answers what it prints. Rejects when it fails. */
export async function runPython(
  { brokers, python }: KafkaBench,
  script: string,
  scriptArguments: ReadonlyArray<string | number>,
): Promise<string> {
  const all = [join(folder, script), brokers.join(","), ...scriptArguments.map(String)];
  const { stdout } = await promisify(execFile)(python, all, { timeout: timeoutMs });
  return stdout;
}
