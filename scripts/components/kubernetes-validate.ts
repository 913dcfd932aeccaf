/**
 * The schemas of Kubernetes, by PyPI's kubernetes-validate, which carries them: no cluster, no network. Strict: a field that
 * is not known is an error, and so is an API that it only warns of.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TidetableError } from "../../src/errors.js";
import { runCommand } from "./command.js";
import { ensurePythonPackages } from "./python.js";

/** Answers for files of manifests: what is wrong, nothing for those that a cluster would take. */
export type ValidateManifests = (files: readonly string[]) => Promise<string | undefined>;

/** @throws TidetableError COMPONENT_MISSING. */
export async function ensureKubernetesValidate(): Promise<ValidateManifests> {
  const environment = await ensurePythonPackages({
    name: "kubernetes-validate",
    requirementsFile: join(dirname(fileURLToPath(import.meta.url)), "kubernetes-requirements.txt"),
    what: "the schemas of Kubernetes",
  });
  return async (files) => {
    try {
      const output = await runCommand(
        environment.python,
        [environment.program("kubernetes-validate"), "--strict", ...files],
        { timeoutMs: 60_000, missing: "" },
      );
      return /\bWARN/.test(output) ? output : undefined;
    } catch (error) {
      if (error instanceof TidetableError) return error.message;
      throw error;
    }
  };
}
