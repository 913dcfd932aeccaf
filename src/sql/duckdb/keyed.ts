/**
 * Keeps a table that shows the last row of each key small: the last rows go into a generation of their own, and everything
 * before is dropped. What queries see stays the same, but for keys beyond what is to be kept.
 */
import type { Field } from "../../streaming/json/fields.js";
import type { Retention } from "../sql-engine.js";
import type { DuckDbDatabase } from "./database.js";
import { compactGenerations, createViews, generationTable, type StreamHome } from "./generations.js";
import {
  forgetGeneration,
  type GenerationState,
  newGeneration,
  registerGeneration,
  updateRetired,
  updateRowBytes,
} from "./stored-stream.js";

export interface Compacted {
  readonly generations: GenerationState[];
  readonly retired: number;
}

/** For the owner of the write gate only. */
export async function compact(
  database: DuckDbDatabase,
  home: StreamHome,
  stored: { readonly generations: readonly GenerationState[]; readonly retired: number },
  options: { readonly fields: readonly Field[]; readonly keep: Retention; readonly nowMs: number },
): Promise<Compacted> {
  const { generations: old } = stored;
  const rows = old.reduce((sum, generation) => sum + generation.rows, 0);
  const bytes = old.reduce((sum, generation) => sum + generation.bytes, 0);
  const lastId = Math.max(0, ...old.map((generation) => generation.id));
  const merged = newGeneration(lastId + 1, options.fields);
  const next = newGeneration(lastId + 2, options.fields);
  const limit = limitOf(options.keep, bytes / Math.max(1, rows), options.nowMs);
  await database.changeTables([
    ...registerGeneration(home, merged),
    ...registerGeneration(home, next),
    compactGenerations(home, old, merged, limit),
  ]);
  const [[count] = [0n]] = await database.read(`SELECT count(*) FROM ${generationTable(home, merged.id)}`);
  merged.rows = Number(count);
  merged.bytes = (bytes / Math.max(1, rows)) * merged.rows;
  merged.newestMs = Math.max(0, ...old.map((generation) => generation.newestMs));
  const generations = [merged, next];
  const retired = stored.retired + rows - merged.rows;
  await database.change(home, {
    views: createViews(home, generations, options.fields),
    after: [
      ...old.flatMap((generation) => forgetGeneration(home, generation)),
      updateRowBytes(home, merged),
      updateRetired(home, retired),
    ],
  });
  return { generations, retired };
}

function limitOf(keep: Retention, rowBytes: number, nowMs: number): { rowsMax?: number; sinceMs?: number } {
  if ("ms" in keep) return { sinceMs: nowMs - keep.ms };
  return { rowsMax: "rows" in keep ? keep.rows : Math.ceil(keep.bytes / Math.max(1, rowBytes)) };
}
