import { deepEqual } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { ThreadBudget } from "../../src/sql/duckdb/thread-budget.js";

describe("threads of DuckDB", () => {
  /** A write that lasts until it is told to end. */
  function startWrite(budget: ThreadBudget): () => Promise<void> {
    let end = () => {};
    const written = budget.during(() => new Promise<void>((resolve) => (end = resolve)));
    return () => {
      end();
      return written;
    };
  }

  it("are two, one while as many batches are written as there are cores, and two again after a rest", async () => {
    const set: number[] = [];
    const budget = new ThreadBudget(async (threads) => void set.push(threads), 2);
    const [first, second] = [startWrite(budget), startWrite(budget)];
    await delay(0);
    deepEqual(set, [1]);
    // The next batch of a backlog comes at once.
    await second();
    const third = startWrite(budget);
    await delay(300);
    deepEqual(set, [1]);
    await Promise.all([first(), third()]);
    await delay(300);
    deepEqual(set, [1, 2]);
    await budget.close();
  });

  it("stay two while fewer are written", async () => {
    const set: number[] = [];
    const budget = new ThreadBudget(async (threads) => void set.push(threads), 3);
    const writes = [startWrite(budget), startWrite(budget)];
    await delay(10);
    await Promise.all(writes.map((end) => end()));
    await delay(300);
    deepEqual(set, []);
    await budget.close();
  });

  it("are set one after the other, and no more after the end", async () => {
    const set: number[] = [];
    let isSetting = false;
    const budget = new ThreadBudget(async (threads) => {
      deepEqual(isSetting, false);
      isSetting = true;
      await delay(350);
      isSetting = false;
      set.push(threads);
    }, 1);
    await startWrite(budget)();
    // The rest is over before the first change is through.
    await delay(300);
    const closing = budget.close();
    await startWrite(budget)();
    await closing;
    deepEqual(set, [1]);
    await delay(300);
    deepEqual(set, [1]);
  });
});
