/** Options for the DC/OS package of Zeppelin (`dcos package install zeppelin --options=FILE`): what Spark may take. Pure. */
import { advice, type Finding, wrong } from "./finding.js";

/** Whether a file is such options rather than an app definition. */
export function isZeppelinOptions(value: object): boolean {
  return "spark" in value && !("id" in value);
}

export function checkZeppelinOptions(options: object): readonly Finding[] {
  const { spark } = options as { readonly spark: unknown };
  if (typeof spark !== "object" || spark === null || Array.isArray(spark)) {
    return [wrong("spark", `is ${JSON.stringify(spark)}; it takes an object, as { "cores_max": "4" }.`)];
  }
  const { cores_max: coresMax } = spark as { readonly cores_max?: unknown };
  if (coresMax === undefined) {
    return [advice("spark.cores_max", "is missing: the notebook's Spark takes every core that is offered.")];
  }
  if (typeof coresMax === "string" && /^[1-9]\d*$/.test(coresMax)) return [];
  return [wrong("spark.cores_max", `is ${JSON.stringify(coresMax)}; it takes a whole number as text, as "4".`)];
}
