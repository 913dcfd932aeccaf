/** An engine process on a folder of its own, with a log of tweets, for one test at a time. */
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EngineName } from "../../src/engine/engine-names.js";
import { type EngineProcessClient, startEngineProcess } from "../../src/engine/process-client.js";
import type { StreamOptions } from "../../src/engine/protocol.js";
import type { ErrorCode, TidetableError } from "../../src/errors.js";
import { cellValue, type QueryResult } from "../../src/sql/schema.js";
import { encodeLogRecord } from "../../src/streaming/log/format.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";

export class EngineFixture {
  #folder: TemporaryFolder | undefined;
  #clients: EngineProcessClient[] = [];
  #posted = 0;

  /** Registers the hooks of the describe block that it is made in. */
  constructor() {
    beforeEach(() => {
      this.#folder = temporaryFolder("engine");
      this.#posted = 0;
      writeFileSync(this.log, "");
    });
    afterEach(async () => {
      await Promise.all(this.#clients.splice(0).map((client) => client.close()));
      this.#folder?.remove();
    });
  }

  get folder(): string {
    return this.#folder?.path ?? missing();
  }

  /** The log that `options()` reads. */
  get log(): string {
    return join(this.folder, "tweets.log");
  }

  start(options: { store?: "file" | "memory"; engine?: EngineName } = {}): EngineProcessClient {
    const client = startEngineProcess({ dataDirectory: join(this.folder, "data"), ...options });
    this.#clients.push(client);
    return client;
  }

  options(changes: Partial<StreamOptions> = {}): StreamOptions {
    return {
      name: "tweets",
      topic: "tweets",
      source: { kind: "log", path: this.log },
      from: "earliest",
      keep: { rows: 1_000_000 },
      format: "json",
      ...changes,
    };
  }

  post(count: number): void {
    const lines = Array.from({ length: count }, () => {
      this.#posted += 1;
      const handle = `user${this.#posted % 7}`;
      const value = JSON.stringify({ id: this.#posted, handle, content: `tweet number ${this.#posted}` });
      return encodeLogRecord({ timestampMs: 1_700_000_000_000 + this.#posted, key: handle, value });
    });
    appendFileSync(this.log, lines.join(""));
  }
}

export async function one(client: EngineProcessClient, text: string): Promise<unknown> {
  return firstValue(await client.query(text));
}

export function firstRow(result: QueryResult): unknown[] {
  return result.columns.map((column) => cellValue(column, 0));
}

export function firstValue(result: QueryResult | undefined): unknown {
  return result === undefined ? undefined : firstRow(result)[0];
}

/** Waits until there are so many, each once. */
export async function tweetsAre(client: EngineProcessClient, count: number): Promise<void> {
  await until(`${count} tweets`, async () => (await one(client, "SELECT count(*) FROM tweets")) === BigInt(count));
  const distinct = await client.query("SELECT count(DISTINCT id), count(DISTINCT _offset) FROM tweets");
  deepEqual(firstRow(distinct), [BigInt(count), BigInt(count)]);
}

export async function fails(promise: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  await rejects(promise, (error: TidetableError) => {
    equal(error.code, code, error.message);
    match(error.message, message);
    return true;
  });
}

export function missing(): never {
  throw new Error("missing");
}
