/**
 * A Marathon app definition as the cluster will take it: its shape by marathon/app.schema.json, then what no schema can say
 * (marathon-rules.ts). Pure.
 */
import { Ajv, type ErrorObject } from "ajv";
import schema from "../../marathon/app.schema.json" with { type: "json" };
import { probablyMeant } from "../sql/identifiers.js";
import { type Finding, wrong } from "./finding.js";
import { checkMarathonRules, type MarathonApp } from "./marathon-rules.js";

const isMarathonApp = new Ajv({ allErrors: true, verbose: true, strictTuples: false }).compile<MarathonApp>(schema);

/** What Marathon would refuse, or take and then not run. Rules are looked at once the shape is right. */
export function checkMarathonApp(definition: unknown): readonly Finding[] {
  if (Array.isArray(definition)) {
    return [wrong("", "holds a list; a file is checked one app at a time, as `dcos marathon app add` takes it.")];
  }
  if (isMarathonApp(definition)) return checkMarathonRules(definition);
  const errors = (isMarathonApp.errors ?? []).filter(({ keyword }) => !["if", "anyOf"].includes(keyword));
  return errors.map((error) => wrong(pathOf(error.instancePath), describe(error)));
}

/** `/container/portMappings/0` as `container.portMappings[0]`. */
function pathOf(pointer: string): string {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path === "" ? part : `${path}.${part}`), "");
}

function describe(error: ErrorObject): string {
  const { keyword, params, data, parentSchema, instancePath } = error;
  const found = JSON.stringify(data);
  switch (keyword) {
    case "additionalProperties": {
      const name = String(params.additionalProperty);
      const known = Object.keys((parentSchema?.properties ?? {}) as object);
      const meant = oftenMeant[name] ?? probablyMeant(name, known);
      return `"${name}" is not known here${meant === undefined ? "" : `; "${meant}" probably is meant`}.`;
    }
    case "required":
      return `"${String(params.missingProperty)}" is missing.`;
    case "enum":
      return `is ${found}; it may be ${(params.allowedValues as unknown[]).join(", ")}.`;
    case "const":
      return `is ${found}; it may be ${JSON.stringify(params.allowedValue)}.`;
    case "type":
      return `is ${found}; it takes ${article(String(params.type))}.`;
    case "not":
      return instancePath === ""
        ? 'has both "cmd" and "args"; Marathon takes one of the two.'
        : 'has both "port" and "portIndex"; a health check takes one of the two.';
    case "pattern":
      return `is ${found}, which is not of the form it must have${formOf(instancePath)}.`;
    default:
      return `is ${found}; it ${error.message ?? "is not right"}.`;
  }
}

/** Words of other systems that no spelling is near to. */
const oftenMeant: Readonly<Record<string, string>> = {
  memory: "mem",
  cpu: "cpus",
  replicas: "instances",
  environment: "env",
};

function article(type: string): string {
  return /^[aio]/.test(type) ? `an ${type}` : `a ${type}`;
}

function formOf(pointer: string): string {
  if (pointer === "/id" || pointer.startsWith("/dependencies")) {
    return ": parts of lower-case letters, digits and hyphens, with / between them";
  }
  if (pointer.endsWith("/path")) return ": it begins with /";
  if (pointer.endsWith("/name") || pointer.endsWith("/portName"))
    return ": up to 15 lower-case letters, digits and hyphens";
  return "";
}
