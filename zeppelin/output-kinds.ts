/**
 * What a Zeppelin message does not say about the Jupyter output it came from: result or display, stderr, the error's
 * name. A few words per output, so that the way back gives the same outputs. Pure.
 */
import type { JsonObject, JsonValue } from "./json.js";
import { isJsonArray, isJsonObject, sameJson } from "./json.js";

/** One patch an output, null where there is nothing to say; undefined where none has. */
export function outputKinds(originals: readonly JsonObject[], plain: readonly JsonObject[]): JsonValue | undefined {
  if (originals.length !== plain.length) return undefined;
  const patches = originals.map((original, index) => patchFor(original, plain[index] ?? {}));
  return patches.every((patch) => patch === null) ? undefined : patches;
}

function patchFor(original: JsonObject, plain: JsonObject): JsonObject | null {
  if (sameJson(original, plain)) return null;
  const patch: Record<string, JsonValue> = {};
  for (const key of ["output_type", "name", "ename", "evalue", "metadata"]) {
    const value = original[key];
    if (value !== undefined && !sameJson(value, plain[key])) patch[key] = value;
  }
  const mimes = isJsonObject(original.data) ? Object.keys(original.data) : [];
  if (plain.output_type === "stream" && mimes[0] !== undefined) patch.mime = mimes[0];
  return sameJson(patched(plain, patch), original) ? patch : null;
}

export function applyOutputKinds(plain: readonly JsonObject[], kinds: JsonValue | undefined): readonly JsonObject[] {
  if (!isJsonArray(kinds) || kinds.length !== plain.length) return plain;
  return plain.map((output, index) => {
    const patch = kinds[index];
    return isJsonObject(patch) ? patched(output, patch) : output;
  });
}

function patched(output: JsonObject, patch: JsonObject): JsonObject {
  const { mime, ...rest } = patch;
  if (typeof mime !== "string" || output.output_type !== "stream") return { ...output, ...rest };
  return { ...rest, data: { [mime]: output.text ?? "" }, metadata: rest.metadata ?? {} };
}
