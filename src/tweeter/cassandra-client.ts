/**
 * The one door to cassandra-driver for Tweeter: a client for a cluster, and its end. Owns what is known about the
 * driver's insides (4.10.0 is pinned); knows no table.
 */
import type { ConnectionOptions } from "node:tls";
import { auth, Client, type Host, policies, types } from "cassandra-driver";
import { TidetableError } from "../errors.js";

/** How to reach a cluster. */
export interface CassandraConnection {
  /** `host:port` or `host`, at least one. */
  readonly contactPoints: readonly string[];
  /** Left out: every node of every data centre is asked in turn, which suits a cluster with one. */
  readonly dataCenter?: string;
  readonly username?: string;
  readonly password?: string;
  /** Left out: what is sent can be read on the way, the password too. */
  readonly tls?: CassandraTls;
}

/** Plain data: PEM texts, not files. */
export interface CassandraTls {
  /** Left out: the authorities that Node knows. */
  readonly authorities?: string;
  /** Certificate chain and key, where the cluster asks for the client's. */
  readonly certificate?: string;
  readonly key?: string;
  readonly keyPassword?: string;
  /** False: a certificate of the right authority may be of another host, as nodes that are known by address often have. */
  readonly checkHost: boolean;
}

const connectTimeoutMs = 3_000;
/** A coordinator gives up on a write after 2 s. */
const readTimeoutMs = 3_000;

/**
 * Not connected yet. Every statement is prepared (a number that is not would be stored as another one, in silence), reads
 * and writes with QUORUM, and may be sent again: so only statements that may be are ever written here.
 */
export function cassandraClient(connection: CassandraConnection): Client {
  const { dataCenter, username, password, tls } = connection;
  const nearest =
    dataCenter === undefined
      ? new policies.loadBalancing.TokenAwarePolicy(new policies.loadBalancing.RoundRobinPolicy())
      : new policies.loadBalancing.DefaultLoadBalancingPolicy({ localDc: dataCenter });
  const client = new Client({
    contactPoints: [...connection.contactPoints],
    ...(dataCenter === undefined ? {} : { localDataCenter: dataCenter }),
    ...(username === undefined ? {} : { authProvider: new auth.PlainTextAuthProvider(username, password ?? "") }),
    ...(tls === undefined ? {} : { sslOptions: tlsOptions(tls) }),
    // What every Cassandra since 2.2 speaks. The driver would begin with a dialect that none but DataStax's server knows, and
    // over TLS what a server makes of that ends the process: it answers to a stream that there is not.
    protocolOptions: { maxVersion: types.protocolVersion.v4 },
    policies: {
      loadBalancing: nearest,
      // A second, however long a node was away: the default waits up to ten minutes after a long outage.
      reconnection: new policies.reconnection.ConstantReconnectionPolicy(1_000),
    },
    pooling: { coreConnectionsPerHost: { [types.distance.local]: 2, [types.distance.remote]: 1 } },
    socketOptions: { connectTimeout: connectTimeoutMs, readTimeout: readTimeoutMs },
    queryOptions: { consistency: types.consistencies.quorum, prepare: true, isIdempotent: true },
  });
  // A node that comes back is a new host to the driver; the old one's timers would run for ever.
  client.on("hostRemove", (host: HostInside) => void host.shutdown(false));
  return client;
}

function tlsOptions({ authorities, certificate, key, keyPassword, checkHost }: CassandraTls): ConnectionOptions {
  return {
    // The driver's own default is to trust whoever answers.
    rejectUnauthorized: true,
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
    ...(checkHost ? {} : { checkServerIdentity: () => undefined }),
  };
}

/** Ends the client and every timer of it, connected or not: the driver leaves those of a failed connect running. */
export async function closeCassandraClient(client: Client): Promise<void> {
  await client.shutdown();
  // There is no map of hosts before the first connect.
  const hosts: readonly Host[] = (client.hosts as typeof client.hosts | undefined)?.values() ?? [];
  await Promise.all(hosts.map((host) => (host as HostInside).shutdown(false)));
}

interface HostInside extends Host {
  shutdown(waitForPending: boolean): Promise<void>;
}

/** A failure of the driver in our words. */
export function cassandraError(connection: CassandraConnection, error: unknown): TidetableError {
  if (error instanceof TidetableError) return error;
  const where = connection.contactPoints.join(", ");
  return new TidetableError("STORE_UNAVAILABLE", `Cassandra at ${where} ${reason(error)}.`, {
    retryable: true,
    cause: error,
  });
}

function reason(error: unknown): string {
  const { name, message, innerErrors } = error as {
    readonly name?: string;
    readonly message?: string;
    readonly innerErrors?: Readonly<Record<string, Error>>;
  };
  if (name === "NoHostAvailableError") {
    const inner = Object.entries(innerErrors ?? {}).map(([host, { message: text }]) => `${host}: ${text}`);
    return inner.length === 0 ? "does not answer" : `cannot serve this now (${inner.join("; ")})`;
  }
  return `failed: ${message ?? String(error)}`;
}
