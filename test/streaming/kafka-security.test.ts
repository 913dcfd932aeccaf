import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../../src/config.js";
import type { TidetableError } from "../../src/errors.js";
import { parseProperties } from "../../src/streaming/client-properties.js";
import { type KafkaSecurity, securityFrom } from "../../src/streaming/kafka/security.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const files: Readonly<Record<string, string>> = { "ca.pem": "AUTHORITY", "client.pem": "KEY AND CERTIFICATE" };
const readText = (path: string): string => {
  const text = files[path];
  if (text === undefined) throw new Error("no such file");
  return text;
};
const security = (text: string) => securityFrom(parseProperties(text), readText);

describe("properties of Java clients", () => {
  const rows: ReadonlyArray<readonly [string, Record<string, string>]> = [
    ["a=1\nb: 2\nc 3\nd", { a: "1", b: "2", c: "3", d: "" }],
    ["# no\n! no\n\n  a = x y \n", { a: "x y " }],
    ["a=one, \\\n   two\nb=back\\\\\nc=3", { a: "one, two", b: "back\\", c: "3" }],
    ["a\\=b=c\\:d\\u0041\\n", { "a=b": "c:dA\n" }],
    ["url=https://h:1/p?x=y", { url: "https://h:1/p?x=y" }],
  ];
  for (const [text, expected] of rows) {
    it(`reads ${JSON.stringify(text)}`, () => deepEqual(Object.fromEntries(parseProperties(text)), expected));
  }
});

describe("the security of connections", () => {
  const plain =
    'sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="al\\\\"ice" password="s;e=c\'ret";';
  const rows: ReadonlyArray<readonly [string, string, KafkaSecurity | undefined]> = [
    ["nothing", "", undefined],
    ["PLAINTEXT", "security.protocol=PLAINTEXT\nsasl.mechanism=PLAIN", undefined],
    ["TLS by known authorities", "security.protocol=SSL", { tls: { checkHost: true } }],
    [
      "TLS with an authority and a client's certificate in files",
      "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=ca.pem\nssl.keystore.location=client.pem\nssl.key.password=k\nssl.endpoint.identification.algorithm=",
      {
        tls: {
          authorities: "AUTHORITY",
          certificate: "KEY AND CERTIFICATE",
          key: "KEY AND CERTIFICATE",
          keyPassword: "k",
          checkHost: false,
        },
      },
    ],
    [
      "TLS inline",
      "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.certificates=A\nssl.keystore.type=PEM\nssl.keystore.certificate.chain=C\nssl.keystore.key=K",
      { tls: { authorities: "A", certificate: "C", key: "K", checkHost: true } },
    ],
    [
      "a user beside no protocol",
      `sasl.mechanism=PLAIN\n${plain}`,
      { sasl: { mechanism: "plain", username: 'al"ice', password: "s;e=c'ret" } },
    ],
    [
      "SCRAM over TLS",
      "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=ScramLoginModule required username=u password=p;",
      { tls: { checkHost: true }, sasl: { mechanism: "scram-sha-512", username: "u", password: "p" } },
    ],
    [
      "tokens",
      'security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url=https://id.example/token\nsasl.jaas.config=OAuthBearerLoginModule required clientId="c" clientSecret="s" scope="kafka";',
      {
        tls: { checkHost: true },
        sasl: {
          mechanism: "oauthbearer",
          tokenUrl: "https://id.example/token",
          clientId: "c",
          clientSecret: "s",
          scope: "kafka",
        },
      },
    ],
  ];
  for (const [name, text, expected] of rows) it(`reads ${name}`, () => deepEqual(security(text), expected));

  const refused: ReadonlyArray<readonly [string, RegExp]> = [
    ["security.protocol=TLS", /security\.protocol is TLS; it may be PLAINTEXT, SSL/],
    ["security.protocol=SASL_SSL", /sasl\.mechanism is missing; it may be PLAIN/],
    ["sasl.mechanism=GSSAPI", /sasl\.mechanism is GSSAPI; it may be/],
    ["sasl.mechanism=PLAIN\nsasl.jaas.config=X required username=u;", /no username or no password/],
    ["sasl.mechanism=OAUTHBEARER", /token\.endpoint\.url is missing/],
    ["security.protocol=SSL\nssl.truststore.location=kafka.jks", /is JKS; Tidetable reads PEM\. Convert it: keytool/],
    ["security.protocol=SSL\nssl.truststore.location=gone.pem", /names a file that cannot be read \(no such file\)/],
    ["security.protocol=SSL\nssl.keystore.certificate.chain=C", /belong together/],
  ];
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      throws(
        () => security(text),
        (error: TidetableError) => error.code === "CONFIG_INVALID" && message.test(error.message),
      ));
  }

  it("never names a secret in what it refuses", () => {
    const text =
      "security.protocol=SASL_SSL\nsasl.mechanism=DIGEST\nssl.key.password=hush1\nsasl.jaas.config=X required username=u password=hush2;";
    throws(
      () => security(text),
      (error: Error) => !/hush/.test(error.message),
    );
  });
});

describe("Kafka's settings in the environment", () => {
  it("reads a properties file beside which its files lie; variables win over it", () => {
    const folder = temporaryFolder("settings");
    try {
      writeFileSync(join(folder.path, "ca.pem"), "AUTHORITY");
      writeFileSync(
        join(folder.path, "client.properties"),
        "bootstrap.servers=a:9092,b:9092\nsecurity.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nssl.truststore.location=ca.pem\nsasl.jaas.config=P required username=u password=p;",
      );
      const properties = { KAFKA_PROPERTIES: "client.properties" };
      const fromFile = readConfig(properties, folder.path);
      deepEqual(fromFile.brokers, ["a:9092", "b:9092"]);
      deepEqual(fromFile.kafkaSecurity, {
        tls: { authorities: "AUTHORITY", checkHost: true },
        sasl: { mechanism: "plain", username: "u", password: "p" },
      });
      const variables = { KAFKA_BROKERS: "c:1", KAFKA_SASL_USERNAME: "v", KAFKA_SASL_PASSWORD: 'q"\\' };
      const fromBoth = readConfig({ ...properties, ...variables }, folder.path);
      deepEqual(fromBoth.brokers, ["c:1"]);
      deepEqual(fromBoth.kafkaSecurity?.sasl, { mechanism: "plain", username: "v", password: 'q"\\' });
    } finally {
      folder.remove();
    }
  });

  it("leaves security out where nothing is said of it", () => {
    const config = readConfig({ KAFKA_BROKERS: "a:9092" }, "/nowhere");
    equal(config.kafkaSecurity, undefined);
    ok(!("kafkaSecurity" in config));
  });

  it("says which file is not there", () => {
    throws(
      () => readConfig({ KAFKA_PROPERTIES: "gone.properties" }, "/nowhere"),
      /KAFKA_PROPERTIES names \/nowhere\/gone\.properties/,
    );
  });
});
