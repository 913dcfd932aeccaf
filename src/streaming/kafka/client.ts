/**
 * The one door to kafkajs: connections with TLS and SASL, and its admin and producer. Owns what is known about its
 * insides, which do not move (2.2.4 is pinned and no longer developed): a broker connection for requests of ours, the
 * cure for its idle polling, its logger silenced, its errors put into our words.
 */
import { createRequire } from "node:module";
import type { ConnectionOptions } from "node:tls";
import { type Admin, type Consumer, Kafka, logLevel, type Producer, type SASLOptions } from "kafkajs";
import { errorMessage, TidetableError } from "../../errors.js";
import { fetchKey, fetchVersionMin, type KafkaRequest } from "./protocol.js";

/** How to reach a cluster. */
export interface KafkaConnection {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  /** TLS: true, or Node's options for it. */
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: SASLOptions;
}

const clientId = "tidetable";
const connectTimeoutMs = 3_000;
const requestTimeoutMs = 10_000;
/** A member that says nothing for so long has left its group. */
const groupSessionMs = 15_000;
/** The coordinator ends a transaction that nobody ends: readers of what is committed wait at most so long for it. */
const transactionTimeoutMs = 15_000;

/** kafkajs's admin client: topics. Bounded retries; the caller connects and disconnects. */
export function kafkaAdmin(connection: KafkaConnection): Admin {
  return client(connection).admin({ retry: { retries: 5, initialRetryTime: 200, maxRetryTime: 2_000 } });
}

/** kafkajs's producer. Only kafka/producer.ts uses it: see there for why. */
export function kafkajsProducer(connection: KafkaConnection): Producer {
  return client(connection).producer({
    allowAutoTopicCreation: false,
    metadataMaxAge: 30_000,
    retry: { retries: 8, initialRetryTime: 200, maxRetryTime: 2_000 },
    // Every message names its partition.
    createPartitioner: () => (message) => message.message.partition ?? 0,
  });
}

/** One whose sends are transactions. Only kafka/transactions.ts uses it. */
export function kafkajsTransactionalProducer(connection: KafkaConnection, transactionalId: string): Producer {
  return client(connection).producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: transactionTimeoutMs,
    allowAutoTopicCreation: false,
    metadataMaxAge: 30_000,
    // Soon over: whoever sends starts anew, and then knows what became of it.
    retry: { retries: 4, initialRetryTime: 100, maxRetryTime: 1_000 },
    createPartitioner: () => (message) => message.message.partition ?? 0,
  });
}

/** A member of a consumer group. Only kafka/group.ts uses it: for who reads what, never to read. */
export function kafkajsConsumer(connection: KafkaConnection, groupId: string): Consumer {
  return client(connection).consumer({
    groupId,
    allowAutoTopicCreation: false,
    sessionTimeout: groupSessionMs,
    rebalanceTimeout: groupSessionMs,
    heartbeatInterval: groupSessionMs / 10,
    metadataMaxAge: 5_000,
    // With every partition paused, this is how long it sleeps between looks at the group.
    maxWaitTimeInMs: 250,
    retry: { retries: 3, initialRetryTime: 200, maxRetryTime: 1_000, restartOnFailure: () => Promise.resolve(true) },
  });
}

function client(connection: KafkaConnection): Kafka {
  return new Kafka({
    clientId,
    brokers: [...connection.brokers],
    ssl: connection.ssl,
    sasl: connection.sasl,
    connectionTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    logLevel: logLevel.NOTHING,
    logCreator: silentLogCreator,
  });
}

/** What kafkajs would print is either retried by it or thrown at us; neither belongs on a user's screen. */
function silentLogCreator() {
  return () => {};
}

// ---- a connection for our own requests ----

/** One broker, connected and authenticated. Fetch has a socket of its own, so that a long poll holds up nothing else. */
export class BrokerConnection {
  /** `host:port`. */
  readonly address: string;
  readonly #broker: KafkajsBroker;
  #closed = false;

  private constructor(address: string, broker: KafkajsBroker) {
    this.address = address;
    this.#broker = broker;
  }

