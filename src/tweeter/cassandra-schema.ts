/**
 * Tweeter's keyspace and tables in Cassandra, made and brought up to date on start. Owns the statements and how several
 * instances run them at once: every statement may run twice, all go to one node, and a table's id is given, not drawn, so
 * that even two nodes that are told at once make one and the same table. Reads and writes no tweet.
 */
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, type Host, types } from "cassandra-driver";
import { errorMessage, TidetableError } from "../errors.js";
import { moveToVersion2 } from "./cassandra-migration.js";
import { laneCount } from "./lanes.js";

export interface SchemaOptions {
  readonly keyspace: string;
  /** Replicas of each row. Left out: three, or as many as there are nodes. Counts only where the keyspace is made. */
  readonly replicas?: number;
}

interface Step {
  readonly tables: (keyspace: string) => readonly string[];
  /** What is done once they are there; may be done twice, and by several at once. */
  readonly fill: (client: Client, keyspace: string) => Promise<void>;
}

/** Steps only add. The number of a step is its place. */
const steps: readonly Step[] = [
  { tables: tablesOfVersion1, fill: startLanes },
  { tables: tablesOfVersion2, fill: moveToVersion2 },
];

const deadlineAfterMs = 90_000;
const tryAgainMs = 500;

/** @throws TidetableError STORE_UNAVAILABLE when it is not done after a minute and a half. */
export async function prepareSchema(client: Client, options: SchemaOptions): Promise<void> {
  const deadlineMs = performance.now() + deadlineAfterMs;
  for (;;) {
    try {
      if ((await schemaVersion(client, options.keyspace)) < steps.length) await bringUpToDate(client, options);
      return;
    } catch (error) {
      // Another instance at the same work, nodes that do not agree yet, a node that died: all pass.
      if (performance.now() > deadlineMs) {
        throw new TidetableError(
          "STORE_UNAVAILABLE",
          `The tables of keyspace ${options.keyspace} cannot be made: ${errorMessage(error)}`,
          { retryable: true, cause: error },
        );
      }
      await delay(tryAgainMs);
    }
  }
}

/** 0 where there is none. */
async function schemaVersion(client: Client, keyspace: string): Promise<number> {
  const table = await client.execute(
    "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = 'schema_version'",
    [keyspace],
    { consistency: types.consistencies.one },
  );
  if (table.rowLength === 0) return 0;
  const rows = await client.execute(`SELECT version FROM ${keyspace}.schema_version WHERE name = 'tweeter'`);
  return Number(rows.first()?.get("version") ?? 0);
}

async function bringUpToDate(client: Client, { keyspace, replicas }: SchemaOptions): Promise<void> {
  const hosts = client.hosts.values();
  const host = firstUp(hosts);
  const run = async (statement: string) => {
    // Written here, with no value in it: nothing to prepare.
    const { info } = await client.execute(statement, [], {
      prepare: false,
      consistency: types.consistencies.one,
      ...(host === undefined ? {} : { host }),
    });
    // The driver's types leave it out.
    const { isSchemaInAgreement } = info as { readonly isSchemaInAgreement?: boolean };
    if (isSchemaInAgreement === false) throw new Error("the nodes do not agree on the schema yet");
  };
  const factor = replicas ?? Math.min(3, hosts.length);
  await run(
    `CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': ${factor}}`,
  );
  await run(
    `CREATE TABLE IF NOT EXISTS ${keyspace}.schema_version (name text PRIMARY KEY, version int) WITH ID = ${tableId(keyspace, "schema_version")}`,
  );
  const present = await schemaVersion(client, keyspace);
  for (const [index, step] of steps.entries()) {
    if (index < present) continue;
    for (const statement of step.tables(keyspace)) await run(statement);
    await step.fill(client, keyspace);
    await client.execute(
      `INSERT INTO ${keyspace}.schema_version (name, version) VALUES ('tweeter', ?)`,
      [index + 1],
      // A row of an older instance that is slow must not win over a newer version: the version is its time.
      { timestamp: index + 1 },
    );
  }
}

/** Nothing was written before this moment; whatever an instance writes down later wins. */
async function startLanes(client: Client, keyspace: string): Promise<void> {
  const aMinuteAgo = new Date(Date.now() - 60_000);
  for (let lane = 0; lane < laneCount; lane += 1) {
    await client.execute(`INSERT INTO ${keyspace}.lanes (lane, relayed_until) VALUES (?, ?)`, [lane, aMinuteAgo], {
      timestamp: 1,
    });
  }
}

/** The same one for every instance: a node runs one change of the schema after the other. */
function firstUp(hosts: readonly Host[]): Host | undefined {
  return hosts.filter((host) => host.isUp()).sort((a, b) => (a.address < b.address ? -1 : 1))[0];
}

/** Less what the second version made anew under another name. */
function tablesOfVersion1(keyspace: string): readonly string[] {
  const table = tableOf(keyspace);
  return [
    // The timeline: a day's tweets in a few parts, so that a busy day is not one node's business.
    table(
      "tweets",
      "day date, shard tinyint, id timeuuid, handle text, content text, created_at timestamp, PRIMARY KEY ((day, shard), id)",
      " AND CLUSTERING ORDER BY (id DESC)",
    ),
    // Days that have tweets, of all or of one handle: paging back passes over the empty ones.
    table("days", "scope text, day date, PRIMARY KEY (scope, day)", " AND CLUSTERING ORDER BY (day DESC)"),
    // Who relays a lane (the holder's name expires), and up to when everything in it is relayed.
    table("lanes", "lane tinyint PRIMARY KEY, holder text, relayed_until timestamp"),
    // Which tweet a request with a key became, for keys that say nothing of the time.
    table("requests", "digest text PRIMARY KEY, id timeuuid", " AND default_time_to_live = 86400"),
    table(
      "instances",
      "scope text, name text, url text, started_at timestamp, seen_at timestamp, requests bigint, posts bigint, lanes text, PRIMARY KEY (scope, name)",
    ),
  ];
}

/**
 * Partitions of one key in all three tables of a tweet (day and lane, of the same types): its rows are one write, of which a
 * replica has all or nothing.
 */
function tablesOfVersion2(keyspace: string): readonly string[] {
  const table = tableOf(keyspace);
  return [
    table(
      "tweets_of_handle",
      "day date, shard tinyint, handle text, id timeuuid, content text, created_at timestamp, PRIMARY KEY ((day, shard), handle, id)",
      " AND CLUSTERING ORDER BY (handle ASC, id DESC)",
    ),
    // What goes to Kafka, in the order of writing: a row of JSON for the tweets that were written together.
    table("outbox_of_day", "day date, shard tinyint, seq timeuuid, tweets text, PRIMARY KEY ((day, shard), seq)"),
  ];
}

function tableOf(keyspace: string) {
  return (name: string, columns: string, options = "") =>
    `CREATE TABLE IF NOT EXISTS ${keyspace}.${name} (${columns}) WITH ID = ${tableId(keyspace, name)}${options}`;
}

/** A UUID from the names, so that a table is the same one whoever makes it. */
function tableId(keyspace: string, table: string): string {
  const hex = createHash("sha256").update(`tidetable ${keyspace}.${table}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-1${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
