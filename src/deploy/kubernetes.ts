/**
 * What a schema does not see in Kubernetes manifests: selectors that match no label, ports that no container has, words
 * and quantities that the API server refuses. Takes the documents of all files together, because they name each other. Pure.
 */
import { advice, type Finding, wrong } from "./finding.js";
import { at, isRecord, list, type Manifest, record, text } from "./manifest.js";

/** A pod as some manifest describes it. */
interface PodTemplate {
  readonly owner: Manifest;
  /** Path of the template within its manifest. */
  readonly where: string;
  readonly labels: Readonly<Record<string, unknown>>;
  readonly spec: unknown;
}

const podOwners: Readonly<Record<string, readonly string[]>> = {
  Deployment: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};
const pullPolicies = ["Always", "IfNotPresent", "Never"];
const quantity = /^\d+(?:\.\d+)?(?:[numkMGTPE]|[KMGTPE]i|e\d+)?$/;

export function checkManifests(manifests: readonly Manifest[]): readonly Finding[] {
  const templates = manifests.flatMap(podTemplateOf);
  return [
    ...templates.flatMap(checkPod),
    ...manifests.flatMap((manifest) => {
      switch (manifest.kind) {
        case "Deployment":
        case "StatefulSet":
        case "DaemonSet":
          return checkOwnSelector(manifest);
        case "Service":
          return checkService(manifest, templates);
        case "Ingress":
          return checkIngress(manifest, manifests);
        case "PodDisruptionBudget":
          return checkBudget(manifest, templates);
        default:
          return [];
      }
    }),
  ];
}

function podTemplateOf(manifest: Manifest): PodTemplate[] {
  const path = podOwners[manifest.kind];
  if (path === undefined) return [];
  const template = at(manifest.body, ...path);
  const labels = record(at(template, "metadata", "labels"));
  return [{ owner: manifest, where: path.join("."), labels, spec: at(template, "spec") }];
}

function checkPod({ owner, where, spec }: PodTemplate): Finding[] {
  const found: Finding[] = [];
  if (/Job$/.test(owner.kind) && !["Never", "OnFailure"].includes(text(at(spec, "restartPolicy")) ?? "")) {
    const policy = JSON.stringify(at(spec, "restartPolicy") ?? "Always");
    found.push(wrong(place(owner, `${where}.spec.restartPolicy`), `is ${policy}; a job takes Never or OnFailure.`));
  }
  const claims = list(at(owner.body, "spec", "volumeClaimTemplates")).map((claim) => at(claim, "metadata", "name"));
  const volumes = list(at(spec, "volumes")).map((volume) => at(volume, "name"));
  const mounted = new Set<unknown>();
  for (const group of ["initContainers", "containers"]) {
    list(at(spec, group)).forEach((container, index) => {
      found.push(...checkContainer(owner, `${where}.spec.${group}[${index}]`, container));
      list(at(container, "volumeMounts")).forEach((mount, number) => {
        const name = at(mount, "name");
        mounted.add(name);
        if (volumes.includes(name) || claims.includes(name)) return;
        const path = `${where}.spec.${group}[${index}].volumeMounts[${number}]`;
        found.push(wrong(place(owner, path), `mounts "${String(name)}", and the pod has no such volume.`));
      });
    });
  }
  volumes.forEach((name, index) => {
    if (mounted.has(name)) return;
    found.push(advice(place(owner, `${where}.spec.volumes[${index}]`), `is "${String(name)}", which nothing mounts.`));
  });
  return found;
}

function checkContainer(owner: Manifest, where: string, container: unknown): Finding[] {
  const found: Finding[] = [];
  const policy = at(container, "imagePullPolicy");
  if (policy !== undefined && !pullPolicies.includes(String(policy))) {
    found.push(
      wrong(place(owner, `${where}.imagePullPolicy`), `is ${String(policy)}; it may be ${pullPolicies.join(", ")}.`),
    );
  }
  const image = text(at(container, "image")) ?? "";
  if (!/(?:@sha256:[0-9a-f]{64}|:(?!latest$)[\w.-]+)$/.test(image)) {
    found.push(
      advice(place(owner, `${where}.image`), `is "${image}": without a version, two pods may run two programs.`),
    );
  }
  for (const kind of ["requests", "limits"]) {
    for (const [resource, amount] of Object.entries(record(at(container, "resources", kind)))) {
      if (quantity.test(String(amount))) continue;
      found.push(
        wrong(
          place(owner, `${where}.resources.${kind}.${resource}`),
          `is ${String(amount)}, which is no quantity; write 500m of a CPU, 256Mi of memory.`,
        ),
      );
    }
  }
  for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) {
    const port = at(container, probe, "httpGet", "port") ?? at(container, probe, "tcpSocket", "port");
    if (port === undefined || hasPort([container], port)) continue;
    found.push(
      wrong(place(owner, `${where}.${probe}`), `asks port ${String(port)}, which the container does not have.`),
    );
  }
  return found;
}

