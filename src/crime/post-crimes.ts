/** Posts crimes to a topic at a steady rate, generated ones or a file's, each under its identifier. */
import type { KafkaConnection } from "../streaming/kafka/client.js";
import type { ProduceMessage } from "../streaming/kafka/producer.js";
import {
  type ProductionOutcome,
  type ProductionProgress,
  produceSteadily,
} from "../streaming/kafka/steady-producer.js";
import { type Crime, encodeCrime, readCrime } from "./crime.js";
import { generateRow } from "./crime-generator.js";

export interface PostCrimesOptions {
  readonly connection: KafkaConnection;
  /** Made with three partitions if it is not there. */
  readonly topic: string;
  readonly crimes: AsyncIterator<Crime | { readonly refused: string }>;
  /** At the most. */
  readonly count: number;
  readonly ratePerSecond: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: ProductionProgress) => void;
}

export interface PostCrimesOutcome extends ProductionOutcome {
  /** Rows that are no crime, and why the last of them is not. */
  readonly refused: number;
  readonly lastReason?: string;
}

/** @throws TidetableError BROKER_UNREACHABLE, BROKER_AUTHENTICATION, PRODUCE_FAILED before the first crime; CONFIG_INVALID of the file. */
export async function postCrimes({ crimes, ...production }: PostCrimesOptions): Promise<PostCrimesOutcome> {
  let refused = 0;
  let lastReason: string | undefined;
  const next = async (countMax: number): Promise<readonly ProduceMessage[]> => {
    const messages: ProduceMessage[] = [];
    while (messages.length < countMax) {
      const { done, value } = await crimes.next();
      if (done === true) break;
      if ("refused" in value) {
        refused += 1;
        lastReason = value.refused;
        continue;
      }
      // The time of the record is that of sending, as everywhere; when it happened is the field `date`.
      messages.push({ key: String(value.id), value: encodeCrime(value), timestampMs: Date.now() });
    }
    return messages;
  };
  const outcome = await produceSteadily({ ...production, next });
  return { ...outcome, refused, ...(lastReason === undefined ? {} : { lastReason }) };
}

/** Without end. */
export async function* generatedCrimes(seed: number): AsyncGenerator<Crime | { readonly refused: string }> {
  for (let index = 0; ; index += 1) yield readCrime(generateRow(seed, index, Date.now()));
}
