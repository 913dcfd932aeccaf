/** The text of a saved notebook: as Jupyter writes it, without a claim of trust. */
import { deepEqual, equal } from "node:assert/strict";
import { notebookText, withoutTrust } from "../../src/workbench/notebook-file.js";

const notebook = {
  nbformat: 4,
  nbformat_minor: 5,
  metadata: { b: 1, a: 2 },
  cells: [
    {
      cell_type: "code",
      id: "one",
      metadata: { trusted: true, tags: [] },
      execution_count: 1,
      source: "a\nb",
      outputs: [
        { output_type: "stream", name: "stdout", text: "x\n" },
        {
          output_type: "display_data",
          transient: { display_id: "d" },
          metadata: { display_id: "d" },
          data: { "text/plain": "p\nq", "image/png": "AAAA", "application/vnd.vegalite.v5+json": { mark: "bar" } },
        },
      ],
    },
  ],
};

describe("the text of a notebook", () => {
  it("has sorted keys, one space of indent, and lines as lists", () => {
    const text = notebookText(notebook);
    equal(text.startsWith('{\n "cells": [\n  {\n   "cell_type": "code",\n'), true);
    equal(text.endsWith("}\n"), true);
    const [cell] = JSON.parse(text).cells;
    deepEqual(cell.source, ["a\n", "b"]);
    deepEqual(cell.outputs[0].text, ["x\n"]);
    deepEqual(cell.outputs[1].data, {
      "application/vnd.vegalite.v5+json": { mark: "bar" },
      "image/png": "AAAA",
      "text/plain": ["p\n", "q"],
    });
  });

  it("keeps the display's identity and drops what is transient, and trust", () => {
    const [cell] = JSON.parse(notebookText(notebook)).cells;
    deepEqual(cell.metadata, { tags: [] });
    deepEqual(cell.outputs[1].metadata, { display_id: "d" });
    equal("transient" in cell.outputs[1], false);
  });

  it("is the same after another save", () => {
    const once = notebookText(notebook);
    equal(notebookText(JSON.parse(once)), once);
  });

  it("shows no notebook with the trust that its file claims", () => {
    deepEqual(withoutTrust(notebook).cells[0]?.metadata, { tags: [] });
    deepEqual(notebook.cells[0]?.metadata, { trusted: true, tags: [] });
  });
});
