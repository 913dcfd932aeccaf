/** Timing of updates, on a clock that the test moves by hand. */
import { deepEqual } from "node:assert/strict";
import { mock } from "node:test";
import { CoalescedDisplay } from "../../src/cells/coalesced-display.js";
import { RecordingCell } from "./recording-cell.js";

describe("CoalescedDisplay", () => {
  let nowMs = 0;
  /** Bundles in the order in which they were sent, as text. */
  let sent: string[];
  let display: CoalescedDisplay;

  const show = (text: string, options?: { urgent: boolean }) => display.show({ "text/plain": text }, options);
  const pass = (ms: number) => {
    nowMs += ms;
    mock.timers.tick(ms);
  };

  beforeEach(() => {
    nowMs = 1000;
    sent = [];
    mock.timers.enable({ apis: ["setTimeout"] });
    mock.method(performance, "now", () => nowMs);
    const cell = new RecordingCell({ intervalMs: 250 });
    cell.display = (bundle) => sent.push(`display ${bundle["text/plain"]}`);
    cell.updateDisplay = (_id, bundle) => sent.push(`update ${bundle["text/plain"]}`);
    display = new CoalescedDisplay(cell, "id");
  });
  afterEach(() => {
    mock.timers.reset();
    mock.restoreAll();
  });

  it("displays at once, then sends the newest at the front-end's pace", () => {
    show("1");
    show("2");
    show("3");
    pass(249);
    deepEqual(sent, ["display 1"]);
    pass(1);
    deepEqual(sent, ["display 1", "update 3"]);
  });

  it("sends at once what comes after a quiet time", () => {
    show("1");
    pass(300);
    show("2");
    deepEqual(sent, ["display 1", "update 2"]);
  });

  it("sends an urgent change at once, and nothing twice", () => {
    show("1");
    show("2", { urgent: true });
    show("2");
    pass(1000);
    deepEqual(sent, ["display 1", "update 2"]);
  });

  it("sends what waits when it ends, and nothing after", () => {
    show("1");
    show("2");
    display.end();
    show("3");
    pass(1000);
    deepEqual(sent, ["display 1", "update 2"]);
  });

  it("sends nothing more once its output is gone", () => {
    show("1");
    show("2");
    display.dispose();
    pass(1000);
    deepEqual(sent, ["display 1"]);
  });
});
