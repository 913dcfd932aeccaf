/**
 * Where a Spark Connect server is, as Spark's own clients write it: `sc://host:15002/;token=…;use_ssl=true`. Owns the
 * rules and the words about what is wrong; a token is never part of a message. Pure.
 */
import { TidetableError } from "../../errors.js";

export interface SparkAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Sent with every call; Spark's `spark.connect.authenticate.token`. */
  readonly token?: string;
  readonly userId?: string;
  /** A session that is there already, of the same user. */
  readonly sessionId?: string;
}

const portDefault = 15_002;
const form = "sc://host:15002, with parameters as sc://host:15002/;token=…;use_ssl=true";

/** @throws TidetableError CONFIG_INVALID. `name` is what the reader knows the text by: `SPARK_REMOTE`. */
export function parseSparkAddress(text: string, name = "The address"): SparkAddress {
  const [, authority = "", tail = ""] = /^sc:\/\/([^/;?#]+)(?:\/(.*))?$/.exec(text.trim()) ?? [];
  const [, host = "", portText] = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/.exec(authority) ?? [];
  const port = portText === undefined ? portDefault : Number(portText);
  if (host === "" || port < 1 || port > 65_535) throw invalid(`${name} is no address of Spark Connect; write ${form}.`);
  const parameters = readParameters(tail, name);
  const token = parameters.get("token");
  const userId = parameters.get("user_id");
  const sessionId = parameters.get("session_id");
  return {
    host,
    port,
    // A token over plain text is read by whoever listens: Spark's clients turn TLS on with it, unless told otherwise.
    tls: flag(parameters.get("use_ssl"), name) ?? (token !== undefined && !isLoopback(host)),
    ...(token === undefined ? {} : { token }),
    ...(userId === undefined ? {} : { userId }),
    ...(sessionId === undefined ? {} : { sessionId: checkedSession(sessionId, name) }),
  };
}

/** For messages: without token and user. */
export function describeAddress({ host, port }: SparkAddress): string {
  return `sc://${host}:${port}`;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

const known = ["token", "use_ssl", "user_id", "session_id", "user_agent"];

function readParameters(tail: string, name: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of tail.split(";").filter((text) => text !== "")) {
    const equals = part.indexOf("=");
    const key = equals < 0 ? part : part.slice(0, equals);
    if (equals < 1 || !known.includes(key)) {
      throw invalid(`${name} has the parameter "${key}"; it may have ${known.join(", ")}. Write ${form}.`);
    }
    parameters.set(key, decoded(part.slice(equals + 1), key, name));
  }
  return parameters;
}

function decoded(value: string, key: string, name: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw invalid(`${name} has a ${key} with a % that begins no escape; write %25 for a percent sign.`);
  }
}

function flag(value: string | undefined, name: string): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === "true" || value === "false") return value === "true";
  throw invalid(`${name} has use_ssl=${value}; it may be true or false.`);
}

/** The server takes nothing else. */
function checkedSession(id: string, name: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return id;
  throw invalid(`${name} has session_id=${id}, which is no UUID.`);
}

function invalid(message: string): TidetableError {
  return new TidetableError("CONFIG_INVALID", message);
}
