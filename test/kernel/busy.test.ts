/** Which status a front-end is left with, whatever was served beside a cell. */
import { deepEqual, equal } from "node:assert/strict";
import { BusyCells } from "../../kernel/wire/busy.js";

const header = (id: string, type: string) => ({ msg_id: id, msg_type: type });
const message = (parentHeader: ReturnType<typeof header>, state: string) => ({
  type: "status",
  parentHeader,
  content: { execution_state: state },
});

describe("the status of a kernel", () => {
  const cell = header("1", "execute_request");
  const completion = header("2", "complete_request");

  it("is the cell's again after a request that was served beside it", () => {
    const cells = new BusyCells();
    equal(cells.after(message(cell, "busy")), undefined);
    equal(cells.after({ type: "stream", parentHeader: cell, content: { name: "stdout", text: "" } }), undefined);
    equal(cells.after(message(completion, "busy")), undefined);
    deepEqual(cells.after(message(completion, "idle")), message(cell, "busy"));
    equal(cells.after(message(cell, "idle")), undefined);
    equal(cells.after(message(completion, "idle")), undefined);
  });

  it("is another subshell's cell's after the end of one", () => {
    const cells = new BusyCells();
    const other = header("3", "execute_request");
    cells.after(message(cell, "busy"));
    cells.after(message(other, "busy"));
    deepEqual(cells.after(message(other, "idle")), message(cell, "busy"));
    equal(cells.after(message(cell, "idle")), undefined);
  });

  it("is left alone by what ends a cell", () => {
    const cells = new BusyCells();
    cells.after(message(cell, "busy"));
    equal(cells.after(message(header("4", "interrupt_request"), "idle")), undefined);
    equal(cells.after(message(header("5", "shutdown_request"), "idle")), undefined);
  });
});
