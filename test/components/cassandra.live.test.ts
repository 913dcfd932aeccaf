/** The real Cassandra that other tests stand on: one node keeps what it acknowledged through SIGKILL, three answer with one dead. */
import { equal, ok, rejects } from "node:assert/strict";
import { existsSync } from "node:fs";
import type { Client } from "cassandra-driver";
import { type CassandraCluster, startCassandra } from "../../scripts/components/cassandra.js";
import { cassandraClient, closeCassandraClient } from "../../src/tweeter/cassandra-client.js";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";

describe("Cassandra on loopback", function () {
  this.timeout(180_000);
  let cassandra: CassandraCluster | undefined;
  let client: Client | undefined;

  const connect = async (cluster: CassandraCluster) => {
    client = cassandraClient({ contactPoints: cluster.contactPoints, dataCenter: cluster.dataCenter });
    await client.connect();
    return client;
  };
  afterEach(async function () {
    this.timeout(60_000);
    if (client !== undefined) await closeCassandraClient(client);
    await cassandra?.stop();
    client = undefined;
    cassandra = undefined;
  });

  it("one node: written, killed, started again, and there", async function () {
    cassandra = await requireComponent(this, () => startCassandra({ nodes: 1 }));
    const { directory } = cassandra;
    const session = await connect(cassandra);
    await session.execute(
      "CREATE KEYSPACE t WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      [],
      { prepare: false },
    );
    await session.execute("CREATE TABLE t.rows (id int PRIMARY KEY, text text)", [], { prepare: false });
    for (let id = 0; id < 50; id += 1) await session.execute("INSERT INTO t.rows (id, text) VALUES (?, ?)", [id, "x"]);
    await cassandra.killNode(1);
    await rejects(async () => await session.execute("SELECT count(*) FROM t.rows"));
    await cassandra.startNode(1);
    const counted = await until("the driver is back", async () => {
      try {
        return await session.execute("SELECT count(*) FROM t.rows");
      } catch {
        return undefined;
      }
    });
    equal(Number(counted.first()?.get(0)), 50);
    await cassandra.stop();
    ok(!existsSync(directory));
  });
});
