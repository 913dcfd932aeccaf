/** How to reach Cassandra, from the environment. Part of reading the configuration; only config.ts calls it. */
import { TidetableError } from "./errors.js";
import type { CassandraConnection } from "./tweeter/cassandra-client.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined where no contact point is named. Holds a password: never printed. @throws TidetableError CONFIG_INVALID. */
export function readCassandraSettings(environment: Environment): CassandraConnection | undefined {
  const contactPoints = readContactPoints("CASSANDRA_CONTACT_POINTS", environment.CASSANDRA_CONTACT_POINTS ?? "");
  if (contactPoints.length === 0) return undefined;
  const { CASSANDRA_DATA_CENTER: dataCenter, CASSANDRA_USERNAME: username, CASSANDRA_PASSWORD: password } = environment;
  return {
    contactPoints,
    ...(dataCenter ? { dataCenter } : {}),
    ...(username ? { username, password: password ?? "" } : {}),
  };
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
