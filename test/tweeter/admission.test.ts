import { equal, ok } from "node:assert/strict";
import { Admission } from "../../src/tweeter/admission.js";

describe("what an instance takes on", () => {
  let nowMs = 0;
  let admission: Admission;
  beforeEach(() => {
    nowMs = 0;
    admission = new Admission({ write: 16, listen: 16 }, () => nowMs);
  });
  afterEach(() => admission.close());
  const enterMany = (kind: "write" | "listen", count: number) =>
    Array.from({ length: count }, () => admission.enter(kind)).filter((leave) => leave !== undefined);

  it("is so many at once, and one more when one has left, however often it says so", () => {
    const taken = enterMany("write", 20);
    equal(taken.length, 16);
    taken[0]?.();
    taken[0]?.();
    equal(enterMany("write", 20).length, 1);
    ok(admission.enter("read") !== undefined, "another kind of work has its own limit");
  });

  it("is an eighth of it while the oldest waits for more than two seconds", () => {
    const [slow, ...quick] = enterMany("write", 8);
    nowMs = 2_001;
    equal(admission.enter("write"), undefined);
    for (const leave of quick) leave();
    equal(enterMany("write", 20).length, 1);
    slow?.();
    // Those that came in meanwhile are young.
    equal(enterMany("write", 20).length, 15);
  });

  it("is not less because a page has been open for long", () => {
    enterMany("listen", 8);
    nowMs = 3_600_000;
    equal(enterMany("listen", 20).length, 8);
  });
});
