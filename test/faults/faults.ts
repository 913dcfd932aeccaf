/** What can go wrong on one machine, by the names of the plan: K for Kafka and the way to it, P for our own processes. */
import { setTimeout as delay } from "node:timers/promises";
import type { KafkaCluster } from "../../scripts/components/kafka.js";
import { freezeProcess } from "../../scripts/components/process-freeze.js";
import type { EngineProcessClient } from "../../src/engine/process-client.js";
import { kafkaAdmin } from "../../src/streaming/kafka/client.js";
import type { Random } from "../support/seeded-random.js";
import { until } from "../support/until.js";
import type { FaultLines } from "./fault-line.js";

/** What a fault may reach for. */
export interface FaultScene {
  readonly kafka: KafkaCluster;
  readonly lines: FaultLines;
  readonly topic: string;
  readonly stream: string;
  readonly random: Random;
  /** The engine of the moment; `restartEngine` puts another in its place, on the same store. */
  engine(): EngineProcessClient;
  restartEngine(): Promise<void>;
}

export interface Fault {
  readonly id: string;
  readonly name: string;
  /** It takes a broker away, or needs all of them: of several runs on the same brokers, one such at a time. */
  readonly needsBrokers?: true;
  /** Returns once what was broken is whole again. */
  inflict(scene: FaultScene): Promise<void>;
}

export const faults: readonly Fault[] = [
  {
    id: "K1",
    name: "broker SIGKILL, back after a while",
    needsBrokers: true,
    async inflict({ kafka, random }) {
      const node = anyNode(kafka, random);
      await kafka.killNode(node);
      await delay(random.below(2_000));
      await kafka.startNode(node);
    },
  },
  {
    id: "K2",
    name: "broker stopped cleanly: its leaders move; then started",
    needsBrokers: true,
    async inflict({ kafka, random }) {
      const node = anyNode(kafka, random);
      await kafka.stopNode(node);
      await delay(random.below(1_500));
      await kafka.startNode(node);
    },
  },
  {
    id: "K1f",
    name: "broker hangs",
    needsBrokers: true,
    async inflict({ kafka, random }) {
      const node = anyNode(kafka, random);
      await kafka.freezeNode(node);
      await delay(500 + random.below(4_000));
      kafka.thawNode(node);
    },
  },
  {
    id: "K3",
    name: "connections reset, several times",
    async inflict({ lines, random }) {
      for (let times = 1 + random.below(5); times > 0; times -= 1) {
        lines.reset();
        await delay(random.below(300));
      }
    },
  },
  {
    id: "K4",
    name: "nothing passes and nothing ends",
    inflict: ({ lines, random }) => harmFor(lines, { kind: "silent" }, 1_000 + random.below(5_000)),
  },
  {
    id: "K5a",
    name: "latency",
    inflict: ({ lines, random }) => harmFor(lines, { kind: "slow", delayMs: 200 }, 1_000 + random.below(1_000)),
  },
  {
    id: "K5b",
    name: "answers in slices of 1 to 16 bytes",
    inflict: ({ lines, random }) => harmFor(lines, { kind: "slices" }, 500 + random.below(1_500)),
  },
  {
    id: "K5c",
    name: "answers cut in the middle",
    async inflict({ lines, random }) {
      for (let times = 1 + random.below(4); times > 0; times -= 1) await harmFor(lines, { kind: "cut" }, 200);
    },
  },
  {
    id: "K6",
    name: "bits flipped on the way",
    async inflict({ lines, random }) {
      // Once at a time: three damaged answers in a row at one offset are believed to be damage on the disk.
      for (let times = 1 + random.below(4); times > 0; times -= 1) await harmFor(lines, { kind: "flip" }, 300);
    },
  },
  {
    id: "K8",
    name: "the engine stands still",
    async inflict({ engine, random }) {
      const { pid } = engine();
      if (pid === undefined) return;
      await freezeProcess(pid);
      await delay(500 + random.below(3_000));
      process.kill(pid, "SIGCONT");
    },
  },
  {
    id: "K9",
    name: "partitions are added",
    needsBrokers: true,
    async inflict({ kafka, topic }) {
      const admin = kafkaAdmin({ brokers: kafka.bootstrap });
      await admin.connect();
      try {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        const count = (topics[0]?.partitions.length ?? 3) + 1;
        await admin.createPartitions({ topicPartitions: [{ topic, count }] });
      } finally {
        await admin.disconnect();
      }
    },
  },
  {
    id: "K11",
    name: "reading pauses while records come",
    async inflict({ engine, stream, random }) {
      await engine().pauseStream(stream);
      await delay(random.below(2_000));
      await engine().resumeStream(stream);
    },
  },
  {
    id: "P1",
    name: "engine SIGKILL; its kernel starts it again",
    needsBrokers: true,
    async inflict({ engine }) {
      const { pid } = engine();
      if (pid !== undefined) process.kill(pid, "SIGKILL");
      // Until it has noticed, a request still goes to the one that is dead.
      await until("another engine answers", () => engine().pid !== pid && engine().hello(), 30_000);
    },
  },
  {
    id: "P2",
    name: "engine closed and started on its store",
    needsBrokers: true,
    inflict: ({ restartEngine }) => restartEngine(),
  },
];

function anyNode(kafka: KafkaCluster, random: Random): number {
  return 1 + random.below(kafka.bootstrap.length);
}

async function harmFor(lines: FaultLines, harm: Parameters<FaultLines["setHarm"]>[0], timeMs: number): Promise<void> {
  lines.setHarm(harm);
  await delay(timeMs);
  lines.setHarm(undefined);
}
