/** Plausible tweets for benches: 1,000 speakers, a few of whom say most; the same for the same seed. */
import type { RecordBatch } from "../../src/streaming/record.js";
import { recordBatch } from "../../test/support/record-batches.js";
import { type Random, seededRandom } from "../../test/support/seeded-random.js";

const WORDS = "the king doth keep his revels here tonight take heed the queen come not within sight for oberon".split(
  " ",
);

export interface TweetBatches {
  readonly batches: readonly RecordBatch[];
  readonly records: number;
}

/** `records` tweets dealt to partitions in batches; every `badEvery`th is cut short. */
export function tweetBatches(options: {
  readonly records: number;
  readonly partitions: number;
  readonly batchRows: number;
  readonly badEvery?: number;
}): TweetBatches {
  const random = seededRandom(7);
  const nextOffsets = new Array<bigint>(options.partitions).fill(0n);
  const batches: RecordBatch[] = [];
  let made = 0;
  for (let turn = 0; made < options.records; turn++) {
    const partition = turn % options.partitions;
    const count = Math.min(options.batchRows, options.records - made);
    const records = Array.from({ length: count }, (_, index) => {
      const value = tweet(random, made + index);
      const bad = options.badEvery !== undefined && (made + index) % options.badEvery === 0;
      return { value: bad ? value.slice(0, 60) : value, key: null };
    });
    const firstOffset = nextOffsets[partition] ?? 0n;
    batches.push(recordBatch(records, { partition, firstOffset }));
    nextOffsets[partition] = firstOffset + BigInt(count);
    made += count;
  }
  return { batches, records: made };
}

export function tweet(random: Random, index: number): string {
  const handle = `speaker${Math.floor(1000 * random.next() ** 3)}`;
  const content = Array.from({ length: 6 }, () => random.pick(WORDS)).join(" ");
  const hex = (random.below(2 ** 31) + 2 ** 31).toString(16);
  const id = `${hex}-${hex.slice(0, 4)}-4${hex.slice(1, 4)}-a${hex.slice(2, 5)}-${hex}${hex.slice(0, 4)}`;
  return JSON.stringify({ id, content, created_at: new Date(1_700_000_000_000 + index * 7).toISOString(), handle });
}
