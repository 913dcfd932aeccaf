import { match, ok } from "node:assert/strict";
import { liveTable } from "../../scripts/pipeline/live-table.js";

describe("the table that is drawn in place", () => {
  const drawnAt = (columns: number) => {
    let drawn = "";
    const out = { isTTY: true, columns, write: (text: string) => (drawn += text) } as unknown as NodeJS.WriteStream;
    liveTable(out).show([{ service: "tweeter", number: 1, state: "healthy", address: "127.0.0.1:29183", detail: "" }]);
    return drawn;
  };

  it("is whole on a terminal that does not say how wide it is", () => match(drawnAt(0), /127\.0\.0\.1:29183/));
  it("is cut at the edge of one that does: a line that wraps would be drawn twice", () => {
    ok(!drawnAt(30).includes("29183"));
  });
});
