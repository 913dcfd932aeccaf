/** How to reach Cassandra, from the environment. Part of reading the configuration; only config.ts calls it. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createSecureContext } from "node:tls";
import { errorMessage, TidetableError } from "./errors.js";
import type { CassandraConnection, CassandraTls } from "./tweeter/cassandra-client.js";

type Environment = Readonly<Record<string, string | undefined>>;

export interface CassandraSettings {
  /** Undefined where no contact point is named. */
  readonly connection: CassandraConnection | undefined;
  /** What else is said of a connection: it counts for a cluster that a cell names, too. */
  readonly access: CassandraAccess;
}

export type CassandraAccess = Omit<CassandraConnection, "contactPoints">;

/** Holds secrets: never printed. @throws TidetableError CONFIG_INVALID. */
export function readCassandraSettings(environment: Environment, workingDirectory: string): CassandraSettings {
  const contactPoints = readContactPoints("CASSANDRA_CONTACT_POINTS", environment.CASSANDRA_CONTACT_POINTS ?? "");
  const { CASSANDRA_DATA_CENTER: dataCenter, CASSANDRA_USERNAME: username, CASSANDRA_PASSWORD: password } = environment;
  const tls = readTls(environment, workingDirectory);
  const access = {
    ...(dataCenter ? { dataCenter } : {}),
    ...(username ? { username, password: password ?? "" } : {}),
    ...(tls === undefined ? {} : { tls }),
  };
  return { connection: contactPoints.length === 0 ? undefined : { contactPoints, ...access }, access };
}

/** A file that is named is meant: it turns TLS on. */
function readTls(environment: Environment, workingDirectory: string): CassandraTls | undefined {
  const text = (variable: string) => {
    const file = environment[variable];
    return file === undefined || file === "" ? undefined : readNamed(variable, resolve(workingDirectory, file));
  };
  const asked = readSwitch("CASSANDRA_SSL", environment.CASSANDRA_SSL);
  const authorities = text("CASSANDRA_SSL_CA");
  const certificate = text("CASSANDRA_SSL_CERTIFICATE");
  const key = text("CASSANDRA_SSL_KEY");
  const isNamed = authorities !== undefined || certificate !== undefined || key !== undefined;
  if (asked === false && isNamed) {
    throw new TidetableError(
      "CONFIG_INVALID",
      "CASSANDRA_SSL is false, and certificates are named beside it. Leave out one or the other.",
    );
  }
  if (asked !== true && !isNamed) return undefined;
  if ((certificate === undefined) !== (key === undefined)) {
    throw new TidetableError(
      "CONFIG_INVALID",
      "CASSANDRA_SSL_CERTIFICATE and CASSANDRA_SSL_KEY belong together: a client's certificate and its key, both PEM.",
    );
  }
  const keyPassword = environment.CASSANDRA_SSL_KEY_PASSWORD;
  const tls: CassandraTls = {
    checkHost: readSwitch("CASSANDRA_SSL_CHECK_HOST", environment.CASSANDRA_SSL_CHECK_HOST) ?? true,
    ...(authorities === undefined ? {} : { authorities }),
    ...(certificate === undefined || key === undefined ? {} : { certificate, key }),
    ...(keyPassword ? { keyPassword } : {}),
  };
  requireReadable(tls);
  return tls;
}

/** Said at the start rather than by each connection. */
function requireReadable({ authorities, certificate, key, keyPassword }: CassandraTls): void {
  const parts = [
    ["CASSANDRA_SSL_CA", { ca: authorities }],
    ["CASSANDRA_SSL_CERTIFICATE and CASSANDRA_SSL_KEY", { cert: certificate, key, passphrase: keyPassword }],
  ] as const;
  for (const [name, options] of parts) {
    try {
      createSecureContext(options);
    } catch (error) {
      throw new TidetableError(
        "CONFIG_INVALID",
        `${name} cannot be used (${errorMessage(error)}). PEM files are needed, and CASSANDRA_SSL_KEY_PASSWORD where the key is locked.`,
        { cause: error },
      );
    }
  }
}

function readSwitch(name: string, text: string | undefined): boolean | undefined {
  if (text === undefined || text === "") return undefined;
  if (text === "true" || text === "false") return text === "true";
  throw new TidetableError("CONFIG_INVALID", `${name} is "${text}"; it may be true or false.`);
}

function readNamed(variable: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new TidetableError(
      "CONFIG_INVALID",
      `${variable} names ${path}, which cannot be read (${errorMessage(cause)}).`,
      { cause },
    );
  }
}

/** `host` or `host:port`, several separated by commas. `name` is what the text is called in an error. */
export function readContactPoints(name: string, text: string): readonly string[] {
  const points = text
    .split(",")
    .map((point) => point.trim())
    .filter((point) => point !== "");
  for (const point of points) {
    const [, port] = /^(?:[^\s:/]+|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?$/.exec(point) ?? [undefined, "none"];
    if (port === undefined || (Number(port) >= 1 && Number(port) <= 65_535)) continue;
    throw new TidetableError(
      "CONFIG_INVALID",
      `${name} holds "${point}", which is not host or host:port. Write for example 127.0.0.1:9042, several separated by commas.`,
    );
  }
  return points;
}
