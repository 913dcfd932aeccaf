/** From what a user configured to what kafkajs connects with: TLS options, SASL options, and the tokens of OAUTHBEARER. */
import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import { fileURLToPath } from "node:url";
import type { SASLOptions } from "kafkajs";
import { errorMessage, TidetableError } from "../../errors.js";
import type { KafkaConnection } from "./client.js";
import type { KafkaSasl, KafkaSecurity, KafkaTls } from "./security.js";

const tokenTimeoutMs = 10_000;

export function kafkaConnection(brokers: readonly string[], security: KafkaSecurity | undefined): KafkaConnection {
  return {
    brokers,
    ...(security?.tls === undefined ? {} : { ssl: tlsOptions(security.tls) }),
    ...(security?.sasl === undefined ? {} : { sasl: saslOptions(security.sasl) }),
  };
}

function tlsOptions({ authorities, certificate, key, keyPassword, checkHost }: KafkaTls): ConnectionOptions {
  return {
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
    ...(checkHost ? {} : { checkServerIdentity: () => undefined }),
  };
}

function saslOptions(sasl: KafkaSasl): SASLOptions {
  // A copy: kafkajs hangs functions on what it is given, and this goes to another process.
  if (sasl.mechanism !== "oauthbearer") return { ...sasl };
  return { mechanism: "oauthbearer", oauthBearerProvider: async () => ({ value: await fetchToken(sasl) }) };
}

type OAuth = Extract<KafkaSasl, { mechanism: "oauthbearer" }>;

/** Anew before each connection, so that an expired one is never sent. @throws TidetableError BROKER_AUTHENTICATION. */
async function fetchToken(oauth: OAuth): Promise<string> {
  try {
    if (oauth.tokenUrl.startsWith("file:")) return (await readFile(fileURLToPath(oauth.tokenUrl), "utf8")).trim();
    return await requestToken(oauth);
  } catch (error) {
    throw new TidetableError(
      "BROKER_AUTHENTICATION",
      `No token from ${withoutSecrets(oauth.tokenUrl)}: ${errorMessage(error)}.`,
      { cause: error },
    );
  }
}

async function requestToken({ tokenUrl, clientId, clientSecret, scope }: OAuth): Promise<string> {
  const form = new URLSearchParams({ grant_type: "client_credentials", ...(scope === undefined ? {} : { scope }) });
  const credentials = Buffer.from(`${clientId ?? ""}:${clientSecret ?? ""}`).toString("base64");
  const response = await fetch(tokenUrl, {
    method: "POST",
    headers: { authorization: `Basic ${credentials}`, accept: "application/json" },
    body: form,
    signal: AbortSignal.timeout(tokenTimeoutMs),
  });
  if (!response.ok) throw new Error(`it answers ${response.status}`);
  const answer: unknown = await response.json();
  const token =
    typeof answer === "object" && answer !== null && "access_token" in answer ? answer.access_token : undefined;
  if (typeof token !== "string" || token === "") throw new Error("its answer has no access_token");
  return token;
}

/** Some put a password into the address. */
function withoutSecrets(address: string): string {
  const url = new URL(address);
  return `${url.protocol}//${url.host}${url.pathname}`;
}
