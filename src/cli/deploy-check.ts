/**
 * `tidetable deploy check FILE …`: Marathon definitions, Zeppelin's package options and Kubernetes manifests, before the
 * cluster sees them. Exit code 1 where one would be refused. `--print` writes the filled definition, for `dcos marathon app add`.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Finding, wrong } from "../deploy/finding.js";
import { checkManifests } from "../deploy/kubernetes.js";
import { type Manifest, readManifests } from "../deploy/manifest.js";
import { checkMarathonApp } from "../deploy/marathon-app.js";
import { fillParameters } from "../deploy/parameters.js";
import { checkZeppelinOptions, isZeppelinOptions } from "../deploy/zeppelin-options.js";
import { errorMessage, TidetableError } from "../errors.js";
import type { CommandContext } from "./command.js";
import { parseOptions, UsageError } from "./command.js";

interface Checked {
  readonly file: string;
  readonly what: string;
  readonly findings: readonly Finding[];
  readonly missing: readonly string[];
  readonly text: string;
}

export async function deployCheck(context: CommandContext): Promise<number> {
  const { values, positionals } = parseOptions(
    context.arguments,
    { set: { type: "string", multiple: true }, print: { type: "boolean" } },
    { max: 1_000, name: "file" },
  );
  if (positionals.length === 0)
    throw new UsageError("takes files or folders: marathon/tweeter.json, deploy/kubernetes");
  const parameters = parametersOf(values.set ?? []);
  const files = positionals.flatMap((path) => filesOf(resolve(context.workingDirectory, path), path));
  const json = files.filter(({ name }) => name.endsWith(".json")).map((file) => checkJson(file, parameters));
  const manifests = checkYaml(files.filter(({ name }) => !name.endsWith(".json")));

  if (values.print === true) return print(context, json, manifests.length);
  const checked = [...json, ...manifests];
  for (const { file, what, findings, missing } of checked) {
    const bad = findings.filter(({ severity }) => severity === "wrong").length;
    context.print(`${file}  ${what}: ${bad === 0 ? "nothing wrong found" : `${bad} wrong`}`);
    for (const finding of findings) context.print(line(finding));
    if (missing.length > 0) {
      context.print(`  to fill   ${missing.join(", ")}: --set ${missing[0]}=…, or envsubst`);
    }
  }
  return hasWrong(checked) ? 1 : 0;
}

function parametersOf(settings: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    settings.map((setting) => {
      const [, name = "", value = ""] = /^([A-Z][A-Z0-9_]*)=(.*)$/s.exec(setting) ?? [];
      if (name === "") throw new UsageError(`--set is "${setting}"; it takes NAME=VALUE, the name in capitals`);
      return [name, value];
    }),
  );
}

/** A folder stands for the definitions and manifests in it. */
function filesOf(path: string, name: string): { readonly path: string; readonly name: string }[] {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (cause) {
    throw new TidetableError("CONFIG_INVALID", `${name} cannot be read: ${errorMessage(cause)}`, { cause });
  }
  if (!isFolder) return [{ path, name }];
  return readdirSync(path)
    .filter(
      (file) => /\.(?:json|ya?ml)$/.test(file) && !file.endsWith(".schema.json") && !file.startsWith("kustomization."),
    )
    .sort()
    .map((file) => ({ path: join(path, file), name: join(name, file) }));
}

function checkJson(file: { path: string; name: string }, parameters: Readonly<Record<string, string>>): Checked {
  const { text, missing, unknown } = fillParameters(readFileSync(file.path, "utf8"), parameters);
  const base = { file: file.name, missing, text };
  let definition: unknown;
  try {
    definition = JSON.parse(text);
  } catch (error) {
    return { ...base, what: "no JSON", findings: [wrong("", errorMessage(error))] };
  }
  const strange = unknown.map((name) => wrong("", `has no parameter ${name}; --set ${name} changes nothing in it.`));
  if (typeof definition === "object" && definition !== null && isZeppelinOptions(definition)) {
    return { ...base, what: "options of DC/OS Zeppelin", findings: [...strange, ...checkZeppelinOptions(definition)] };
  }
  return { ...base, what: "Marathon app", findings: [...strange, ...checkMarathonApp(definition)] };
}

/** Manifests name each other across files, so they are checked as one. */
function checkYaml(files: readonly { path: string; name: string }[]): readonly Checked[] {
  if (files.length === 0) return [];
  const read = files.map(({ path, name }) => readManifests(name, readFileSync(path, "utf8")));
  const manifests: readonly Manifest[] = read.flatMap((one) => one.manifests);
  return [
    {
      file: files.map(({ name }) => name).join(", "),
      what: `${manifests.length} Kubernetes manifests, how they fit together (their fields: kubectl apply --dry-run=server --validate=strict)`,
      findings: [...read.flatMap((one) => one.findings), ...checkManifests(manifests)],
      missing: [],
      text: "",
    },
  ];
}

/** Only what a cluster would take goes to standard output. */
function print(context: CommandContext, checked: readonly Checked[], manifestCount: number): number {
  const [only] = checked;
  if (only === undefined || checked.length > 1 || manifestCount > 0)
    throw new UsageError("--print takes one JSON file");
  for (const finding of only.findings) context.warn(`${only.file}${line(finding)}`);
  if (only.missing.length > 0) {
    context.warn(
      `${only.file} has parameters without a value: ${only.missing.join(", ")}. Give each with --set NAME=VALUE.`,
    );
    return 1;
  }
  if (hasWrong(checked)) return 1;
  context.print(only.text.trimEnd());
  return 0;
}

function hasWrong(checked: readonly Checked[]): boolean {
  return checked.some(({ findings }) => findings.some(({ severity }) => severity === "wrong"));
}

function line({ severity, where, message }: Finding): string {
  return `  ${severity.padEnd(8)}  ${where === "" ? "" : `${where} `}${message}`;
}
