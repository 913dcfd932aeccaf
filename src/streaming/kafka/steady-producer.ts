/**
 * Records into a topic at a steady rate: counts what was acknowledged, slows down where the broker does, stops cleanly when
 * told to. What the records are, its caller says; says nothing itself, progress is handed out.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { KafkaConnection } from "./client.js";
import { openKafkaProducer, type ProduceMessage } from "./producer.js";

export interface SteadyProduction<Message extends ProduceMessage> {
  readonly connection: KafkaConnection;
  /** Made with three partitions if it is not there. */
  readonly topic: string;
  /** The next records, so many at the most; none when there are no more. */
  readonly next: (countMax: number) => readonly Message[] | Promise<readonly Message[]>;
  /** Records at the most. */
  readonly count: number;
  /** Records a second; a broker that cannot keep up slows it down. */
  readonly ratePerSecond: number;
  /** Aborted: what is under way is still acknowledged, nothing new is sent. */
  readonly signal: AbortSignal;
  readonly onAcknowledged?: (messages: readonly Message[]) => void;
  /** About once a second, and at the end. */
  readonly onProgress?: (progress: ProductionProgress) => void;
}

export interface ProductionProgress {
  readonly acknowledged: number;
  readonly failed: number;
  readonly count: number;
  /** Acknowledged a second since the beginning. */
  readonly ratePerSecond: number;
  /** Until the last record, at the present rate. */
  readonly remainingMs: number;
}

export interface ProductionOutcome {
  readonly acknowledged: number;
  /** Not known to be stored. */
  readonly failed: number;
}

/** Of a topic that is made here. */
const partitions = 3;
/** Sent together; at most this many at once, so that a slow broker is noticed soon. */
const batchCountMax = 2_000;
const tickMs = 100;
const progressEveryMs = 1_000;

/** @throws TidetableError BROKER_UNREACHABLE, BROKER_AUTHENTICATION, PRODUCE_FAILED before the first record; failed ones are counted. */
export async function produceSteadily<Message extends ProduceMessage>(
  production: SteadyProduction<Message>,
): Promise<ProductionOutcome> {
  const { topic, count, ratePerSecond, signal } = production;
  const producer = await openKafkaProducer(production.connection);
  try {
    await producer.ensureTopic(topic, { partitions });
    const startedMs = performance.now();
    let sent = 0;
    let failed = 0;
    let toldAtMs = startedMs;
    const tell = () => {
      const acknowledged = sent - failed;
      const rate = acknowledged / Math.max(0.001, (performance.now() - startedMs) / 1000);
      const remainingMs = rate > 0 ? ((count - sent) / rate) * 1000 : 0;
      production.onProgress?.({ acknowledged, failed, count, ratePerSecond: rate, remainingMs });
    };

    while (sent < count && !signal.aborted) {
      const due = Math.floor(((performance.now() - startedMs + tickMs) / 1000) * ratePerSecond);
      const batchCount = Math.min(count, due) - sent;
      if (batchCount <= 0) {
        await delay(tickMs, undefined, { signal }).catch(() => undefined);
        continue;
      }
      const batch = await production.next(Math.min(batchCount, batchCountMax));
      if (batch.length === 0) break;
      const outcome = await producer.produce(topic, batch);
      sent += batch.length;
      failed += outcome.failed;
      const lost = new Set<object>(outcome.failedMessages);
      production.onAcknowledged?.(batch.filter((message) => !lost.has(message)));
      if (performance.now() - toldAtMs < progressEveryMs) continue;
      toldAtMs = performance.now();
      tell();
    }
    tell();
    return { acknowledged: sent - failed, failed };
  } finally {
    await producer.close();
  }
}
