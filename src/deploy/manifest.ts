/** Kubernetes manifests as YAML documents, and ways to look into what may be anything. Pure. */
import { parseAllDocuments } from "yaml";
import { type Finding, wrong } from "./finding.js";

export interface Manifest {
  readonly file: string;
  readonly kind: string;
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ReadManifests {
  readonly manifests: readonly Manifest[];
  readonly findings: readonly Finding[];
}

/** Every document of a file; what cannot be read, or is no manifest, is a finding with its place. */
export function readManifests(file: string, source: string): ReadManifests {
  const manifests: Manifest[] = [];
  const findings: Finding[] = [];
  const documents = parseAllDocuments(source);
  if (!Array.isArray(documents)) return { manifests, findings: [wrong(file, "is empty.")] };
  documents.forEach((document, index) => {
    const where = documents.length === 1 ? file : `${file}, document ${index + 1}`;
    const [error] = [...document.errors, ...document.warnings];
    if (error !== undefined) {
      findings.push(wrong(where, error.message.split("\n", 1)[0] ?? error.message));
      return;
    }
    const body: unknown = document.toJS();
    if (body === null) return;
    const kind = text(at(body, "kind"));
    if (!isRecord(body) || kind === undefined || text(at(body, "apiVersion")) === undefined) {
      findings.push(wrong(where, "is no Kubernetes manifest: it has no apiVersion and kind."));
      return;
    }
    manifests.push({ file, kind, name: text(at(body, "metadata", "name")) ?? "", body });
  });
  return { manifests, findings };
}

/** What lies at a path, undefined where the way there ends. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let here = value;
  for (const name of path) {
    if (!isRecord(here)) return undefined;
    here = here[name];
  }
  return here;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
