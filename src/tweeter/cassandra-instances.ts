/** Who else serves this keyspace: each instance writes a row that runs out by itself. Owns that table and nothing else. */
import { type Client, types } from "cassandra-driver";
import type { InstanceReport } from "./tweet-store.js";

/** An instance that says nothing for so long is gone. */
const goneAfterSeconds = 10;

export class CassandraInstances {
  readonly #client: Client;
  readonly #keyspace: string;

  constructor(client: Client, keyspace: string) {
    this.#client = client;
    this.#keyspace = keyspace;
  }

  async put(report: InstanceReport): Promise<void> {
    await this.#client.execute(
      `INSERT INTO ${this.#keyspace}.instances (scope, name, url, started_at, seen_at, requests, posts, lanes)
       VALUES ('all', ?, ?, ?, ?, ?, ?, ?) USING TTL ${goneAfterSeconds}`,
      [
        report.name,
        report.url,
        new Date(report.startedAtMs),
        new Date(report.seenAtMs),
        types.Long.fromNumber(report.requests),
        types.Long.fromNumber(report.posts),
        report.lanes.join(" "),
      ],
    );
  }

  async remove(name: string): Promise<void> {
    await this.#client.execute(`DELETE FROM ${this.#keyspace}.instances WHERE scope = 'all' AND name = ?`, [name]);
  }

  /** By name. */
  async all(): Promise<readonly InstanceReport[]> {
    const { rows } = await this.#client.execute(
      `SELECT name, url, started_at, seen_at, requests, posts, lanes FROM ${this.#keyspace}.instances WHERE scope = 'all'`,
    );
    return rows.map((row) => ({
      name: String(row.get("name")),
      url: String(row.get("url")),
      startedAtMs: momentOf(row.get("started_at")),
      seenAtMs: momentOf(row.get("seen_at")),
      requests: Number(row.get("requests")),
      posts: Number(row.get("posts")),
      lanes: String(row.get("lanes")).split(" ").filter(Boolean).map(Number),
    }));
  }
}

function momentOf(value: unknown): number {
  return value instanceof Date ? value.getTime() : 0;
}