  /** @throws TidetableError BROKER_UNREACHABLE (retryable), BROKER_AUTHENTICATION. */
  static async open(address: string, connection: KafkaConnection, timeoutMs: number): Promise<BrokerConnection> {
    const { host, port } = parseAddress(address);
    const broker = new Broker({
      logger: silentLogger,
      allowAutoTopicCreation: false,
      connectionPool: new ConnectionPool({
        host,
        port,
        clientId,
        ssl: connection.ssl === true ? {} : connection.ssl || null,
        sasl: connection.sasl ?? null,
        logger: silentLogger,
        socketFactory: createSocketFactory(),
        connectionTimeout: timeoutMs,
        requestTimeout: requestTimeoutMs,
      }),
    });
    const opened = new BrokerConnection(address, broker);
    try {
      // A server that hangs up during the TLS handshake leaves kafkajs's promise open for ever.
      await bounded(broker.connect(), timeoutMs, () => new LateAnswerError(timeoutMs));
      opened.#requireFetch();
      return opened;
    } catch (error) {
      opened.close(error);
      throw brokerError(address, error);
    }
  }

  get isOpen(): boolean {
    return !this.#closed && this.#broker.isConnected();
  }

  /** The newest version of an API that the broker speaks. */
  versionMax(apiKey: number): number {
    return this.#broker.versions?.[apiKey]?.maxVersion ?? 0;
  }

  /** @throws TidetableError BROKER_UNREACHABLE when the connection ends or the answer is late: the connection is closed then. */
  async send<Answer>(request: KafkaRequest<Answer>, timeoutMs = requestTimeoutMs): Promise<Answer> {
    if (this.#closed) throw brokerError(this.address, new Error("the connection is closed"));
    const { apiKey, apiName, apiVersion, body } = request;
    const sent = this.#broker.connectionPool.send<{ answer: Answer }>({
      // kafkajs asks of an encoded request only that it has these two buffers.
      request: { apiKey, apiName, apiVersion, encode: async () => ({ buf: body, buffer: body }) },
      response: {
        decode: async (payload) => ({
          answer: request.decode(payload),
          clientSideThrottleTime: payload.readInt32BE(request.throttleTimeAt),
        }),
        parse: async (decoded) => decoded,
      },
      requestTimeout: timeoutMs,
    });
    try {
      return (await bounded(sent, timeoutMs + 1_000, () => new LateAnswerError(timeoutMs))).answer;
    } catch (error) {
      // Whatever went wrong, what is still under way on these sockets cannot be told from what comes next.
      this.close(error);
      throw brokerError(this.address, error);
    }
  }

  /** Ends both sockets at once. kafkajs's own way waits for a long poll to come back. */
  close(cause: unknown = new Error("closed")): void {
    if (this.#closed) return;
    this.#closed = true;
    const error = cause instanceof Error ? cause : new Error(String(cause));
    for (const connection of this.#broker.connectionPool.pool) {
      connection.requestQueue.rejectAll(error);
      connection.connectionStatus = "disconnected";
      connection.requestQueue.destroy();
      // With an error, so that kafkajs also ends its wait for a connection that was under way.
      connection.socket?.destroy(error);
    }
  }

  #requireFetch(): void {
    if (this.versionMax(fetchKey) >= fetchVersionMin) return;
    throw new TidetableError(
      "BROKER_UNREACHABLE",
      `The broker ${this.address} is older than Kafka 2.3 (it speaks Fetch up to version ${this.versionMax(fetchKey)}, not ${fetchVersionMin}), which Tidetable cannot read from.`,
    );
  }
}

class LateAnswerError extends Error {
  override readonly name = "LateAnswerError";

  constructor(timeoutMs: number) {
    super(`no answer within ${Math.ceil(timeoutMs) / 1000} s`);
  }
}

/** `host:port` or `[IPv6]:port`. */
function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}

async function bounded<T>(work: Promise<T>, timeoutMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
    // The loser of the race may still fail, after everybody has left.
    work.catch(() => undefined);
  }
}

// ---- errors ----

/** A failure of one broker in our words. */
export function brokerError(address: string, error: unknown): TidetableError {
  if (error instanceof TidetableError) return error;
  const { name, code } = error as { readonly name?: string; readonly code?: string };
  const refusal = certificateTrouble(address, code, errorMessage(error));
  if (refusal !== undefined) return new TidetableError("BROKER_AUTHENTICATION", refusal, { cause: error });
  if (name === "KafkaJSSASLAuthenticationError") {
    return new TidetableError(
      "BROKER_AUTHENTICATION",
      `The broker ${address} refuses the user name or password (${errorMessage(error)}).`,
      { cause: error },
    );
  }
  return new TidetableError("BROKER_UNREACHABLE", `The broker ${address} ${reason(error, code)}.`, {
    retryable: true,
    cause: error,
  });
}