function checkOwnSelector(manifest: Manifest): Finding[] {
  const selector = record(at(manifest.body, "spec", "selector", "matchLabels"));
  const labels = record(at(manifest.body, "spec", "template", "metadata", "labels"));
  if (matches(selector, labels)) return [];
  return [
    wrong(
      place(manifest, "spec.selector.matchLabels"),
      `asks for ${written(selector)}, and its pods have ${written(labels)}.`,
    ),
  ];
}

function checkService(manifest: Manifest, templates: readonly PodTemplate[]): Finding[] {
  const selector = record(at(manifest.body, "spec", "selector"));
  // Without a selector its endpoints come from elsewhere.
  if (Object.keys(selector).length === 0) return [];
  const pods = templates.filter(({ owner, labels }) => sameNamespace(owner, manifest) && matches(selector, labels));
  if (pods.length === 0) {
    return [
      wrong(place(manifest, "spec.selector"), `asks for ${written(selector)}, and no pod here has these labels.`),
    ];
  }
  return list(at(manifest.body, "spec", "ports")).flatMap((port, index) => {
    const target = at(port, "targetPort") ?? at(port, "port");
    if (pods.some(({ spec }) => hasPort(list(at(spec, "containers")), target))) return [];
    return [
      wrong(
        place(manifest, `spec.ports[${index}].targetPort`),
        `is ${String(target)}, which no container behind it has.`,
      ),
    ];
  });
}

function checkIngress(manifest: Manifest, manifests: readonly Manifest[]): Finding[] {
  const services = manifests.filter(({ kind }) => kind === "Service");
  const paths = list(at(manifest.body, "spec", "rules")).flatMap((rule, ruleIndex) =>
    list(at(rule, "http", "paths")).map((path, pathIndex) => ({
      backend: at(path, "backend", "service"),
      where: `spec.rules[${ruleIndex}].http.paths[${pathIndex}].backend`,
    })),
  );
  const fallback = at(manifest.body, "spec", "defaultBackend", "service");
  const backends = fallback === undefined ? paths : [...paths, { backend: fallback, where: "spec.defaultBackend" }];
  return backends.flatMap(({ backend, where }) => {
    const name = text(at(backend, "name")) ?? "";
    const service = services.find((candidate) => candidate.name === name && sameNamespace(candidate, manifest));
    if (service === undefined)
      return [wrong(place(manifest, where), `leads to the service "${name}", which is not here.`)];
    const wanted = at(backend, "port", "name") ?? at(backend, "port", "number");
    const has = list(at(service.body, "spec", "ports")).some(
      (port) => at(port, "name") === wanted || at(port, "port") === wanted,
    );
    return has
      ? []
      : [wrong(place(manifest, where), `leads to port ${String(wanted)}, which the service ${name} does not have.`)];
  });
}

function checkBudget(manifest: Manifest, templates: readonly PodTemplate[]): Finding[] {
  const selector = record(at(manifest.body, "spec", "selector", "matchLabels"));
  const kept = templates.find(({ owner, labels }) => sameNamespace(owner, manifest) && matches(selector, labels));
  if (kept === undefined) {
    return [
      wrong(place(manifest, "spec.selector"), `asks for ${written(selector)}, and no pod here has these labels.`),
    ];
  }
  const least = at(manifest.body, "spec", "minAvailable");
  const replicas = at(kept.owner.body, "spec", "replicas") ?? 1;
  if (typeof least !== "number" || typeof replicas !== "number" || least < replicas) return [];
  return [
    wrong(
      place(manifest, "spec.minAvailable"),
      `is ${least}, and ${kept.owner.name} has ${replicas}: no node could ever be drained.`,
    ),
  ];
}

function hasPort(containers: readonly unknown[], wanted: unknown): boolean {
  return containers
    .flatMap((container) => list(at(container, "ports")))
    .some((port) => at(port, "name") === wanted || at(port, "containerPort") === wanted);
}

function matches(selector: Readonly<Record<string, unknown>>, labels: Readonly<Record<string, unknown>>): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value);
}

function sameNamespace(a: Manifest, b: Manifest): boolean {
  return namespaceOf(a) === namespaceOf(b);
}

function namespaceOf({ body }: Manifest): string {
  return text(at(body, "metadata", "namespace")) ?? "";
}

function place(manifest: Manifest, path: string): string {
  return `${manifest.kind} ${manifest.name}: ${path}`;
}

function written(labels: unknown): string {
  if (!isRecord(labels) || Object.keys(labels).length === 0) return "nothing";
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(", ");
}
