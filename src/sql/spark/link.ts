/**
 * The one session that the engine works in: opened when first needed, set up alike each time, opened anew when the server
 * was started again. Owns when to connect; what has to be made again in a new session registers here.
 */
import { TidetableError } from "../../errors.js";
import type { SparkAddress } from "../spark-connect/address.js";
import { SparkError } from "../spark-connect/errors.js";
import { connect, type SparkSession } from "../spark-connect/session.js";
import { sparkSessionConfig, sparkSessionFunctions } from "./dialect.js";

/** Makes again what a new session lacks: views, streams. `isFirst` where there was none before. */
type SetUp = (session: SparkSession, isFirst: boolean) => Promise<void>;

const DISCONNECT_AFTER_MS = 10_000;

export class SparkLink {
  readonly #address: SparkAddress;
  readonly #setUps: SetUp[] = [];
  #opening: Promise<SparkSession> | undefined;
  #session: SparkSession | undefined;
  #sessions = 0;
  #closed = false;

  constructor(address: SparkAddress) {
    this.#address = address;
  }

  onSession(setUp: SetUp): void {
    this.#setUps.push(setUp);
  }

  /** The session, while there is one that is not known to be gone. */
  get current(): SparkSession | undefined {
    return this.#session?.isLost ? undefined : this.#session;
  }

  /** @throws SparkError SPARK_UNREACHABLE, SPARK_REFUSED. */
  session(): Promise<SparkSession> {
    const current = this.current;
    if (current !== undefined) return Promise.resolve(current);
    if (this.#closed) return Promise.reject(new TidetableError("ENGINE_GONE", "The engine was closed."));
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /**
   * Runs in the session; in a new one when the server turns out to have been started again before the work began there.
   * Work that may have begun is never run twice: its error says to try again.
   */
  async run<Value>(work: (session: SparkSession) => Promise<Value>): Promise<Value> {
    const before = this.current;
    const session = await this.session();
    try {
      return await work(session);
    } catch (error) {
      const lost = error instanceof SparkError && error.code === "SPARK_SESSION_LOST";
      // The server refused before it began: the session was opened before this work came.
      if (!lost || before !== session || this.#closed) throw error;
      return work(await this.session());
    }
  }

  /** A new session on the same server, whatever has become of the one before. */
  renew(): Promise<SparkSession> {
    const before = this.#session;
    this.#session = undefined;
    // What still waits on the old connection hears from it that the server is gone.
    if (before !== undefined) setTimeout(() => before.disconnect(), DISCONNECT_AFTER_MS).unref();
    return this.session();
  }

  async close(): Promise<void> {
    this.#closed = true;
    const opening = this.#opening?.catch(() => undefined);
    await opening;
    await this.#session?.close();
  }

  async #open(): Promise<SparkSession> {
    this.#session?.disconnect();
    this.#session = undefined;
    const session = await openNotebookSession(this.#address);
    try {
      const isFirst = this.#sessions === 0;
      this.#sessions += 1;
      for (const setUp of this.#setUps) await setUp(session, isFirst);
    } catch (error) {
      session.disconnect();
      throw error;
    }
    this.#session = session;
    return session;
  }
}

/** A session that reads SQL as a notebook's is written. @throws SparkError SPARK_UNREACHABLE, SPARK_REFUSED. */
export async function openNotebookSession(address: SparkAddress): Promise<SparkSession> {
  const session = await connect(address, { config: sparkSessionConfig });
  try {
    for (const text of sparkSessionFunctions) await createFunction(session, text);
    return session;
  } catch (error) {
    session.disconnect();
    throw error;
  }
}

/** A function that Spark has itself by now stays Spark's. */
async function createFunction(session: SparkSession, text: string): Promise<void> {
  try {
    await session.prepare(text);
  } catch (error) {
    if (error instanceof SparkError && error.errorClass?.startsWith("ROUTINE_ALREADY_EXISTS")) return;
    throw error;
  }
}
