/** What is done to a pipeline while it is posted to: one instance and one node of each cluster are killed, one after another. */
import { setTimeout as delay } from "node:timers/promises";
import type { PipelineSize, ServiceName } from "./options.js";
import type { Pipeline } from "./pipeline.js";

export interface Fault {
  readonly service: ServiceName;
  readonly number: number;
  /** When so much of the posts is acknowledged. */
  readonly atShare: number;
}

export interface FaultOptions {
  readonly faults: readonly Fault[];
  /** Acknowledged so far, of all. */
  readonly share: () => number;
  /** Called with how many are done. */
  readonly onDone: (done: number) => void;
  /** Posting is over, whatever was to come. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** How long a killed node stays away. */
const awayMs = 4_000;
const lookEveryMs = 50;
const healthyTimeoutMs = 120_000;

/** A cluster of one node is not killed: there nothing goes on meanwhile. */
export function faultsFor({ instances, cassandraNodes, kafkaNodes }: PipelineSize): readonly Fault[] {
  return [
    ...(instances > 1 ? [{ service: "tweeter" as const, number: 2, atShare: 0.2 }] : []),
    ...(cassandraNodes > 1 ? [{ service: "cassandra" as const, number: 2, atShare: 0.4 }] : []),
    ...(kafkaNodes > 1 ? [{ service: "kafka" as const, number: 2, atShare: 0.7 }] : []),
  ];
}

/** So much of the posts may be sent while a node is away; the rest waits, so that every fault falls into the load. */
const shareMeanwhile = 0.15;

/** How much of the posts may be sent, from 0 to 1, when these faults are done. */
export function shareAllowed(faults: readonly Fault[], done: number): number {
  const next = faults[done];
  return next === undefined ? 1 : next.atShare + shareMeanwhile;
}

/** Answers with those that were done; each only once what the one before has broken is whole again. */
export async function runFaults(pipeline: Pipeline, options: FaultOptions): Promise<readonly Fault[]> {
  const done: Fault[] = [];
  for (const fault of options.faults) {
    while (options.share() < fault.atShare) {
      if (options.signal.aborted) return done;
      await delay(lookEveryMs);
    }
    const name = `${fault.service} ${fault.number}`;
    options.say(`SIGKILL to ${name} at ${Math.round(options.share() * 100)} %`);
    await pipeline.kill(fault.service, fault.number);
    if (fault.service !== "tweeter") {
      await delay(awayMs);
      await pipeline.startNode(fault.service, fault.number);
    }
    await untilHealthy(pipeline, fault);
    options.say(`${name} is back at ${Math.round(options.share() * 100)} %`);
    done.push(fault);
    options.onDone(done.length);
  }
  return done;
}

async function untilHealthy(pipeline: Pipeline, { service, number }: Fault): Promise<void> {
  const deadlineMs = performance.now() + healthyTimeoutMs;
  for (;;) {
    const row = (await pipeline.services()).find((one) => one.service === service && one.number === number);
    // An instance that was just killed is still called healthy for a moment; one that came back says so.
    if (row?.state === "healthy" && (service !== "tweeter" || /started again/.test(row.detail))) return;
    if (performance.now() > deadlineMs) throw new Error(`${service} ${number} is not back after two minutes`);
    await delay(lookEveryMs);
  }
}
