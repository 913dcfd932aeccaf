/** Where InfluxDB and a bucket are, from the environment; secrets come from there alone. Pure. */
import { TidetableError } from "./errors.js";
import type { InfluxdbOptions } from "./sinks/influxdb.js";
import type { BucketOptions } from "./sinks/s3.js";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * `INFLUXDB_URL`, `INFLUXDB_DATABASE` (default `chicago`), `INFLUXDB_USERNAME`, `INFLUXDB_PASSWORD`.
 * @throws TidetableError CONFIG_INVALID naming the variable and what it may be.
 */
export function readInfluxdbSettings(environment: Environment): InfluxdbOptions {
  const { INFLUXDB_USERNAME: username, INFLUXDB_PASSWORD: password } = environment;
  return {
    url: address("INFLUXDB_URL", environment.INFLUXDB_URL, "http://127.0.0.1:8086"),
    database: environment.INFLUXDB_DATABASE || "chicago",
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
  };
}

/**
 * `S3_ENDPOINT`, `S3_BUCKET` (default `chicago-crime`), `AWS_REGION` (default `us-east-1`), `AWS_ACCESS_KEY_ID`,
 * `AWS_SECRET_ACCESS_KEY`.
 * @throws TidetableError CONFIG_INVALID naming the variable and what it may be.
 */
export function readBucketSettings(environment: Environment): BucketOptions {
  return {
    endpoint: address("S3_ENDPOINT", environment.S3_ENDPOINT, "https://s3.us-east-1.amazonaws.com"),
    bucket: environment.S3_BUCKET || "chicago-crime",
    region: environment.AWS_REGION || "us-east-1",
    accessKeyId: required("AWS_ACCESS_KEY_ID", environment),
    secretAccessKey: required("AWS_SECRET_ACCESS_KEY", environment),
  };
}

function address(variable: string, value: string | undefined, example: string): string {
  const url = value !== undefined && URL.canParse(value) ? new URL(value) : undefined;
  const isAddress = url !== undefined && /^https?:$/.test(url.protocol);
  if (isAddress && url.username === "" && url.password === "") return url.origin + url.pathname.replace(/\/$/, "");
  const got =
    value === undefined || value === "" ? "is not set" : isAddress ? "holds a user or a password" : `is "${value}"`;
  throw new TidetableError(
    "CONFIG_INVALID",
    `${variable} ${got}; it is an address without user and password, for example ${variable}=${example}.`,
  );
}

function required(variable: string, environment: Environment): string {
  const value = environment[variable];
  if (value) return value;
  throw new TidetableError("CONFIG_INVALID", `${variable} is not set; the bucket is reached with it.`);
}
