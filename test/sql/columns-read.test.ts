import { deepEqual } from "node:assert/strict";
import { columnsRead } from "../../src/sql/live/columns-read.js";
import { columnRef, functionCall, star } from "../../src/sql/syntax-edit.js";
import type { TreeNode } from "../../src/sql/syntax-tree.js";

describe("the columns that a live query reads", () => {
  const columns = ["id", "Handle", "content", "_offset"];
  const qualified = (...names: string[]): TreeNode => ({ ...columnRef(""), column_names: names });
  const read = (...trees: TreeNode[]): readonly string[] | undefined => columnsRead(columns, trees);

  it("are those it names, however they are spelt, qualified or not, wherever they stand", () => {
    deepEqual(read({ select_list: [columnRef("handle"), functionCall("length", [qualified("t", "CONTENT")])] }), [
      "Handle",
      "content",
    ]);
    deepEqual(read({ select_list: [] }, { where_clause: columnRef("id") }), ["id"]);
  });

  it("are none where only rows are counted", () => {
    deepEqual(read({ select_list: [functionCall("count_star", [])] }), []);
  });

  it("are all of them where something may stand for a column without its name", () => {
    for (const node of [
      star(),
      columnRef("t"),
      qualified("q", "renamed"),
      { class: "POSITIONAL_REFERENCE", index: 1 },
      { from_table: { type: "JOIN", using_columns: ["id"] } } as TreeNode,
      { from_table: { type: "JOIN", ref_type: "NATURAL" } } as TreeNode,
    ]) {
      deepEqual(read({ select_list: [columnRef("id"), node] }), undefined, JSON.stringify(node));
    }
  });
});
