/** The primitive types of Kafka's protocol, written and read: numbers big-endian, texts and arrays in both of their forms. Pure. */

/** A request's body, growing as it is written. */
export class Writer {
  #buffer = Buffer.alloc(256);
  #length = 0;

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  int8(value: number): void {
    const at = this.#advance(1);
    this.#buffer.writeInt8(value, at);
  }

  int16(value: number): void {
    const at = this.#advance(2);
    this.#buffer.writeInt16BE(value, at);
  }

  int32(value: number): void {
    const at = this.#advance(4);
    this.#buffer.writeInt32BE(value, at);
  }

  int64(value: bigint): void {
    const at = this.#advance(8);
    this.#buffer.writeBigInt64BE(value, at);
  }

  /** Unsigned, seven bits a byte. */
  uvarint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.#uint8((rest & 0x7f) | 0x80);
    this.#uint8(rest);
  }

  string(text: string): void {
    this.int16(Buffer.byteLength(text));
    this.raw(Buffer.from(text));
  }

  compactString(text: string): void {
    this.uvarint(Buffer.byteLength(text) + 1);
    this.raw(Buffer.from(text));
  }

  raw(bytes: Buffer): void {
    const at = this.#advance(bytes.length);
    bytes.copy(this.#buffer, at);
  }

  #uint8(value: number): void {
    const at = this.#advance(1);
    this.#buffer.writeUInt8(value, at);
  }

  /** Where the next `count` bytes go. May exchange the buffer, so it is called before the buffer is looked up. */
  #advance(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#length, this.#buffer.length * 2));
      this.#buffer.copy(larger);
      this.#buffer = larger;
    }
    return at;
  }
}

/** Reading past the end throws a RangeError: such an answer is no answer. */
export class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int8(): number {
    this.#at += 1;
    return this.#bytes.readInt8(this.#at - 1);
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  int64(): bigint {
    this.#at += 8;
    return this.#bytes.readBigInt64BE(this.#at - 8);
  }

  uvarint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 0x80) {
      const byte = this.#bytes.readUInt8(this.#at);
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new RangeError("an integer of more than five bytes");
  }

  string(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.slice(length).toString("utf8");
  }

  compactString(): string | null {
    const length = this.uvarint() - 1;
    return length < 0 ? null : this.slice(length).toString("utf8");
  }

  slice(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new RangeError(`${length} bytes wanted, the answer ends`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  array<T>(item: () => T): T[] {
    return this.#items(this.int32(), item);
  }

  compactArray<T>(item: () => T): T[] {
    return this.#items(this.uvarint() - 1, item);
  }

  /** Tagged fields: none is of use here. */
  tags(): void {
    for (let count = this.uvarint(); count > 0; count -= 1) {
      this.uvarint();
      this.slice(this.uvarint());
    }
  }

  #items<T>(count: number, item: () => T): T[] {
    const items: T[] = [];
    // Every item takes bytes, so a wrong count ends with the answer.
    for (let index = 0; index < count; index += 1) items.push(item());
    return items;
  }
}
