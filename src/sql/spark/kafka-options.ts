/** What a stream asks for, as options of Spark's Kafka source. Secrets travel in them to the server, and nowhere else. Pure. */

import type { StreamOptions } from "../../engine/protocol.js";
import { TidetableError } from "../../errors.js";
import type { KafkaSasl, KafkaSecurity } from "../../streaming/kafka/security.js";
import type { PartitionWatermarks } from "../../streaming/record.js";

/** A batch of more would not fit a small driver, and its progress would be seen late. */
const OFFSETS_PER_TRIGGER_MAX = 200_000;

export function kafkaOptions(
  options: StreamOptions,
  watermarks: readonly PartitionWatermarks[],
): Record<string, string> {
  const { source } = options;
  if (source.kind !== "kafka") throw notKafka(options);
  return {
    "kafka.bootstrap.servers": source.brokers.join(","),
    ...topicOptions(options),
    ...startOptions(options, watermarks),
    includeHeaders: "true",
    maxOffsetsPerTrigger: String(OFFSETS_PER_TRIGGER_MAX),
    // What retention removed before it was read ends the stream with those words, instead of being left out in silence.
    failOnDataLoss: "true",
    // Kafka's own 500 ms of waiting for more would be most of the way from a record to a chart.
    "kafka.fetch.max.wait.ms": "10",
    "kafka.default.api.timeout.ms": "15000",
    "kafka.request.timeout.ms": "10000",
    ...(source.security === undefined ? {} : securityOptions(source.security)),
  };
}

export function notKafka({ name, source }: StreamOptions): TidetableError {
  const from = source.kind === "kafka" ? "" : source.path;
  return new TidetableError(
    "CONFIG_INVALID",
    `Stream ${name} reads ${from}, a log on this machine; Spark reads topics of Kafka. Set KAFKA_BROKERS (npm run kafka starts one), or leave TIDETABLE_ENGINE out.`,
  );
}

function topicOptions({ topic, topics }: StreamOptions): Record<string, string> {
  if (topics === undefined) return { subscribe: topic };
  return "names" in topics ? { subscribe: topics.names.join(",") } : { subscribePattern: topics.pattern };
}

function startOptions({ from }: StreamOptions, watermarks: readonly PartitionWatermarks[]): Record<string, string> {
  if (from === "earliest" || from === "latest") return { startingOffsets: from };
  if ("timestampMs" in from) {
    return { startingTimestamp: String(from.timestampMs), startingOffsetsByTimestampStrategy: "latest" };
  }
  const { offsets } = from;
  const byTopic: Record<string, Record<string, number>> = {};
  for (const { topic, partition } of watermarks) {
    const ofTopic = byTopic[topic] ?? {};
    byTopic[topic] = ofTopic;
    // -2 is Spark's word for the earliest.
    ofTopic[String(partition)] = Number(offsets[partition] ?? -2n);
  }
  return { startingOffsets: JSON.stringify(byTopic) };
}

function securityOptions({ tls, sasl }: KafkaSecurity): Record<string, string> {
  const protocol = sasl === undefined ? "SSL" : tls === undefined ? "SASL_PLAINTEXT" : "SASL_SSL";
  const options: Record<string, string> = { "kafka.security.protocol": protocol };
  if (tls !== undefined) {
    if (tls.authorities !== undefined) {
      options["kafka.ssl.truststore.type"] = "PEM";
      options["kafka.ssl.truststore.certificates"] = tls.authorities;
    }
    if (tls.certificate !== undefined && tls.key !== undefined) {
      options["kafka.ssl.keystore.type"] = "PEM";
      options["kafka.ssl.keystore.certificate.chain"] = tls.certificate;
      options["kafka.ssl.keystore.key"] = tls.key;
    }
    if (tls.keyPassword !== undefined) options["kafka.ssl.key.password"] = tls.keyPassword;
    if (!tls.checkHost) options["kafka.ssl.endpoint.identification.algorithm"] = "";
  }
  return sasl === undefined ? options : { ...options, ...saslOptions(sasl) };
}

function saslOptions(sasl: KafkaSasl): Record<string, string> {
  const common = "org.apache.kafka.common.security";
  switch (sasl.mechanism) {
    case "oauthbearer":
      return {
        "kafka.sasl.mechanism": "OAUTHBEARER",
        "kafka.sasl.oauthbearer.token.endpoint.url": sasl.tokenUrl,
        "kafka.sasl.login.callback.handler.class": `${common}.oauthbearer.OAuthBearerLoginCallbackHandler`,
        "kafka.sasl.jaas.config": jaas(`${common}.oauthbearer.OAuthBearerLoginModule`, {
          clientId: sasl.clientId,
          clientSecret: sasl.clientSecret,
          scope: sasl.scope,
        }),
      };
    default: {
      const module = sasl.mechanism === "plain" ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
      return {
        "kafka.sasl.mechanism": sasl.mechanism.toUpperCase(),
        "kafka.sasl.jaas.config": jaas(`${common}.${module}`, { username: sasl.username, password: sasl.password }),
      };
    }
  }
}

function jaas(module: string, options: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`],
  );
  return `${module} required ${given.join(" ")};`;
}
