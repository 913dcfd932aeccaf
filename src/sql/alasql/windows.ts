/**
 * Window functions of the AlaSQL engine, over the frame that SQL takes when none is written: with ORDER BY all rows up to the
 * current one and its peers, without it the whole partition. Aggregates whose last bit depends on the order of additions
 * are refused, because DuckDB adds them up in another order.
 */
import { type Aggregate, aggregateFunctions } from "./aggregates.js";
import { type Bound, coerce, invalidCall } from "./bound.js";
import { refuseUncomparable } from "./operators.js";
import { type KeyedRow, keyedRow, ordering, type SortKey } from "./ordering.js";
import { BIGINT, keyOfRow, notInEngine, type Row, type SqlType, type Value } from "./types.js";
import type { Work } from "./work.js";

export const windowFunctionNames: ReadonlySet<string> = new Set(
  "row_number rank dense_rank lag lead first_value last_value".split(" "),
);

/** What a frame shows a function: the rows of a partition in order, and which rows are peers. */
interface Partition {
  readonly rows: readonly Row[];
  /** For each row the index behind the last of its peers. */
  readonly peersEnd: readonly number[];
}

type WindowFunction = { readonly type: SqlType; values(partition: Partition): readonly Value[] };

export interface BoundWindow {
  readonly type: SqlType;
  readonly partition: readonly Bound[];
  readonly order: readonly SortKey[];
  readonly apply: WindowFunction["values"];
}

export function bindWindow(
  name: string,
  parameters: readonly Bound[],
  partition: readonly Bound[],
  order: readonly SortKey[],
): BoundWindow {
  for (const bound of partition) refuseUncomparable(bound.type);
  const { type, values } = windowFunction(name, parameters);
  return { type, partition, order, apply: values };
}

function windowFunction(name: string, parameters: readonly Bound[]): WindowFunction {
  const found = aggregateFunctions.get(name);
  if (found !== undefined) {
    const aggregate = found(parameters, name);
    if (aggregate.dependsOnOrder) throw notInEngine(`${name} of these values over a window`);
    return { type: aggregate.type, values: (partition) => running(aggregate, partition) };
  }
  const [value, offset, otherwise] = parameters;
  switch (name) {
    case "row_number":
    case "rank":
    case "dense_rank":
      if (parameters.length > 0) throw invalidCall(name, parameters);
      return { type: BIGINT, values: (partition) => ranks(name, partition) };
    case "lag":
    case "lead":
      if (value === undefined || parameters.length > 3) throw invalidCall(name, parameters);
      return shifted(name, value, offset, otherwise);
    case "first_value":
      if (value === undefined || parameters.length > 1) throw invalidCall(name, parameters);
      return { type: value.type, values: ({ rows }) => rows.map(() => value.evaluate(rows[0] ?? [])) };
    case "last_value":
      if (value === undefined || parameters.length > 1) throw invalidCall(name, parameters);
      return {
        type: value.type,
        values: ({ rows, peersEnd }) => rows.map((_, index) => value.evaluate(rows[(peersEnd[index] ?? 1) - 1] ?? [])),
      };
    default:
      throw notInEngine(`${name} over a window`);
  }
}

function ranks(name: string, { rows, peersEnd }: Partition): readonly Value[] {
  let rank = 0n;
  let dense = 0n;
  return rows.map((_, index) => {
    const isFirstPeer = index === 0 || peersEnd[index] !== peersEnd[index - 1];
    if (isFirstPeer) {
      rank = BigInt(index + 1);
      dense += 1n;
    }
    return name === "row_number" ? BigInt(index + 1) : name === "rank" ? rank : dense;
  });
}

function shifted(name: string, value: Bound, offset: Bound | undefined, otherwise: Bound | undefined): WindowFunction {
  const steps = Number(offset === undefined ? 1 : (offset.constant?.value ?? Number.NaN));
  if (!Number.isInteger(steps)) throw notInEngine(`${name} by a number of rows that is no constant`);
  const fallback = otherwise === undefined ? undefined : coerce(otherwise, value.type, name);
  const distance = name === "lag" ? -steps : steps;
  return {
    type: value.type,
    values: ({ rows }) =>
      rows.map((row, index) => {
        const target = rows[index + distance];
        return target === undefined ? (fallback?.evaluate(row) ?? null) : value.evaluate(target);
      }),
  };
}

/** The aggregate of everything up to the peers of each row. */
function running(aggregate: Aggregate, { rows, peersEnd }: Partition): readonly Value[] {
  const state = aggregate.create();
  const values: Value[] = [];
  let added = 0;
  for (let index = 0; index < rows.length; index++) {
    const end = peersEnd[index] ?? rows.length;
    if (end > added) {
      for (; added < end; added++) state.add(rows[added] as Row);
      values.push(state.result());
    } else {
      values.push(values.at(-1) ?? null);
    }
  }
  return values;
}

/** Each row with the values of the windows behind its own. */
export async function addWindows(rows: readonly Row[], windows: readonly BoundWindow[], work: Work): Promise<Row[]> {
  const added: Value[][] = rows.map((row) => [...row]);
  for (const window of windows) {
    const partitions = new Map<string, number[]>();
    for (const [index, row] of rows.entries()) {
      if (work.isDue) await work.pause();
      const key = keyOfRow(
        window.partition.map((bound) => bound.type),
        window.partition.map((bound) => bound.evaluate(row)),
      );
      const members = partitions.get(key);
      if (members === undefined) partitions.set(key, [index]);
      else members.push(index);
    }
    for (const members of partitions.values()) await fillPartition(rows, members, window, added, work);
  }
  return added;
}

async function fillPartition(
  rows: readonly Row[],
  members: readonly number[],
  window: BoundWindow,
  added: Value[][],
  work: Work,
): Promise<void> {
  const compare = ordering(window.order);
  const keyed = members.map((index) => ({ ...keyedRow(rows[index] as Row, window.order), index }));
  const sorted = window.order.length === 0 ? keyed : await work.sort(keyed, compare);
  const partition = { rows: sorted.map((entry) => entry.row), peersEnd: peersEnds(sorted, compare) };
  const values = window.apply(partition);
  for (const [position, { index }] of sorted.entries()) {
    if (work.isDue) await work.pause();
    added[index]?.push(values[position] ?? null);
  }
}

function peersEnds(sorted: readonly KeyedRow[], compare: (a: KeyedRow, b: KeyedRow) => number): readonly number[] {
  const ends = new Array<number>(sorted.length).fill(sorted.length);
  for (let index = sorted.length - 2; index >= 0; index--) {
    const isPeer = compare(sorted[index] as KeyedRow, sorted[index + 1] as KeyedRow) === 0;
    ends[index] = isPeer ? (ends[index + 1] as number) : index + 1;
  }
  return ends;
}