/** Waiting mends none of these. */
function certificateTrouble(address: string, code: string | undefined, text: string): string | undefined {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `The certificate of broker ${address} is of another host (${text.replace(/^Connection error: /, "")}). Name the broker as its certificate does, or set ssl.endpoint.identification.algorithm= (empty) in KAFKA_PROPERTIES.`;
  }
  if (/^(DEPTH_ZERO_)?SELF_SIGNED_CERT|^UNABLE_TO_(VERIFY|GET_ISSUER)|^CERT_/.test(code ?? "")) {
    return `The certificate of broker ${address} is not one that this machine trusts (${code}). Name the authority's certificate in KAFKA_SSL_CA.`;
  }
  if (code === "EPROTO" || /wrong version number/.test(text)) {
    return `The broker ${address} does not speak TLS on this port, or another version of it. Check KAFKA_SECURITY_PROTOCOL and the port.`;
  }
  if (/alert (bad certificate|certificate required|unknown ca|handshake failure)/.test(text)) {
    return `The broker ${address} refuses our certificate. Name one that it trusts in KAFKA_SSL_CERTIFICATE, and its key in KAFKA_SSL_KEY.`;
  }
  return undefined;
}

/** Nobody listens there: waiting longer changes nothing unless somebody starts a broker. */
export function isRefused(error: unknown): boolean {
  return (
    error instanceof TidetableError && (error.cause as { readonly code?: string } | undefined)?.code === "ECONNREFUSED"
  );
}

/** The answer did not come in time. */
export function isLate(error: unknown): boolean {
  const cause = error instanceof TidetableError ? (error.cause as { readonly name?: string } | undefined) : undefined;
  return cause?.name === "LateAnswerError" || cause?.name === "KafkaJSRequestTimeoutError";
}

function reason(error: unknown, code: string | undefined): string {
  switch (code) {
    case "ECONNREFUSED":
      return "refuses the connection: nothing listens there";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "is not found: no machine has that name";
    case "ECONNRESET":
    case "EPIPE":
      return "closed the connection";
    default:
      return errorMessage(error) === "Closed connection"
        ? "closed the connection"
        : `cannot be reached: ${errorMessage(error).replace(/^Connection error: /, "")}`;
  }
}

// ---- the insides of kafkajs 2.2.4 that are touched ----

interface KafkajsConnection {
  connectionStatus: string;
  readonly socket?: { destroy(error: Error): void };
  readonly requestQueue: { rejectAll(error: Error): void; destroy(): void };
}

interface KafkajsProtocol<Decoded> {
  readonly request: {
    readonly apiKey: number;
    readonly apiName: string;
    readonly apiVersion: number;
    encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
  };
  readonly response: {
    decode(payload: Buffer): Promise<Decoded & { readonly clientSideThrottleTime: number }>;
    parse(decoded: Decoded): Promise<Decoded>;
  };
  readonly requestTimeout: number;
}

interface KafkajsConnectionPool {
  readonly pool: readonly KafkajsConnection[];
  send<Decoded>(protocol: KafkajsProtocol<Decoded>): Promise<Decoded>;
}

interface KafkajsBroker {
  readonly connectionPool: KafkajsConnectionPool;
  readonly versions: Readonly<Record<number, { readonly maxVersion: number } | undefined>> | null;
  connect(): Promise<void>;
  isConnected(): boolean;
}

interface KafkajsRequestQueue {
  readonly throttledUntil: number;
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

const requireInside = createRequire(import.meta.url);
const Broker = requireInside("kafkajs/src/broker/index.js") as new (options: object) => KafkajsBroker;
const ConnectionPool = requireInside("kafkajs/src/network/connectionPool.js") as new (
  options: object,
) => KafkajsConnectionPool;
const createSocketFactory = requireInside("kafkajs/src/network/socketFactory.js") as () => unknown;
const { createLogger } = requireInside("kafkajs/src/loggers/index.js") as {
  createLogger(options: { level: number; logCreator: typeof silentLogCreator }): unknown;
};
const RequestQueue = requireInside("kafkajs/src/network/requestQueue/index.js") as {
  readonly prototype: KafkajsRequestQueue;
};
const silentLogger = createLogger({ level: logLevel.NOTHING, logCreator: silentLogCreator });

curePolling();

/**
 * An idle connection of kafkajs wakes up about a thousand times a second: it computes the time to its next look at the
 * queue from a throttle that is not on. It has nothing to look at then, so the look is left out.
 */
function curePolling(): void {
  const original = RequestQueue.prototype.scheduleCheckPendingRequests;
  RequestQueue.prototype.scheduleCheckPendingRequests = function (this: KafkajsRequestQueue) {
    if (this.throttledUntil <= Date.now() && this.pending.length === 0) return;
    original.call(this);
  };
}
