/**
 * Splits a query into the parts that are kept up to date and what is made of them: each SELECT that aggregates a stream
 * (or takes its distinct or first rows) becomes a state of its own, and everything around them (UNION ALL, WITH, outer
 * queries, joins of aggregates) runs over the states. Works on DuckDB's own syntax tree, so that every expression stays
 * DuckDB's; refuses, with the reason, what it does not know. Pure.
 */

import { mapSelects } from "../syntax-edit.js";
import { isTreeNode, type Tree, type TreeNode, textIn } from "../syntax-tree.js";
import { planBlock } from "./block.js";
import type { BlockPlan, DirectFinal } from "./block-plan.js";
import { inlineCommonTables, inlineViews } from "./inline.js";
import { limitsQuery } from "./moving.js";
import { type PlanKnowledge, Refusal } from "./scope.js";

export interface IncrementalPlan {
  readonly blocks: readonly BlockPlan[];
  /** The query over the blocks' states; its outermost columns still need the original's names. */
  readonly final: TreeNode;
  /** Where the query is one block whose last step only picks and orders columns of the state. */
  readonly direct?: DirectFinal;
  /** Whether the answer depends on tables or views that statements change. */
  readonly readsTables: boolean;
}

export type Planned = { readonly plan: IncrementalPlan } | { readonly reason: string };

const BLOCKS_MAX = 8;

export function planIncremental(query: TreeNode | undefined, knowledge: PlanKnowledge): Planned {
  if (query === undefined) return { reason: "it is not one SELECT" };
  try {
    const { node, readsViews } = inlineViews(inlineCommonTables(query), (name) => knowledge.viewQuery(name));
    const plan = planQuery(node, knowledge);
    return { plan: { ...plan, readsTables: plan.readsTables || readsViews } };
  } catch (error) {
    if (error instanceof Refusal) return { reason: error.message };
    throw error;
  }
}

function planQuery(query: TreeNode, knowledge: PlanKnowledge): IncrementalPlan {
  const blocks: BlockPlan[] = [];
  let firstRefusal: Refusal | undefined;
  let readsTables = false;
  const reduce = (node: TreeNode): TreeNode | undefined => {
    if (node.type !== "SELECT_NODE") return undefined;
    try {
      const block = planBlock(node, blocks.length, knowledge);
      blocks.push(block);
      withinLimits(block);
      if (blocks.length > BLOCKS_MAX) throw new Refusal(`it has more than ${BLOCKS_MAX} parts to keep`);
      return block.final;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      firstRefusal ??= error;
      return undefined;
    }
  };
  /** A window's edges may stand at what another part of the query comes to, such as the newest moment of the stream. */
  const withinLimits = (block: BlockPlan): void => {
    const { window } = block;
    if (window === undefined) return;
    const edges = window.edges.map((edge) => ({ ...edge, limit: mapSelects(edge.limit, reduce) }));
    const at = blocks.indexOf(block);
    blocks[at] = { ...block, window: { ...window, edges, limits: limitsQuery(edges) } };
  };
  const final = mapSelects(query, reduce);
  const [only] = blocks;
  if (only === undefined) throw firstRefusal ?? new Refusal("it does not read a stream");
  const limits = blocks.flatMap(({ window }) => (window === undefined ? [] : tablesIn(window.limits)));
  for (const table of [...tablesIn(final), ...limits]) {
    if (blocks.some((block) => block.stateTable === table)) continue;
    // The first thing that could not be kept says more than the table it left over.
    if (knowledge.tableColumns(table) === undefined) throw firstRefusal ?? new Refusal(`it also reads ${table}`);
    readsTables = true;
  }
  const isWhole = blocks.length === 1 && final === only.final;
  return {
    blocks,
    final,
    readsTables: readsTables || blocks.some((block) => block.readsTables),
    ...(isWhole && only.direct !== undefined ? { direct: only.direct } : {}),
  };
}

/** Names of the tables that a tree reads. */
function tablesIn(tree: Tree): readonly string[] {
  if (Array.isArray(tree)) return (tree as readonly Tree[]).flatMap(tablesIn);
  if (!isTreeNode(tree)) return [];
  if (tree.type === "TABLE_FUNCTION") throw new Refusal("it reads a table function");
  const own = tree.type === "BASE_TABLE" ? [textIn(tree, "table_name")] : [];
  return [...own, ...Object.values(tree).flatMap(tablesIn)];
}
