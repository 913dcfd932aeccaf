/** What planning one SELECT over a stream comes to: the shape that the planner makes and the kept states read. */

import type { TreeNode } from "../syntax-tree.js";
import type { Merge } from "./aggregates.js";
import type { Edge } from "./moving.js";

export interface BlockPlan {
  readonly stream: string;
  readonly stateTable: string;
  /** As it was written; its columns' names are those of `final`. */
  readonly original: TreeNode;
  /** SELECT over `DELTA_TABLE`: groups and partial aggregates under names of ours. */
  readonly delta: TreeNode;
  readonly groupCount: number;
  readonly merges: readonly Merge[];
  /** Groups are more than the answer's: distinct values stand among them. */
  readonly aggregatesAgain: boolean;
  /** Present where rows are kept instead of groups: takes the first ones of `FIRST_ROWS_TABLE`. */
  readonly first?: TreeNode;
  /** SELECT over the state table. */
  readonly final: TreeNode;
  /** The same, where it only picks columns of the state and puts them in order. */
  readonly direct?: DirectFinal;
  /** Present where the edges of a window move: kept by panes, which `delta` has as its last column. */
  readonly window?: MovingWindow;
  /** SELECT over `DELTA_TABLE` of what is carried to the next refresh; present where rows are told how late they are. */
  readonly carry?: TreeNode;
  readonly readsTables: boolean;
}

export interface MovingWindow {
  readonly edges: readonly Edge[];
  /** SELECT of where the edges stand. */
  readonly limits: TreeNode;
  /** SELECT of how far they are from the moment. */
  readonly distances: TreeNode;
  /** SELECT over `DELTA_TABLE` of the row's moment alone. */
  readonly subject: TreeNode;
}

/** Columns of the state by number: groups first, then partial aggregates. */
export interface DirectFinal {
  readonly outputs: readonly number[];
  readonly orders: ReadonlyArray<{
    readonly column: number;
    readonly descending: boolean;
    readonly nullsFirst: boolean;
  }>;
  readonly offset: number;
  readonly limit?: number;
}

export const STATE_TABLE = "tidetable_state";
/** The column that says which stretch of time a partial aggregate is of. */
export const PANE_COLUMN = "tidetable_pane";
export const FIRST_ROWS_TABLE = "tidetable_first";
/** Rows of an ORDER BY … LIMIT that are kept. */
export const FIRST_ROWS_MAX = 10_000;

/** Names of the state's columns, such as no query gives its own. */
export function groupColumn(index: number): string {
  return `tidetable_g${index}`;
}

export function partialColumn(index: number): string {
  return `tidetable_a${index}`;
}
