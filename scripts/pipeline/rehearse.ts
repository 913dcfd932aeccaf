/**
 * A rehearsal of the whole pipeline with a verdict: posts through the balancer while pages are read and one of each kind is
 * killed, then a count in Cassandra, in Kafka and in the notebook. All must be what was acknowledged.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Addresses, type Counted, countCassandra, countInNotebook, countKafka } from "./count-everywhere.js";
import { faultsFor, runFaults, shareAllowed } from "./faults.js";
import type { PipelineSize } from "./options.js";
import type { Pipeline } from "./pipeline.js";
import { type Ledger, post } from "./posters.js";
import { startReaders } from "./readers.js";

export interface RehearsalOptions {
  readonly size: PipelineSize;
  readonly count: number;
  readonly ratePerSecond: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

const progressEveryMs = 5_000;
const relayTimeoutMs = 120_000;

/** The pipeline has to be new: whatever else is in it would be counted. */
export async function rehearse(pipeline: Pipeline, options: RehearsalOptions): Promise<readonly Check[]> {
  const { count, say } = options;
  say(
    `\nPosting ${count.toLocaleString("en")} tweets through ${pipeline.tweeterUrl}, ${options.ratePerSecond} a second at the most`,
  );
  const readers = startReaders(pipeline.tweeterUrl);
  const planned = faultsFor(options.size);
  let acknowledged = 0;
  let faultsDone = 0;
  const over = new AbortController();
  const progress = setInterval(() => say(`${acknowledged.toLocaleString("en")} acknowledged`), progressEveryMs);
  const posting = post({
    url: pipeline.tweeterUrl,
    count,
    ratePerSecond: options.ratePerSecond,
    signal: options.signal,
    onAcknowledged: (so) => {
      acknowledged = so;
    },
    shareAllowed: () => shareAllowed(planned, faultsDone),
  }).finally(() => {
    over.abort();
    clearInterval(progress);
  });
  const [ledger, faults] = await Promise.all([
    posting,
    runFaults(pipeline, {
      faults: planned,
      onDone: (done) => {
        faultsDone = done;
      },
      share: () => acknowledged / count,
      signal: over.signal,
      say,
    }),
  ]);
  const reads = await readers.stop();

  say("Counting …");
  const addresses: Addresses = {
    brokers: pipeline.brokers,
    contactPoints: pipeline.contactPoints,
    topic: "tweets",
  };
  const cassandra = await countCassandra(addresses);
  const kafka = await kafkaOnceRelayed(addresses, cassandra.rows);
  const notebook = await countInNotebook(addresses);

  const wanted = ledger.ids.size;
  const number = (value: number) => value.toLocaleString("en");
  const checks: readonly Check[] = [
    {
      name: "every post acknowledged",
      ok: wanted === count && ledger.unresolved === 0,
      detail: `${number(wanted)} in ${(ledger.elapsedMs / 1000).toFixed(1)} s (${number(Math.round((wanted / ledger.elapsedMs) * 1000))}/s), ${ledger.retries} sent again; p50 ${ledger.p50Ms.toFixed(0)} ms, p99 ${ledger.p99Ms.toFixed(0)} ms, longest ${ledger.longestMs.toFixed(0)} ms`,
    },
    {
      name: "all faults happened",
      ok: faults.length === planned.length,
      detail: faults.map(({ service, number: node }) => `${service} ${node}`).join(", ") || "none at this size",
    },
    {
      name: "no GET failed",
      ok: reads.failed === 0,
      detail: `${number(reads.answered)} answered, ${reads.failed} failed; p50 ${reads.p50Ms.toFixed(0)} ms, p99 ${reads.p99Ms.toFixed(0)} ms${reads.failures.map((failure) => `\n    ${failure}`).join("")}`,
    },
    counted("Cassandra", cassandra, ledger),
    counted("Kafka", kafka, ledger),
    counted("notebook, streamed", notebook.streamed, ledger),
    counted("notebook, stored", notebook.stored, ledger),
    {
      name: "stored and streamed are the same tweets",
      ok: notebook.unequalHandles === 0,
      detail: `joined in SQL, ${notebook.unequalHandles} handles have more of one than of the other`,
    },
    {
      name: "each Tweeter had its share",
      ok: true,
      detail: (await pipeline.haproxy.servers()).map(({ name, requests }) => `${name} ${number(requests)}`).join(", "),
    },
  ];
  for (const failure of ledger.failures) say(`  sent again after: ${failure}`);
  for (const { name, ok, detail } of checks) say(`${ok ? "✓" : "✗"} ${name}: ${detail}`);
  return checks;
}

/** The outbox is relayed behind the acknowledgement: what is stored is on the topic a moment later. */
async function kafkaOnceRelayed(addresses: Addresses, stored: number): Promise<Counted> {
  const deadlineMs = performance.now() + relayTimeoutMs;
  for (;;) {
    const counted = await countKafka(addresses);
    if (counted.rows >= stored || performance.now() > deadlineMs) return counted;
    await delay(1_000);
  }
}

function counted(where: string, { rows, distinct, perHandle }: Counted, ledger: Ledger): Check {
  const handles = new Set([...perHandle.keys(), ...ledger.perHandle.keys()]);
  const different = [...handles].filter((handle) => perHandle.get(handle) !== ledger.perHandle.get(handle));
  return {
    name: where,
    ok: rows === ledger.ids.size && distinct === rows && different.length === 0,
    detail: `${rows.toLocaleString("en")} tweets, ${rows - distinct} twice, ${different.length} of ${handles.size} handles with another count`,
  };
}
