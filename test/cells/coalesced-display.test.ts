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

  it("lets versions that come at its own pace through at once, also after one that came late", () => {
    show("1");
    const waitedMs: number[] = [];
    // The second is 200 ms late; the others come a moment after each quarter of a second.
    for (const [version, atMs] of [455, 505, 755, 1005, 1255].entries()) {
      pass(1000 + atMs - nowMs);
      const before = sent.length;
      show(`${version + 2}`);
      const askedMs = nowMs;
      while (sent.length === before) pass(1);
      waitedMs.push(nowMs - askedMs);
    }
    deepEqual(waitedMs, [0, 0, 0, 0, 0]);
  });

  it("does not save up a long quiet time for a burst", () => {
    show("1");
    pass(10_000);
    for (let version = 2; version < 12; version++) {
      show(`${version}`);
      pass(10);
    }
    deepEqual(sent, ["display 1", "update 2", "update 3"]);
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
