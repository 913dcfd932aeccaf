/**
 * What a block carries from one refresh to the next beside its state: the newest moment of each partition, from which new
 * rows are told how late they are.
 */
import type { BlockPlan } from "../live/block-plan.js";
import { CARRY_KEYS, CARRY_TABLE, carryColumn } from "../live/lateness.js";
import { nodesIn } from "../syntax-tree.js";
import { type BlockTexts, deltaOver, prepared, type RefreshContext, type SqlPart } from "./state-texts.js";

/** The part of a WITH clause under which new rows find what is carried. */
export function besideDelta(plan: BlockPlan): string {
  return plan.carry === undefined ? "" : `, ${CARRY_TABLE} AS (SELECT * FROM ${carryTable(plan)})`;
}

/** What was carried of the rows before, with what the new ones add. */
export async function carryOn(
  block: BlockTexts,
  carry: SqlPart,
  rows: string,
  { connection, bind }: RefreshContext,
): Promise<void> {
  const table = carryTable(block.plan);
  const names = [
    ...CARRY_KEYS,
    ...Array.from({ length: carriedColumns(block.plan) }, (_, index) => carryColumn(index)),
  ];
  const newest = names.map((name, index) => (index < CARRY_KEYS.length ? name : `max(${name}) AS ${name}`));
  const both = `SELECT * FROM ${table} UNION ALL SELECT * FROM (${deltaOver(rows, carry)})`;
  const text = `CREATE OR REPLACE TEMP TABLE ${table} AS SELECT ${newest.join(", ")} FROM (${both}) GROUP BY ${CARRY_KEYS.join(", ")}`;
  await prepared(connection, text, (statement) => {
    bind(statement, carry);
    return statement.run();
  });
}

/** Nothing is carried to the first rows; the columns' types are those of the others. */
export async function carryNothing(
  block: BlockTexts,
  carry: SqlPart,
  rows: string,
  { connection, bind }: RefreshContext,
): Promise<void> {
  const nothing = `SELECT * FROM (${deltaOver(rows, carry)}) LIMIT 0`;
  const text = `CREATE OR REPLACE TEMP TABLE ${carryTable(block.plan)} AS ${nothing}`;
  await prepared(connection, text, (statement) => {
    bind(statement, carry);
    return statement.run();
  });
}

function carryTable(plan: BlockPlan): string {
  return `${plan.stateTable}_carried`;
}

function carriedColumns({ carry }: BlockPlan): number {
  return carry === undefined ? 0 : nodesIn(carry, "select_list").length - CARRY_KEYS.length;
}
