/**
 * `for await (const row of tweets)`: the rows of a stream's table from the oldest kept, then each new one as it comes.
 * Reads by offset, so that no row is missed or given twice, and holds one page at a time.
 */
import type { CellOutput } from "../cell-output.js";
import type { EngineClient } from "../engine/engine-client.js";
import type { StreamStatus } from "../engine/protocol.js";
import { TidetableError } from "../errors.js";
import { quoteIdentifier } from "../sql/identifiers.js";
import { ResultRows } from "../sql/result-rows.js";
import type { SqlValue } from "../sql/schema.js";
import { partitionKey } from "../streaming/record.js";
import type { LooseRow } from "./library.js";

/** By topic and partition: the last row given. */
type LastOffsets = Map<string, { readonly topic: string; readonly partition: number; readonly offset: bigint }>;

const pageRows = 1000;
/** A new row is noticed by the stream's status; where none comes, the table is looked at again after this time. */
const lookAgainMs = 1000;

/**
 * Ends when the stream is stopped and its rows are read. An interrupt of the cell throws QUERY_INTERRUPTED.
 * @param status the stream's status now, also after it was stopped
 */
export async function* streamRows(
  engine: EngineClient,
  name: string,
  status: () => Promise<StreamStatus>,
  cell: CellOutput,
): AsyncGenerator<LooseRow, void, undefined> {
  const lastOffsets: LastOffsets = new Map();
  while (true) {
    const before = await status();
    const page = await nextPage(engine, name, lastOffsets, cell.signal);
    for (const row of page) {
      yield row;
      const [topic, partition] = [String(row._topic), Number(row._partition)];
      lastOffsets.set(partitionKey(topic, partition), { topic, partition, offset: BigInt(row._offset) });
    }
    if (page.length === pageRows) continue;
    if (before.phase === "failed")
      throw new TidetableError("STREAM_FAILED", before.cause ?? `the stream ${name} has failed.`);
    if (before.phase === "stopped" || before.phase === "finished") return;
    await nextChange(engine, before, cell.signal);
  }
}

async function nextPage(
  engine: EngineClient,
  name: string,
  lastOffsets: LastOffsets,
  signal: AbortSignal,
): Promise<ResultRows> {
  const table = quoteIdentifier(name);
  const parameters: SqlValue[] = [];
  const conditions = [...lastOffsets.values()].map(({ topic, partition, offset }) => {
    parameters.push(topic, partition, offset);
    return "(_topic = ? AND _partition = ? AND _offset > ?)";
  });
  if (lastOffsets.size > 0) {
    const known = [...lastOffsets.values()].map(({ topic, partition }) => {
      parameters.push(topic, partition);
      return "(?, ?)";
    });
    conditions.push(`(_topic, _partition) NOT IN (${known.join(", ")})`);
  }
  const where = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" OR ")}`;
  const text = `SELECT * FROM ${table}${where} ORDER BY _offset, _partition, _topic LIMIT ${pageRows}`;
  return new ResultRows(await engine.query(text, { parameters, rowLimit: pageRows, signal }));
}

function nextChange(engine: EngineClient, before: StreamStatus, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      unsubscribe();
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      settle();
    };
    const onAbort = () =>
      finish(() =>
        reject(new TidetableError("QUERY_INTERRUPTED", `reading the rows of ${before.name} was interrupted.`)),
      );
    const timer = setTimeout(() => finish(resolve), lookAgainMs);
    const unsubscribe = engine.onStreamStatus(before.name, (status) => {
      if (status.rows + status.retired !== before.rows + before.retired || status.phase !== before.phase)
        finish(resolve);
    });
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}
