import { deepEqual, equal } from "node:assert/strict";
import type { Retention } from "../../src/sql/sql-engine.js";
import { describeRetention, type GenerationSize, retentionStep } from "../../src/streaming/retention.js";

function generation(size: Partial<GenerationSize>): GenerationSize {
  return { rows: 0, bytes: 0, newestMs: 0, createdAtMs: 0, ...size };
}

describe("retention", () => {
  const cases: ReadonlyArray<
    readonly [string, Retention, readonly Partial<GenerationSize>[], number, boolean, number]
  > = [
    ["nothing yet", { rows: 1000 }, [{ rows: 0 }], 0, false, 0],
    ["a generation with its share begins the next", { rows: 1000 }, [{ rows: 250 }], 0, true, 0],
    ["enough newer rows let the oldest go", { rows: 1000 }, [{ rows: 250 }, { rows: 900 }, { rows: 100 }], 0, false, 1],
    ["not one too early", { rows: 1000 }, [{ rows: 250 }, { rows: 899 }, { rows: 100 }], 0, false, 0],
    ["several at once", { rows: 10 }, [{ rows: 5 }, { rows: 5 }, { rows: 50 }], 0, true, 2],
    ["the newest stays, whatever it holds", { rows: 10 }, [{ rows: 1000 }], 0, true, 0],
    [
      "bytes",
      { bytes: 100 },
      [
        { rows: 1, bytes: 60 },
        { rows: 1, bytes: 100 },
        { rows: 1, bytes: 1 },
      ],
      0,
      false,
      1,
    ],
    [
      "time lets go what is older",
      { ms: 1000 },
      [
        { rows: 1, newestMs: 8_999 },
        { rows: 1, newestMs: 9_900, createdAtMs: 9_900 },
      ],
      10_000,
      false,
      1,
    ],
    [
      "and keeps what is not",
      { ms: 1000 },
      [
        { rows: 1, newestMs: 9_000 },
        { rows: 1, newestMs: 9_900, createdAtMs: 9_900 },
      ],
      10_000,
      false,
      0,
    ],
    ["time begins the next", { ms: 1000 }, [{ rows: 1, newestMs: 9_900, createdAtMs: 9_750 }], 10_000, true, 0],
    [
      "an old newest one goes once it has a successor",
      { ms: 1000 },
      [{ rows: 1, newestMs: 1_000, createdAtMs: 1_000 }],
      10_000,
      true,
      1,
    ],
    ["an empty one needs none", { ms: 1000 }, [{ rows: 0, createdAtMs: 0 }], 10_000, false, 0],
  ];
  for (const [what, keep, generations, nowMs, rotate, drop] of cases) {
    it(what, () => deepEqual(retentionStep(generations.map(generation), keep, nowMs), { rotate, drop }));
  }

  it("is said in words", () => {
    equal(describeRetention({ rows: 1_000_000 }), "the last 1,000,000 rows");
    equal(describeRetention({ bytes: 64 * 1024 * 1024 }), "the last 64 MiB");
    equal(describeRetention({ ms: 60_000 }), "the last 60 s");
  });
});
