import { deepEqual, equal, ok } from "node:assert/strict";
import type { RecordBatch } from "../../src/streaming/record.js";
import { StreamWriter } from "../../src/streaming/stream-writer.js";
import { recordBatch } from "../support/record-batches.js";
import { until } from "../support/until.js";

/** A port whose writes end when the test says so. */
class HeldWrites {
  readonly started: Array<{ readonly batches: readonly RecordBatch[]; end(error?: Error): void }> = [];
  failure: unknown;

  readonly writer = new StreamWriter({
    write: (batches) =>
      new Promise<void>((done, fail) => {
        this.started.push({ batches, end: (error) => (error === undefined ? done() : fail(error)) });
      }),
    written: () => undefined,
    fail: (error) => {
      this.failure = error;
    },
  });

  /** Partition, first offset and rows of every batch of every write so far. */
  get shapes(): string[] {
    return this.started.map(({ batches }) =>
      batches.map((batch) => `p${batch.partition}@${batch.offsets[0]}+${batch.count}`).join(" "),
    );
  }

  writesAre(count: number): Promise<unknown> {
    return until(`${count} writes`, () => this.started.length >= count);
  }
}

function rows(partition: number, firstOffset: number, count: number, topic = "tweets"): RecordBatch {
  const records = Array.from({ length: count }, () => ({ value: "{}" }));
  return recordBatch(records, { topic, partition, firstOffset: BigInt(firstOffset) });
}

describe("the writer of a stream", () => {
  it("writes a lone record at once, and what comes meanwhile together afterwards", async () => {
    const held = new HeldWrites();
    held.writer.push(rows(0, 0, 1));
    deepEqual(held.shapes, ["p0@0+1"]);
    held.writer.push(rows(0, 1, 1));
    held.writer.push(rows(1, 0, 2));
    held.writer.push(rows(0, 2, 3));
    held.started[0]?.end();
    await held.writesAre(2);
    deepEqual(held.shapes[1]?.split(" ").sort(), ["p0@1+4", "p1@0+2"]);
  });

  it("gives a large batch a transaction of its own, cut to size, never two of one partition at a time", async () => {
    const held = new HeldWrites();
    held.writer.push(rows(0, 0, 45_000));
    held.writer.push(rows(1, 0, 6_000));
    deepEqual(held.shapes, ["p0@0+20000", "p1@0+6000"]);
    held.started[0]?.end();
    await held.writesAre(3);
    held.started[2]?.end();
    await held.writesAre(4);
    deepEqual(held.shapes.slice(2), ["p0@20000+20000", "p0@40000+5000"]);
    for (const write of held.started) write.end();
    await held.writer.idle();
    equal(held.writer.bytesWaiting, 0);
  });

  it("keeps to four transactions, and lets every partition have its turn", async () => {
    const held = new HeldWrites();
    for (let partition = 0; partition < 6; partition += 1) held.writer.push(rows(partition, 0, 30_000));
    equal(held.started.length, 4);
    held.started[0]?.end();
    held.started[1]?.end();
    await held.writesAre(6);
    deepEqual(held.shapes.slice(4), ["p4@0+20000", "p5@0+20000"]);
  });

  it("does not put records of two topics into one transaction", async () => {
    const held = new HeldWrites();
    held.writer.push(rows(0, 0, 1));
    held.writer.push(rows(0, 0, 1, "other"));
    held.writer.push(rows(1, 0, 1));
    held.started[0]?.end();
    await held.writesAre(2);
    held.started[1]?.end();
    await held.writesAre(3);
    ok(held.started.every(({ batches }) => new Set(batches.map(({ topic }) => topic)).size === 1));
  });

  it("writes nothing after a failure, and is idle then", async () => {
    const held = new HeldWrites();
    held.writer.push(rows(0, 0, 6_000));
    held.writer.push(rows(0, 6_000, 6_000));
    held.writer.push(rows(1, 0, 6_000));
    const failure = new Error("disk full");
    held.started[0]?.end(failure);
    await until("the failure is told", () => held.failure === failure);
    held.writer.push(rows(1, 6_000, 6_000));
    held.started[1]?.end();
    await held.writer.idle();
    equal(held.started.length, 2);
  });
});
