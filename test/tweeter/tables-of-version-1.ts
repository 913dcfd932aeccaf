/** A keyspace as Tweeter's tables were at first, with tweets in it of which some wait in the outbox. */
import { createHash } from "node:crypto";
import { types } from "cassandra-driver";
import type { CassandraCluster } from "../../scripts/components/cassandra.js";
import { murmur2 } from "../../src/streaming/murmur2.js";
import { cassandraClient, closeCassandraClient } from "../../src/tweeter/cassandra-client.js";
import { newTimeUuid, tweetIdDay } from "../../src/tweeter/tweet-id.js";

export interface LeftTweet {
  readonly id: string;
  readonly handle: string;
  readonly content: string;
  /** On the topic already. */
  readonly relayed: boolean;
}

const tables = [
  "schema_version (name text PRIMARY KEY, version int)",
  "tweets (day date, shard tinyint, id timeuuid, handle text, content text, created_at timestamp, PRIMARY KEY ((day, shard), id)) WITH CLUSTERING ORDER BY (id DESC)",
  "tweets_by_handle (handle text, day date, id timeuuid, content text, created_at timestamp, PRIMARY KEY ((handle, day), id)) WITH CLUSTERING ORDER BY (id DESC)",
  "days (scope text, day date, PRIMARY KEY (scope, day)) WITH CLUSTERING ORDER BY (day DESC)",
  "outbox (lane tinyint, bucket bigint, seq timeuuid, id timeuuid, handle text, content text, PRIMARY KEY ((lane, bucket), seq))",
  "lanes (lane tinyint PRIMARY KEY, holder text, relayed_until timestamp)",
  "requests (digest text PRIMARY KEY, id timeuuid) WITH default_time_to_live = 86400",
  "instances (scope text, name text, url text, started_at timestamp, seen_at timestamp, requests bigint, posts bigint, lanes text, PRIMARY KEY (scope, name))",
];

function laneOf(handle: string): number {
  return (murmur2(Buffer.from(handle)) & 0x7fffffff) % 6;
}

/** Oldest first. */
export async function leaveVersion1(cassandra: CassandraCluster, keyspace: string): Promise<readonly LeftTweet[]> {
  const client = cassandraClient({ contactPoints: cassandra.contactPoints });
  try {
    await client.connect();
    const define = (text: string) => client.execute(text, [], { prepare: false, readTimeout: 60_000 });
    await define(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`);
    for (const table of tables) await define(`CREATE TABLE ${keyspace}.${table}`);
    const nowMs = Date.now();
    const left = Array.from({ length: 40 }, (_, n) => ({
      id: newTimeUuid(nowMs - 60_000 + n * 1_000),
      handle: ["banquo", "duncan", "lennox", "ross"][n % 4] ?? "",
      content: `Scene ${n}`,
      relayed: n < 20,
    }));
    for (const tweet of left) await write(tweet);
    for (let lane = 0; lane < 6; lane += 1) {
      // Lanes in which nothing was written are further.
      const until = new Date(left.some(({ handle }) => laneOf(handle) === lane) ? nowMs - 40_500 : nowMs);
      await client.execute(`INSERT INTO ${keyspace}.lanes (lane, relayed_until) VALUES (?, ?)`, [lane, until]);
    }
    await client.execute(`INSERT INTO ${keyspace}.schema_version (name, version) VALUES ('tweeter', 1)`, [], {
      timestamp: 1,
    });
    return left;
  } finally {
    await closeCassandraClient(client);
  }

  async function write({ id, handle, content }: LeftTweet): Promise<void> {
    const day = types.LocalDate.fromString(tweetIdDay(id));
    const createdAt = types.TimeUuid.fromString(id).getDate();
    const shard = (createHash("md5").update(id).digest()[0] ?? 0) % 4;
    const rows: ReadonlyArray<readonly [string, unknown[]]> = [
      ["tweets (day, shard, id, handle, content, created_at)", [day, shard, id, handle, content, createdAt]],
      ["tweets_by_handle (handle, day, id, content, created_at)", [handle, day, id, content, createdAt]],
      ["days (scope, day)", ["all", day]],
      ["days (scope, day)", [`@${handle}`, day]],
      [
        "outbox (lane, bucket, seq, id, handle, content)",
        [
          laneOf(handle),
          types.Long.fromNumber(Math.floor(createdAt.getTime() / 600_000)),
          newTimeUuid(createdAt.getTime()),
          id,
          handle,
          content,
        ],
      ],
    ];
    for (const [into, values] of rows) {
      await client.execute(`INSERT INTO ${keyspace}.${into} VALUES (${values.map(() => "?").join(", ")})`, [...values]);
    }
  }
}
