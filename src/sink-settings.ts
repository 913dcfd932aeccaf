/** Where InfluxDB and a bucket are, from the environment; secrets come from there alone. Pure. */
import { TidetableError } from "./errors.js";
import type { InfluxdbOptions } from "./sinks/influxdb.js";
import type { BucketOptions } from "./sinks/s3.js";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * `INFLUXDB_URL`, `INFLUXDB_DATABASE` (default `chicago`), `INFLUXDB_USERNAME`, `INFLUXDB_PASSWORD`.
 * @throws TidetableError CONFIG_INVALID naming the variable and what it is.
 */
export function readInfluxdbSettings(environment: Environment): InfluxdbOptions {
  const { INFLUXDB_USERNAME: username, INFLUXDB_PASSWORD: password } = environment;
  return {
    url: required("INFLUXDB_URL", environment, "the address of InfluxDB, for example http://127.0.0.1:8086"),
    database: environment.INFLUXDB_DATABASE || "chicago",
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
  };
}

/**
 * `S3_ENDPOINT`, `S3_BUCKET` (default `chicago-crime`), `AWS_REGION` (default `us-east-1`), `AWS_ACCESS_KEY_ID`,
 * `AWS_SECRET_ACCESS_KEY`.
 * @throws TidetableError CONFIG_INVALID naming the variable and what it is.
 */
export function readBucketSettings(environment: Environment): BucketOptions {
  return {
    endpoint: required("S3_ENDPOINT", environment, "the address of S3, for example https://s3.us-east-1.amazonaws.com"),
    bucket: environment.S3_BUCKET || "chicago-crime",
    region: environment.AWS_REGION || "us-east-1",
    accessKeyId: required("AWS_ACCESS_KEY_ID", environment, "the id of the key to the bucket"),
    secretAccessKey: required("AWS_SECRET_ACCESS_KEY", environment, "the secret of the key to the bucket"),
  };
}

function required(variable: string, environment: Environment, meaning: string): string {
  const value = environment[variable];
  if (value) return value;
  throw new TidetableError("CONFIG_INVALID", `${variable} is not set. It is ${meaning}.`);
}
