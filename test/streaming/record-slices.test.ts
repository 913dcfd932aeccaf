import { deepEqual, equal } from "node:assert/strict";
import { keyAt, type RecordBatch, valueAt } from "../../src/streaming/record.js";
import { afterOffset, joinBatches, sliceBatch } from "../../src/streaming/record-slices.js";
import { recordBatch } from "../support/record-batches.js";

const header = { key: "h", value: Buffer.from("x") };
const five = recordBatch(
  [
    { value: "a", key: "k0" },
    { value: null, offset: 12n },
    { value: "ccc", key: "k2", headers: [header] },
    { value: "", offset: 20n },
    { value: "e", key: "k4" },
  ],
  { firstOffset: 10n },
);

function contents(batch: RecordBatch): unknown[] {
  return Array.from({ length: batch.count }, (_, row) => [
    batch.offsets[row],
    keyAt(batch, row)?.toString() ?? null,
    valueAt(batch, row)?.toString() ?? null,
    batch.headers?.get(row)?.length ?? 0,
  ]);
}

describe("parts of record batches", () => {
  it("are cut without touching what they hold", () => {
    const all = contents(five);
    for (let from = 0; from <= 5; from++) {
      for (let to = from; to <= 5; to++) {
        const slice = sliceBatch(five, from, to);
        deepEqual(contents(slice), all.slice(from, to));
        equal(slice.nextOffset, to === 5 ? 22n : five.offsets[to]);
      }
    }
    equal(sliceBatch(five, 2, 3).bytes.length, 5);
  });

  it("are joined again", () => {
    const parts = [sliceBatch(five, 0, 1), sliceBatch(five, 1, 3), sliceBatch(five, 3, 5)] as const;
    const joined = joinBatches(parts);
    deepEqual(contents(joined), contents(five));
    equal(joined.nextOffset, five.nextOffset);
    equal(joinBatches([five]), five);
  });

  it("begin after what is stored", () => {
    deepEqual(contents(afterOffset(five, 12n) ?? five), contents(five).slice(1));
    deepEqual(contents(afterOffset(five, 13n) ?? five), contents(five).slice(2, 5));
    equal(afterOffset(five, 0n), five);
    equal(afterOffset(five, 22n), undefined);
    // Only the position is left: past the last record, before the batch's end.
    const open = { ...five, nextOffset: 30n };
    deepEqual(afterOffset(open, 25n)?.count, 0);
    equal(afterOffset(open, 25n)?.nextOffset, 30n);
  });
});
