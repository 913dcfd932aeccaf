/**
 * How a cluster wants to be spoken to: TLS and SASL, read from the properties that Java clients use. Owns the rules and the
 * words about what is wrong with them; a secret is never part of a message. Does no IO: files are read by whoever calls.
 */
import { errorMessage, TidetableError } from "../../errors.js";

/** Plain data: it crosses to the engine process. */
export interface KafkaSecurity {
  readonly tls?: KafkaTls;
  readonly sasl?: KafkaSasl;
}

export interface KafkaTls {
  /** PEM. Left out: the authorities that Node knows. */
  readonly authorities?: string;
  /** PEM: certificate chain and key, where the broker asks for the client's. */
  readonly certificate?: string;
  readonly key?: string;
  readonly keyPassword?: string;
  /** False: the certificate may be of another host. */
  readonly checkHost: boolean;
}

export type KafkaSasl =
  | {
      readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: "oauthbearer";
      /** Where a token is fetched before each connection: https (client credentials), or file. */
      readonly tokenUrl: string;
      readonly clientId?: string;
      readonly clientSecret?: string;
      readonly scope?: string;
    };

export type Properties = ReadonlyMap<string, string>;
export type ReadText = (path: string) => string;

/** Undefined: PLAINTEXT. @throws TidetableError CONFIG_INVALID naming the property and what it may be. */
export function securityFrom(properties: Properties, readText: ReadText): KafkaSecurity | undefined {
  const protocol = (properties.get("security.protocol") ?? impliedProtocol(properties)).toUpperCase();
  switch (protocol) {
    case "PLAINTEXT":
      return undefined;
    case "SSL":
      return { tls: tlsFrom(properties, readText) };
    case "SASL_PLAINTEXT":
      return { sasl: saslFrom(properties) };
    case "SASL_SSL":
      return { tls: tlsFrom(properties, readText), sasl: saslFrom(properties) };
    default:
      throw invalid("security.protocol", `is ${protocol}; it may be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL`);
  }
}

/** Java's default is PLAINTEXT even beside a user name, which then goes unused: here what is given is meant. */
function impliedProtocol(properties: Properties): string {
  const sasl = properties.has("sasl.mechanism") || properties.has("sasl.jaas.config");
  const tls = [...properties.keys()].some((name) => name.startsWith("ssl."));
  return sasl ? (tls ? "SASL_SSL" : "SASL_PLAINTEXT") : tls ? "SSL" : "PLAINTEXT";
}

// ---- TLS ----

function tlsFrom(properties: Properties, readText: ReadText): KafkaTls {
  requirePem(properties, "ssl.truststore");
  requirePem(properties, "ssl.keystore");
  const authorities = pem(properties, "ssl.truststore.certificates", "ssl.truststore.location", readText);
  const store = pem(properties, undefined, "ssl.keystore.location", readText);
  const certificate = properties.get("ssl.keystore.certificate.chain") ?? store;
  const key = properties.get("ssl.keystore.key") ?? store;
  const keyPassword = properties.get("ssl.key.password");
  if ((certificate === undefined) !== (key === undefined)) {
    throw invalid("ssl.keystore.certificate.chain", "and ssl.keystore.key belong together; one of them is missing");
  }
  const identification = properties.get("ssl.endpoint.identification.algorithm");
  return {
    ...(authorities === undefined ? {} : { authorities }),
    ...(certificate === undefined || key === undefined ? {} : { certificate, key }),
    ...(keyPassword === undefined ? {} : { keyPassword }),
    checkHost: identification !== "",
  };
}

function requirePem(properties: Properties, store: "ssl.truststore" | "ssl.keystore"): void {
  const location = properties.get(`${store}.location`);
  const type =
    properties.get(`${store}.type`) ?? (location === undefined || /\.(pem|crt|cer)$/i.test(location) ? "PEM" : "JKS");
  if (type.toUpperCase() === "PEM") return;
  const keytool = `keytool -importkeystore -srckeystore ${location ?? "STORE"} -destkeystore store.p12 -deststoretype PKCS12`;
  throw invalid(
    `${store}.type`,
    `is ${type}; Tidetable reads PEM. Convert it: ${keytool}; openssl pkcs12 -in store.p12 -out store.pem -nodes; then ${store}.type=PEM and ${store}.location=store.pem`,
  );
}

function pem(
  properties: Properties,
  inline: string | undefined,
  location: string,
  readText: ReadText,
): string | undefined {
  const text = inline === undefined ? undefined : properties.get(inline);
  if (text !== undefined) return text;
  const path = properties.get(location);
  if (path === undefined) return undefined;
  try {
    return readText(path);
  } catch (error) {
    throw invalid(location, `names a file that cannot be read (${errorMessage(error)})`);
  }
}

// ---- SASL ----

function saslFrom(properties: Properties): KafkaSasl {
  const mechanism = (properties.get("sasl.mechanism") ?? "").toLowerCase();
  const login = loginOptions(properties.get("sasl.jaas.config"));
  switch (mechanism) {
    case "plain":
    case "scram-sha-256":
    case "scram-sha-512": {
      const username = login.get("username");
      const password = login.get("password");
      if (username === undefined || password === undefined) {
        throw invalid(
          "sasl.jaas.config",
          'has no username or no password. Write: org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…"; or set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
        );
      }
      return { mechanism, username, password };
    }
    case "oauthbearer":
      return { mechanism, ...oauthFrom(properties, login) };
    default:
      throw invalid(
        "sasl.mechanism",
        `is ${mechanism === "" ? "missing" : mechanism.toUpperCase()}; it may be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER`,
      );
  }
}

function oauthFrom(properties: Properties, login: Properties) {
  const tokenUrl = properties.get("sasl.oauthbearer.token.endpoint.url");
  if (tokenUrl === undefined || !/^(https?|file):/.test(tokenUrl)) {
    throw invalid(
      "sasl.oauthbearer.token.endpoint.url",
      `is ${tokenUrl === undefined ? "missing" : "no URL"}; it is the address that gives tokens (https://…), or the file that holds one (file:///…)`,
    );
  }
  const option = (name: string, property: string) => login.get(name) ?? properties.get(property);
  const clientId = option("clientId", "sasl.oauthbearer.client.credentials.client.id");
  const clientSecret = option("clientSecret", "sasl.oauthbearer.client.credentials.client.secret");
  const scope = option("scope", "sasl.oauthbearer.scope");
  return {
    tokenUrl,
    ...(clientId === undefined ? {} : { clientId }),
    ...(clientSecret === undefined ? {} : { clientSecret }),
    ...(scope === undefined ? {} : { scope }),
  };
}

/** `key="value"` pairs of a JAAS line. */
function loginOptions(jaas: string | undefined): Properties {
  const options = new Map<string, string>();
  for (const match of (jaas ?? "").matchAll(/([A-Za-z][\w.]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s;"']+))/g)) {
    const value = match[2]?.replace(/\\(.)/g, "$1") ?? match[3] ?? match[4] ?? "";
    options.set(match[1] as string, value);
  }
  return options;
}

function invalid(property: string, what: string): TidetableError {
  return new TidetableError("CONFIG_INVALID", `Kafka's ${property} ${what}.`);
}
