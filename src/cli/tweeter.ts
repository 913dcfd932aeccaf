/**
 * `tidetable tweeter`: one instance of the sample app, in the foreground. With Cassandra and Kafka it is one of any number
 * behind a balancer; without, it feeds the embedded log and serves it.
 */
import { readConfig } from "../config.js";
import { embeddedRatePerSecond, feedEmbeddedLog } from "../embedded/feed.js";
import { kafkaConnection } from "../streaming/kafka/connection.js";
import { checkedKeyspace, openCassandraTweetStore } from "../tweeter/cassandra-tweet-store.js";
import { openEmbeddedTweetStore } from "../tweeter/embedded-tweet-store.js";
import { tweetFeeding } from "../tweeter/embedded-tweeter.js";
import { startTweeterServer, type TweeterServer } from "../tweeter/tweeter-server.js";
import type { CommandContext } from "./command.js";
import { parseOptions, UsageError, wholeNumber } from "./command.js";

export async function tweeter(context: CommandContext): Promise<number> {
  const { values } = parseOptions(context.arguments, {
    port: { type: "string" },
    host: { type: "string" },
    instance: { type: "string" },
    cassandra: { type: "string" },
    "data-center": { type: "string" },
    keyspace: { type: "string" },
    replicas: { type: "string" },
    kafka: { type: "string" },
    topic: { type: "string" },
    drain: { type: "string" },
    rate: { type: "string" },
  });
  // An option wins over the variable of the same meaning, and is read by the same rules.
  const config = readConfig(
    {
      ...context.environment,
      ...(values.cassandra === undefined ? {} : { CASSANDRA_CONTACT_POINTS: values.cassandra }),
      ...(values["data-center"] === undefined ? {} : { CASSANDRA_DATA_CENTER: values["data-center"] }),
      ...(values.kafka === undefined ? {} : { KAFKA_BROKERS: values.kafka }),
    },
    context.workingDirectory,
  );
  const server = {
    port: wholeNumber("port", values.port, { min: 0, max: 65_535 }) ?? 8_080,
    drainMs: 1_000 * (wholeNumber("drain", values.drain, { min: 0, max: 600 }) ?? 0),
    log: context.warn,
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values.instance === undefined ? {} : { name: values.instance }),
  };
  const { cassandra } = config;
  if (cassandra === undefined) {
    if (values.kafka !== undefined)
      throw new UsageError("--kafka needs --cassandra too: tweets are stored before they are streamed");
    return await embedded(context, config.dataDirectory, server, values.rate);
  }
  if (config.brokers.length === 0) throw new UsageError("--cassandra needs --kafka HOST:PORT (or KAFKA_BROKERS) too");
  const replicas = wholeNumber("replicas", values.replicas, { min: 1, max: 9 });
  const started = await startTweeterServer({
    ...server,
    openStore: (report) =>
      openCassandraTweetStore({
        cassandra,
        keyspace: checkedKeyspace(values.keyspace ?? "tweeter"),
        ...(replicas === undefined ? {} : { replicas }),
        kafka: kafkaConnection(config.brokers, config.kafkaSecurity),
        topic: values.topic ?? "tweets",
        report,
        log: context.warn,
      }),
  });
  context.print(`Tweeter ${started.name} is at ${started.url}`);
  await untilStopped(context, started);
  return 0;
}

async function embedded(
  context: CommandContext,
  dataDirectory: string,
  server: Omit<Parameters<typeof startTweeterServer>[0], "openStore">,
  rate: string | undefined,
): Promise<number> {
  const ratePerSecond = wholeNumber("rate", rate, { min: 0, max: 10_000 }) ?? embeddedRatePerSecond;
  const feed = await feedEmbeddedLog({
    feeding: tweetFeeding,
    dataDirectory,
    ratePerSecond,
    whileFeeding: async (log) => {
      const started = await startTweeterServer({
        ...server,
        openStore: (report) => openEmbeddedTweetStore({ log, report }),
      });
      context.print(`Tweeter ${started.name} is at ${started.url}`);
      return () => started.close();
    },
  });
  context.print(
    feed.feeding()
      ? `Tweets flow into ${feed.path} at ${ratePerSecond} a second. Ctrl-C stops them.`
      : `Another process feeds ${feed.path} and serves it; this one takes over when that ends. Ctrl-C stops it.`,
  );
  await aborted(context.signal);
  await feed.stop();
  return 0;
}

async function untilStopped(context: CommandContext, server: TweeterServer): Promise<void> {
  context.print("Ctrl-C stops it.");
  await aborted(context.signal);
  await server.close();
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((stop) => signal.addEventListener("abort", () => stop(), { once: true }));
}
