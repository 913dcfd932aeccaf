/** A Cassandra that wants TLS, a client's certificate and a password: Tweeter and `cassandra()` get in by the environment alone. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type CassandraCluster, startCassandra } from "../../scripts/components/cassandra.js";
import { requireJava } from "../../scripts/components/maven.js";
import { readConfig } from "../../src/config.js";
import { openTidetable, type Tidetable } from "../../src/session.js";
import { openCassandraTweetStore } from "../../src/tweeter/cassandra-tweet-store.js";
import type { TweetStore } from "../../src/tweeter/tweet-store.js";
import { RecordingCell } from "../cells/recording-cell.js";
import { type Certificates, makeCertificates } from "../support/certificates.js";
import { requireComponent } from "../support/require-component.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";

describe("a Cassandra with TLS and passwords", function () {
  this.timeout(120_000);
  let cluster: CassandraCluster;
  let folder: TemporaryFolder;
  let certificates: Certificates;
  const stores: TweetStore[] = [];
  const sessions: Tidetable[] = [];

  const environment = (changes: Readonly<Record<string, string>> = {}) => ({
    TIDETABLE_DATA: folder.path,
    CASSANDRA_CONTACT_POINTS: cluster.contactPoints.join(","),
    CASSANDRA_USERNAME: "cassandra",
    CASSANDRA_PASSWORD: "cassandra",
    CASSANDRA_SSL_CA: certificates.authorityPath,
    CASSANDRA_SSL_CERTIFICATE: certificates.client.certificatePath,
    CASSANDRA_SSL_KEY: certificates.client.keyPath,
    ...changes,
  });
  const openStore = (changes: Readonly<Record<string, string>> = {}) => {
    const told: string[] = [];
    const { cassandra } = readConfig(environment(changes), folder.path);
    if (cassandra === undefined) throw new Error("no contact points");
    const store = openCassandraTweetStore({
      cassandra,
      keyspace: "tweeter",
      // What is posted waits in the outbox.
      kafka: { brokers: ["127.0.0.1:1"] },
      topic: "tweets",
      report: () => ({ name: "one", url: "", startedAtMs: 0, requests: 0, posts: 0 }),
      log: (line) => told.push(line),
    });
    stores.push(store);
    return { store, told };
  };

  before(async function () {
    folder = temporaryFolder("guarded-cassandra");
    cluster = await requireComponent(this, async () => {
      await requireJava();
      certificates = await makeCertificates(folder.path);
      return await startCassandra({
        nodes: 1,
        sync: "periodic",
        guarded: {
          serverPath: certificates.server.bothPath,
          authorityPath: certificates.authorityPath,
          as: {
            username: "cassandra",
            password: "cassandra",
            tls: {
              authorities: readFileSync(certificates.authorityPath, "utf8"),
              certificate: readFileSync(certificates.client.certificatePath, "utf8"),
              key: readFileSync(certificates.client.keyPath, "utf8"),
              checkHost: true,
            },
          },
        },
      });
    });
  });
  after(async function () {
    this.timeout(60_000);
    await Promise.all([...stores.map((store) => store.close()), ...sessions.map((session) => session.close())]);
    await cluster?.stop();
    folder?.remove();
  });

  it("stores Tweeter's tweets, and cassandra() reads them", async () => {
    const { store } = openStore();
    await until("it is connected", () => store.parts().some(({ name, up }) => name === "cassandra" && up), 60_000);
    const { tweet } = await store.post({ handle: "imogen", content: "Behind a lock" });
    deepEqual(await store.timeline({ limit: 10 }), [tweet]);
    const config = readConfig(environment(), folder.path);
    const cell = new RecordingCell();
    const session = openTidetable({ config, currentCell: () => cell, workingDirectory: folder.path });
    sessions.push(session);
    const { cassandra, sql } = session.library;
    equal((await cassandra("tweeter.tweets", { name: "stored" })).rows, 1);
    equal((await sql<{ handle: string }>`SELECT handle FROM stored`).at(0)?.handle, "imogen");
  });

  const refusals: ReadonlyArray<readonly [string, Readonly<Record<string, string>>, RegExp]> = [
    ["no TLS", { CASSANDRA_SSL_CA: "", CASSANDRA_SSL_CERTIFICATE: "", CASSANDRA_SSL_KEY: "" }, /closed|reset|hang up/i],
    ["an authority of others", { CASSANDRA_SSL_CA: "", CASSANDRA_SSL: "true" }, /certificate/i],
    [
      "no certificate of its own",
      { CASSANDRA_SSL_CERTIFICATE: "", CASSANDRA_SSL_KEY: "" },
      /certificate|closed|reset/i,
    ],
    ["a wrong password", { CASSANDRA_PASSWORD: "s3cret-of-mine" }, /password|credentials/i],
  ];
  for (const [what, changes, reason] of refusals) {
    it(`does not let in ${what}, and the reason is said without a secret`, async () => {
      const { store, told } = openStore(changes);
      await until("it says why", () => told.length > 0, 30_000);
      match(told.join("\n"), reason);
      ok(!/s3cret-of-mine|PRIVATE KEY/.test(told.join("\n")), told.join("\n"));
      await rejects(store.post({ handle: "x", content: "y" }), { code: "STORE_UNAVAILABLE" });
    });
  }
});
