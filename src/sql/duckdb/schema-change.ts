/** What a stream's columns become when it is opened with another schema than its rows were written under. Pure. */
import type { Field } from "../../streaming/json/fields.js";
import { isEpochKind } from "../../streaming/json/kinds.js";
import { type Generation, keepsValues, sqlTypeOf } from "./generations.js";

/** The stored fields themselves where they are right. @param initial the format's fields before the first record */
export function fieldsAtOpen(
  stored: readonly Field[],
  schema: readonly Field[] | undefined,
  initial: readonly Field[],
): readonly Field[] {
  const wanted = schema ?? (stored.length === 0 ? initial : stored.map(inferred));
  return JSON.stringify(wanted) === JSON.stringify(stored) ? stored : wanted;
}

/** What only a schema can declare goes on as what inference knows. */
function inferred(field: Field): Field {
  const { key, column } = field;
  if (field.kind === "nested") return { key, column, kind: "json" };
  return isEpochKind(field.kind) ? { key, column, kind: "mixed" } : field;
}

/** In words, for the status: what becomes of earlier rows. */
export function describeSchemaChange(generations: readonly Generation[], fields: readonly Field[]): string[] {
  const earlier = generations.flatMap((generation) => generation.fields);
  if (earlier.length === 0) return [];
  const sentences = fields.flatMap((field) => {
    const stored = earlier.filter((candidate) => candidate.key === field.key);
    const lossy = stored.find((candidate) => !keepsValues(candidate, field));
    if (lossy === undefined) return [];
    return [
      `column ${field.column} is ${sqlTypeOf(field)} now; earlier values (${sqlTypeOf(lossy)}) that are none are NULL`,
    ];
  });
  const gone = new Set(earlier.map((field) => field.key).filter((key) => fields.every((field) => field.key !== key)));
  if (gone.size > 0) sentences.push(`columns that the schema does not name are not shown: ${[...gone].join(", ")}`);
  return sentences.length > 0 ? sentences : ["the schema of new rows has changed"];
}
