/** What `npm run pipeline` is asked to do, and what of it this machine has memory for. Pure. */
import { parseArgs } from "node:util";
import { errorMessage, TidetableError } from "../../src/errors.js";

export interface PipelineSize {
  /** Tweeters behind the balancer. */
  readonly instances: number;
  readonly cassandraNodes: 1 | 3;
  readonly kafkaNodes: 1 | 3;
}

export type PipelineRequest =
  | { readonly action: "run"; readonly size: PipelineSize; readonly workbench: boolean }
  | { readonly action: "rehearse"; readonly size: PipelineSize; readonly count: number; readonly ratePerSecond: number }
  | { readonly action: "scale"; readonly instances: number }
  | { readonly action: "kill" | "start"; readonly service: ServiceName; readonly number: number }
  | { readonly action: "status" };

export type ServiceName = "kafka" | "cassandra" | "tweeter";

const instancesMax = 16;
const usage = `npm run pipeline [-- --instances 3 --nodes 3 --no-workbench]
npm run pipeline -- scale 2             while it runs: so many Tweeters
npm run pipeline -- status              what runs
npm run pipeline -- kill cassandra 2    SIGKILL to one of kafka, cassandra, tweeter; start brings a node back
npm run pipeline -- rehearse [--count 100000 --rate 1000]
                                        a pipeline of its own: posts, kills one of each meanwhile, counts everywhere`;

/** @throws TidetableError CONFIG_INVALID with what there is to say. */
export function readPipelineRequest(argumentList: readonly string[]): PipelineRequest {
  const { values, positionals } = parse(argumentList);
  const [action = "run", ...rest] = positionals;
  const instances = whole("--instances", values.instances, 3, 1, instancesMax);
  const nodes = nodesOf(values.nodes);
  const size: PipelineSize = { instances, cassandraNodes: nodes, kafkaNodes: nodes };
  switch (action) {
    case "run":
      return { action, size, workbench: values["no-workbench"] !== true };
    case "rehearse":
      return {
        action,
        size,
        count: whole("--count", values.count, 100_000, 1, 10_000_000),
        ratePerSecond: whole("--rate", values.rate, 1_000, 1, 100_000),
      };
    case "scale":
      return { action, instances: whole("scale", rest[0], undefined, 1, instancesMax) };
    case "kill":
    case "start":
      return { action, service: serviceOf(rest[0]), number: whole(action, rest[1], undefined, 1, instancesMax) };
    case "status":
      return { action };
    default:
      throw new TidetableError("CONFIG_INVALID", `There is no "${action}" for the pipeline.\n${usage}`);
  }
}

/** Measured, at rest and under load: what one of each takes, MiB. */
const needMiB = { cassandra: 950, kafka: 620, tweeter: 160, rest: 600 };

export interface Fitted {
  readonly size: PipelineSize;
  /** What was scaled down, and how to have it all the same. */
  readonly notices: readonly string[];
}

/** The first to go are Cassandra's replicas, the largest; then Kafka's. Instances are what the tutorial is about: they stay. */
export function fitToMemory(size: PipelineSize, freeMiB: number): Fitted {
  const notices: string[] = [];
  let fitted = size;
  const say = (what: string) => {
    notices.push(
      `${Math.round(freeMiB)} MiB of memory are free and ${needOf(size)} would be needed: ${what} runs on one node, without replicas.`,
    );
  };
  if (needOf(fitted) > freeMiB && fitted.cassandraNodes > 1) {
    fitted = { ...fitted, cassandraNodes: 1 };
    say("Cassandra");
  }
  if (needOf(fitted) > freeMiB && fitted.kafkaNodes > 1) {
    fitted = { ...fitted, kafkaNodes: 1 };
    say("Kafka");
  }
  if (needOf(fitted) > freeMiB) {
    notices.push(`Even so ${needOf(fitted)} MiB may be used; it is tried.`);
  }
  return { size: fitted, notices };
}

function needOf({ instances, cassandraNodes, kafkaNodes }: PipelineSize): number {
  return cassandraNodes * needMiB.cassandra + kafkaNodes * needMiB.kafka + instances * needMiB.tweeter + needMiB.rest;
}

function parse(argumentList: readonly string[]) {
  try {
    return parseArgs({
      args: [...argumentList],
      allowPositionals: true,
      options: {
        instances: { type: "string" },
        nodes: { type: "string" },
        count: { type: "string" },
        rate: { type: "string" },
        "no-workbench": { type: "boolean" },
      },
    });
  } catch (cause) {
    throw new TidetableError("CONFIG_INVALID", `${errorMessage(cause).split(". ")[0]}.\n${usage}`, { cause });
  }
}

function whole(name: string, text: string | undefined, fallback: number | undefined, min: number, max: number): number {
  if (text === undefined && fallback !== undefined) return fallback;
  const value = Number(text);
  if (text !== undefined && text.trim() !== "" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new TidetableError(
    "CONFIG_INVALID",
    `${name} takes a whole number from ${min} to ${max}${text === undefined ? "" : `; it is "${text}"`}.\n${usage}`,
  );
}

function nodesOf(text: string | undefined): 1 | 3 {
  if (text === undefined || text === "3") return 3;
  if (text === "1") return 1;
  throw new TidetableError(
    "CONFIG_INVALID",
    `--nodes is "${text}"; it may be 1 or 3, of Kafka and of Cassandra.\n${usage}`,
  );
}

function serviceOf(text: string | undefined): ServiceName {
  if (text === "kafka" || text === "cassandra" || text === "tweeter") return text;
  throw new TidetableError("CONFIG_INVALID", `"${text ?? ""}" is no service: kafka, cassandra or tweeter.\n${usage}`);
}
