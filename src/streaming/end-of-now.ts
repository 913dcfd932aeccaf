/**
 * The end that an opened source has at one moment, for whoever reads what is there and no more. Owns no reading: it is told
 * of each batch.
 */
import type { RecordBatch } from "./record.js";
import type { OpenedSource } from "./record-source.js";

export class EndOfNow {
  /** High watermark of each partition that is not read up to it. */
  readonly #left: Map<number, bigint>;

  private constructor(left: Map<number, bigint>) {
    this.#left = left;
  }

  static async of(source: OpenedSource): Promise<EndOfNow> {
    const marks = (await source.refreshWatermarks?.()) ?? source.watermarks();
    const end = new EndOfNow(new Map(marks.map(({ partition, high }) => [partition, high])));
    for (const position of source.positions) end.note(position);
    return end;
  }

  note({ partition, nextOffset }: Pick<RecordBatch, "partition" | "nextOffset">): void {
    if (nextOffset >= (this.#left.get(partition) ?? 0n)) this.#left.delete(partition);
  }

  get isReached(): boolean {
    return this.#left.size === 0;
  }
}
