/** Whether a valid JSON value fits the column that a schema declares for it, and in words why not. Pure. */
import type { FieldKind } from "./fields.js";
import { isEpoch, isEpochKind } from "./kinds.js";
import { kindAt, misfit, type Shape, sqlTypeOfShape } from "./shape.js";

/** @param kind the narrowest kind of the value, which is not the declared one */
export function declaredMisfit(
  bytes: Buffer,
  start: number,
  end: number,
  kind: FieldKind,
  declared: { readonly keyBytes: Uint8Array; readonly kind: FieldKind; readonly shape: Shape | undefined },
): string | undefined {
  const wanted = declared.kind;
  if (wanted === "json" || wanted === "mixed") return undefined;
  const key = Buffer.from(declared.keyBytes).toString();
  if (wanted === "nested" && declared.shape !== undefined) {
    const why = misfit(bytes, start, end, declared.shape);
    return why === undefined ? undefined : `schema: ${key}${why}`;
  }
  if (isEpochKind(wanted) && (kind === "bigint" || kind === "double")) {
    if (isEpoch(bytes.toString("latin1", start, end), wanted)) return undefined;
    return `schema: ${key} is ${kindAt(bytes, start)}, which as ${wanted.toUpperCase()} is no instant between 1970 and 9999`;
  }
  return `schema: ${key} is ${kindAt(bytes, start)}, not ${nameOf(wanted)}`;
}

function nameOf(kind: FieldKind): string {
  if (kind === "timestamp") return "a TIMESTAMP such as 2026-01-31T09:30:00.125Z";
  if (isEpochKind(kind)) return `${kind.toUpperCase()}, a number`;
  return kind === "boolean" || kind === "bigint" || kind === "hugeint" || kind === "double" || kind === "text"
    ? sqlTypeOfShape({ kind })
    : kind;
}
