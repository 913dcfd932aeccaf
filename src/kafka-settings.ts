/**
 * The settings of Kafka's connections from the environment: a properties file as Java clients use it (`KAFKA_PROPERTIES`),
 * and variables that win over it. Part of reading the configuration; only config.ts calls it.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errorMessage, TidetableError } from "./errors.js";
import { parseProperties } from "./streaming/client-properties.js";
import { type KafkaSecurity, securityFrom } from "./streaming/kafka/security.js";

export interface KafkaSettings {
  /** `bootstrap.servers` of the properties file. */
  readonly brokers: string | undefined;
  readonly security: KafkaSecurity | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Environment variable → property. */
const variables: Readonly<Record<string, string>> = {
  KAFKA_SECURITY_PROTOCOL: "security.protocol",
  KAFKA_SASL_MECHANISM: "sasl.mechanism",
  KAFKA_SASL_JAAS_CONFIG: "sasl.jaas.config",
  KAFKA_SASL_TOKEN_URL: "sasl.oauthbearer.token.endpoint.url",
  KAFKA_SSL_CA: "ssl.truststore.location",
  KAFKA_SSL_CERTIFICATE: "ssl.keystore.certificate.chain",
  KAFKA_SSL_KEY: "ssl.keystore.key",
  KAFKA_SSL_KEY_PASSWORD: "ssl.key.password",
};
/** These name a file whose text is the property. */
const fileVariables = new Set(["KAFKA_SSL_CERTIFICATE", "KAFKA_SSL_KEY"]);

/** @throws TidetableError CONFIG_INVALID. */
export function readKafkaSettings(environment: Environment, workingDirectory: string): KafkaSettings {
  const file = environment.KAFKA_PROPERTIES;
  const path = file === undefined || file === "" ? undefined : resolve(workingDirectory, file);
  const properties = new Map(path === undefined ? [] : readProperties(path));
  for (const [variable, property] of Object.entries(variables)) {
    const value = environment[variable];
    if (value === undefined || value === "") continue;
    properties.set(
      property,
      fileVariables.has(variable) ? readNamed(variable, resolve(workingDirectory, value)) : value,
    );
    // Set by variable, a location is a PEM file whatever its name and whatever the file of properties says.
    if (variable === "KAFKA_SSL_CA") {
      properties.set("ssl.truststore.type", "PEM");
      properties.set(property, resolve(workingDirectory, value));
    }
  }
  const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = environment;
  if (username !== undefined && password !== undefined) {
    properties.set("sasl.jaas.config", `Login required username=${quoted(username)} password=${quoted(password)};`);
  }
  // As Java does it, but beside the file of properties instead of wherever the program was started.
  const folder = path === undefined ? workingDirectory : dirname(path);
  const security = securityFrom(properties, (named) => readFileSync(resolve(folder, named), "utf8"));
  return { brokers: properties.get("bootstrap.servers"), security };
}

function readProperties(path: string): ReadonlyMap<string, string> {
  return parseProperties(readNamed("KAFKA_PROPERTIES", path));
}

function readNamed(variable: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new TidetableError(
      "CONFIG_INVALID",
      `${variable} names ${path}, which cannot be read (${errorMessage(error)}).`,
      {
        cause: error,
      },
    );
  }
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
