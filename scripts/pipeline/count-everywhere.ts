/**
 * How many tweets there are, asked three ways that share no code: Cassandra by its driver, Kafka by another client in
 * Python, the notebook's own tables by SQL. Changes nothing.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { quietCell } from "../../src/cells/console-cell.js";
import { readConfig } from "../../src/config.js";
import { openTidetable } from "../../src/session.js";
import { cassandraClient, closeCassandraClient } from "../../src/tweeter/cassandra-client.js";
import { runCommand } from "../components/command.js";
import { ensurePython } from "../components/python.js";

export interface Counted {
  readonly rows: number;
  readonly distinct: number;
  readonly perHandle: ReadonlyMap<string, number>;
}

export interface Addresses {
  readonly brokers: string;
  readonly contactPoints: string;
  readonly topic: string;
}

const countTimeoutMs = 5 * 60_000;

/** Cassandra: every row of the timeline's table, by handle. */
export async function countCassandra({ contactPoints }: Addresses): Promise<Counted> {
  const client = cassandraClient({ contactPoints: contactPoints.split(",") });
  const ids = new Set<string>();
  const perHandle = new Map<string, number>();
  let rows = 0;
  try {
    await client.connect();
    let pageState: string | undefined;
    do {
      const page = await client.execute("SELECT id, handle FROM tweeter.tweets", [], {
        fetchSize: 5_000,
        readTimeout: 60_000,
        ...(pageState === undefined ? {} : { pageState }),
      });
      for (const row of page.rows) {
        rows += 1;
        ids.add(String(row.get("id")));
        add(perHandle, String(row.get("handle")), 1);
      }
      pageState = page.pageState || undefined;
    } while (pageState !== undefined);
  } finally {
    await closeCassandraClient(client);
  }
  return { rows, distinct: ids.size, perHandle };
}

/** Kafka: librdkafka reads what is committed. @throws TidetableError COMPONENT_MISSING without a Python. */
export async function countKafka({ brokers, topic }: Addresses): Promise<Counted> {
  const { python } = await ensurePython();
  const script = join(dirname(fileURLToPath(import.meta.url)), "count_topic.py");
  const printed = await runCommand(python, [script, brokers, topic], { timeoutMs: countTimeoutMs, missing: "" });
  const { rows, distinct, perHandle } = JSON.parse(printed) as {
    readonly rows: number;
    readonly distinct: number;
    readonly perHandle: Readonly<Record<string, number>>;
  };
  return { rows, distinct, perHandle: new Map(Object.entries(perHandle)) };
}

export interface CountedInNotebook {
  readonly streamed: Counted;
  readonly stored: Counted;
  /** Handles with tweets that are in one of the two and not in the other, as a join in SQL finds them. */
  readonly unequalHandles: number;
}

/** The notebook: `stream("tweets")` and `cassandra("tweeter.tweets")`, as a cell would write them. */
export async function countInNotebook({ brokers, contactPoints, topic }: Addresses): Promise<CountedInNotebook> {
  const directory = await mkdtemp(join(tmpdir(), "tidetable-count-"));
  const cell = quietCell();
  const { library, close } = openTidetable({
    config: readConfig(
      { KAFKA_BROKERS: brokers, CASSANDRA_CONTACT_POINTS: contactPoints, TIDETABLE_DATA: directory },
      directory,
    ),
    currentCell: () => cell,
    workingDirectory: directory,
  });
  try {
    const { stream, cassandra, sql } = library;
    const tweets = await stream("tweets", { topic });
    await tweets.caughtUp();
    await cassandra("tweeter.tweets", { name: "stored" });
    const count = async (table: string): Promise<Counted> => {
      const name = sql.identifier(table);
      const total = (await sql`SELECT count(*) AS n, count(DISTINCT id) AS ids FROM ${name}`).at(0);
      const handles = await sql<{
        handle: string;
        n: bigint;
      }>`SELECT handle, count(*) AS n FROM ${name} GROUP BY handle`;
      return {
        rows: Number(total?.n),
        distinct: Number(total?.ids),
        perHandle: new Map([...handles].map(({ handle, n }) => [handle, Number(n)])),
      };
    };
    // As the last cell of the tutorial asks.
    const handles = await sql<{ stored: bigint; streamed: bigint }>`
      SELECT handle, count(stored.id) AS stored, count(tweets.id) AS streamed
      FROM stored FULL JOIN tweets USING (id, handle)
      GROUP BY handle
      ORDER BY stored DESC`;
    return {
      streamed: await count("tweets"),
      stored: await count("stored"),
      unequalHandles: [...handles].filter(({ stored, streamed }) => stored !== streamed).length,
    };
  } finally {
    await close();
    await rm(directory, { recursive: true, force: true });
  }
}

export function add(counts: Map<string, number>, key: string, more: number): void {
  counts.set(key, (counts.get(key) ?? 0) + more);
}
