/** Rows into groups with their aggregates, and rows that are all different. */
import type { Aggregate } from "./aggregates.js";
import type { Bound } from "./bound.js";
import { keyOfRow, type Row } from "./types.js";
import type { Work } from "./work.js";

export interface GroupedAggregate {
  readonly aggregate: Aggregate;
  readonly filter: Bound | undefined;
  readonly distinct: boolean;
}

/** One row for each group: what is grouped by, then the aggregates. Without anything to group by there is one group. */
export async function groupRows(
  rows: readonly Row[],
  keys: readonly Bound[],
  aggregates: readonly GroupedAggregate[],
  work: Work,
): Promise<readonly Row[]> {
  const types = keys.map((bound) => bound.type);
  const newStates = () =>
    aggregates.map(({ aggregate, filter, distinct }) => ({
      state: aggregate.create(),
      filter,
      seen: distinct ? new Set<string>() : undefined,
      parameters: aggregate.parameters,
    }));
  const groups = new Map<string, { readonly values: Row; readonly states: ReturnType<typeof newStates> }>();
  // Without GROUP BY there is one group, also of no rows.
  if (types.length === 0) groups.set(keyOfRow([], []), { values: [], states: newStates() });
  for (const row of rows) {
    if (work.isDue) await work.pause();
    const values = keys.map((bound) => bound.evaluate(row));
    const key = keyOfRow(types, values);
    let group = groups.get(key);
    if (group === undefined) {
      group = { values, states: newStates() };
      groups.set(key, group);
    }
    for (const { state, filter, seen, parameters } of group.states) {
      if (filter !== undefined && filter.evaluate(row) !== true) continue;
      if (seen !== undefined && !isNew(seen, parameters, row)) continue;
      state.add(row);
    }
  }
  return [...groups.values()].map(({ values, states }) => [...values, ...states.map(({ state }) => state.result())]);
}

function isNew(seen: Set<string>, parameters: readonly Bound[], row: Row): boolean {
  const key = keyOfRow(
    parameters.map((parameter) => parameter.type),
    parameters.map((parameter) => parameter.evaluate(row)),
  );
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

export async function distinctRows(rows: readonly Row[], list: readonly Bound[], work: Work): Promise<readonly Row[]> {
  const types = list.map((bound) => bound.type);
  const seen = new Set<string>();
  return work.filter(rows, (row) => {
    const key = keyOfRow(
      types,
      list.map((bound) => bound.evaluate(row)),
    );
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
