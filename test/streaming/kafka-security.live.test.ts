/** A real broker that wants TLS, SASL and both, reached through the environment as a user would set it. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type KafkaCluster, startKafka } from "../../scripts/components/kafka.js";
import { readConfig } from "../../src/config.js";
import { startEngineProcess } from "../../src/engine/process-client.js";
import type { TidetableError } from "../../src/errors.js";
import { kafkaConnection } from "../../src/streaming/kafka/connection.js";
import { openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import { KafkaRecordSource } from "../../src/streaming/kafka/record-source.js";
import { firstValue } from "../engine/engine-fixture.js";
import { type Certificates, makeCertificates } from "../support/certificates.js";
import { requireComponent } from "../support/require-component.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

const password = 'correct "horse" \\ battery';
const javaPassword = password.replace(/["\\]/g, "\\$&");
const scramPassword = "stapler-7";
const topic = "guarded";

describe("a broker with TLS and SASL", function () {
  this.timeout(120_000);
  let kafka: KafkaCluster;
  let folder: TemporaryFolder;
  let certificates: Certificates;

  before(async function () {
    folder = temporaryFolder("security");
    certificates = await requireComponent(this, () => makeCertificates(folder.path));
    const tls = {
      "ssl.keystore.type": "PEM",
      "ssl.keystore.location": certificates.server.bothPath,
      "ssl.truststore.type": "PEM",
      "ssl.truststore.location": certificates.authorityPath,
    };
    const listeners = { LOCKED: "SSL", OPEN: "SASL_PLAINTEXT", BOTH: "SASL_SSL" } as const;
    const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="${javaPassword}";`;
    const scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    const token =
      'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="alice";';
    const sasl = (listener: string) => ({
      [`listener.name.${listener}.sasl.enabled.mechanisms`]: "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
      [`listener.name.${listener}.plain.sasl.jaas.config`]: escaped(plain),
      [`listener.name.${listener}.scram-sha-256.sasl.jaas.config`]: scram,
      [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`]: scram,
      [`listener.name.${listener}.oauthbearer.sasl.jaas.config`]: token,
    });
    kafka = await requireComponent(this, () =>
      startKafka({
        nodes: 1,
        extraListeners: listeners,
        scramUsers: { bob: scramPassword },
        extraProperties: {
          ...tls,
          "listener.name.locked.ssl.client.auth": "required",
          ...sasl("open"),
          ...sasl("both"),
        },
      }),
    );
    const producer = await openKafkaProducer({ brokers: kafka.bootstrap });
    await producer.ensureTopic(topic, { partitions: 2 });
    await producer.produceAll(topic, [{ key: null, value: Buffer.from('{"n":1}'), timestampMs: Date.now() }]);
    await producer.close();
  });
  after(async () => {
    await kafka?.stop();
    folder?.remove();
  });

  const configOf = (environment: Record<string, string>) => readConfig(environment, folder.path);

  /** Reads what is in the topic with what the environment says. */
  const read = async (environment: Record<string, string>): Promise<number> => {
    const { brokers, kafkaSecurity } = configOf(environment);
    const source = await new KafkaRecordSource(kafkaConnection(brokers, kafkaSecurity)).open(
      { topic, from: "earliest", storedOffsets: new Map() },
      { timeoutMs: 8_000, signal: new AbortController().signal },
    );
    try {
      for await (const batch of source.batches()) return batch.count;
      return 0;
    } finally {
      await source.close();
    }
  };
  const of = (listener: string, environment: Record<string, string>) => ({
    KAFKA_BROKERS: kafka.bootstrapOf(listener).join(","),
    ...environment,
  });
  const user = (mechanism: string, username: string, secret: string) => ({
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: username,
    KAFKA_SASL_PASSWORD: secret,
  });
  const refuses = async (environment: Record<string, string>, message: RegExp, secret = "no secret") => {
    await rejects(read(environment), (error: TidetableError) => {
      equal(error.code, "BROKER_AUTHENTICATION", error.message);
      match(error.message, message);
      ok(!error.message.includes(secret), error.message);
      return true;
    });
  };

  it("PLAIN", async () => equal(await read(of("OPEN", user("PLAIN", "alice", password))), 1));
  for (const mechanism of ["SCRAM-SHA-256", "SCRAM-SHA-512"]) {
    it(mechanism, async () => equal(await read(of("OPEN", user(mechanism, "bob", scramPassword))), 1));
  }

  it("OAUTHBEARER with a token from a file", async () => {
    const path = join(folder.path, "token");
    writeFileSync(path, unsecuredToken("alice"));
    const environment = { KAFKA_SASL_MECHANISM: "OAUTHBEARER", KAFKA_SASL_TOKEN_URL: `file://${path}` };
    equal(await read(of("OPEN", environment)), 1);
  });

  it("TLS with a client's certificate", async () => {
    const environment = {
      KAFKA_SSL_CA: certificates.authorityPath,
      KAFKA_SSL_CERTIFICATE: certificates.client.certificatePath,
      KAFKA_SSL_KEY: certificates.client.keyPath,
    };
    equal(await read(of("LOCKED", environment)), 1);
  });

  it("SASL over TLS from a properties file, through the engine process, and for producing", async () => {
    writeFileSync(
      join(folder.path, "client.properties"),
      [
        `bootstrap.servers=${kafka.bootstrapOf("BOTH").join(",")}`,
        "security.protocol=SASL_SSL",
        "sasl.mechanism=SCRAM-SHA-512",
        `sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n  username="bob" password="${scramPassword}";`,
        "ssl.truststore.type=PEM",
        "ssl.truststore.location=authority.pem",
      ].join("\n"),
    );
    const { brokers, kafkaSecurity } = configOf({ KAFKA_PROPERTIES: "client.properties" });
    const producer = await openKafkaProducer(kafkaConnection(brokers, kafkaSecurity));
    await producer.produceAll(topic, [{ key: null, value: Buffer.from('{"n":2}'), timestampMs: Date.now() }]);
    await producer.close();
    const engine = startEngineProcess({ dataDirectory: folder.path, store: "memory" });
    try {
      const security = kafkaSecurity === undefined ? {} : { security: kafkaSecurity };
      const status = await engine.openStream({
        name: topic,
        topic,
        source: { kind: "kafka", brokers, ...security },
        from: "earliest",
        keep: { rows: 1_000 },
        format: "json",
      });
      ok(
        !JSON.stringify(status, (_, value) => (typeof value === "bigint" ? String(value) : value)).includes(
          scramPassword,
        ),
      );
      await engine.streamCaughtUp(topic);
      deepEqual(firstValue(await engine.query(`SELECT sum(n)::INTEGER FROM ${topic}`)), 3);
    } finally {
      await engine.close();
    }
  });

  it("says that a password is wrong, without it", async () => {
    await refuses(of("OPEN", user("PLAIN", "alice", "wrong-pass")), /refuses the user name or password/, "wrong-pass");
    await refuses(
      of("OPEN", user("SCRAM-SHA-256", "bob", "wrong-pass")),
      /refuses the user name or password/,
      "wrong-pass",
    );
  });

  it("says that a certificate is not trusted, and where to name its authority", async () => {
    await refuses(
      of("BOTH", { KAFKA_SECURITY_PROTOCOL: "SASL_SSL", ...user("PLAIN", "alice", password) }),
      /KAFKA_SSL_CA/,
    );
  });

  it("says that the port does not speak TLS", async () => {
    const brokers = { KAFKA_BROKERS: kafka.bootstrap.join(",") };
    await rejects(
      read({ ...brokers, KAFKA_SECURITY_PROTOCOL: "SSL" }),
      /may not speak TLS: see KAFKA_SECURITY_PROTOCOL/,
    );
  });

  it("says that a plain connection to a guarded port comes to nothing, with the setting to look at", async () => {
    await rejects(read(of("BOTH", {})), /KAFKA_SECURITY_PROTOCOL/);
  });
});

/** In a properties file a backslash stands for two. */
function escaped(text: string): string {
  return text.replace(/\\/g, "\\\\");
}

/** A token that a test's broker believes: not signed. */
function unsecuredToken(subject: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  return `${part({ alg: "none" })}.${part({ sub: subject, iat: now, exp: now + 3_600 })}.`;
}
