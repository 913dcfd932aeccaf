/**
 * How long after its start the built engine (`npm run build`) answers with a row that is in its store. Absolute: the peer is
 * the goal.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FromEngine, ToEngine } from "../../src/engine/protocol.js";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { temporaryFolder } from "../../test/support/temporary-folder.js";
import { type Measure, measure } from "../measure.js";
import { tweetBatches } from "../support/tweets.js";

const ROWS = 300_000;
const STARTS = 7;
const GOAL_MS = 500;
const program = join(dirname(fileURLToPath(import.meta.url)), "../../dist/engine.js");

export async function measureStart(): Promise<Measure[]> {
  const folder = temporaryFolder("bench");
  const dataDirectory = join(folder.path, "data");
  try {
    await fill(dataDirectory);
    await firstRowMs(dataDirectory);
    const ours: number[] = [];
    for (let start = 0; start < STARTS; start += 1) ours.push(await firstRowMs(dataDirectory));
    return [
      measure({
        name: "start to the first row of a stored table",
        unit: "ms",
        ours,
        peer: [GOAL_MS],
        peerName: "the goal",
        goal: { atMost: 1 },
      }),
    ];
  } finally {
    folder.remove();
  }
}

async function fill(dataDirectory: string): Promise<void> {
  const engine = await DuckDbEngine.open({ kind: "file", dataDirectory });
  const table = await engine.openStreamTable({ name: "tweets", format: "json", keep: { rows: 10 * ROWS } });
  const { batches } = tweetBatches({ records: ROWS, partitions: 1, batchRows: 20_000 });
  for (const batch of batches) await table.write(batch);
  await engine.close();
}

async function firstRowMs(dataDirectory: string): Promise<number> {
  const startedMs = performance.now();
  const engine = fork(program, [JSON.stringify({ kind: "file", dataDirectory })], { serialization: "advanced" });
  try {
    const rowCount = await firstRow(engine);
    if (rowCount !== 1) throw new Error(`${rowCount} rows of 1`);
    return performance.now() - startedMs;
  } finally {
    engine.disconnect();
    await once(engine, "exit");
  }
}

async function firstRow(engine: ChildProcess): Promise<number> {
  const request = { queryId: "first", text: "SELECT * FROM tweets LIMIT 1", parameters: [], rowLimit: 1 };
  const asked: ToEngine = { id: 1, name: "query", request };
  engine.send(asked);
  const [message] = (await once(engine, "message")) as [FromEngine];
  if (message.kind !== "answer") throw new Error(`the engine answered ${JSON.stringify(message)}`);
  return (message.answer as { readonly rowCount: number }).rowCount;
}
