/** The manifests fit together; each way to take one apart is found, at its place. */
import { deepEqual, match } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { checkManifests } from "../../src/deploy/kubernetes.js";
import { list, type Manifest, readManifests } from "../../src/deploy/manifest.js";

const folder = "deploy/kubernetes";
const ours = (): Manifest[] =>
  readdirSync(folder)
    .filter((file) => file !== "kustomization.yaml")
    .flatMap((file) => {
      const { manifests, findings } = readManifests(file, readFileSync(`${folder}/${file}`, "utf8"));
      deepEqual(findings, []);
      return [...manifests];
    });

/** The manifests with one text of one file replaced. */
function changed(file: string, from: string | RegExp, to: string): Manifest[] {
  const source = readFileSync(`${folder}/${file}`, "utf8");
  const text = source.replace(from, to);
  if (text === source) throw new Error(`${file} does not have ${from}`);
  return ours().flatMap((manifest) => (manifest.file === file ? [...readManifests(file, text).manifests] : [manifest]));
}

describe("Kubernetes manifests", () => {
  it("fit together, with nothing to advise", () => deepEqual(checkManifests(ours()), []));

  it("hold no secret, only names of secrets", () => {
    deepEqual(
      ours().filter(({ kind }) => kind === "Secret"),
      [],
    );
  });

  it("are all in the kustomization but for the job", () => {
    const read = readManifests("kustomization.yaml", readFileSync(`${folder}/kustomization.yaml`, "utf8"));
    const resources = list(read.manifests[0]?.body.resources);
    const others = readdirSync(folder).filter((file) => !["kustomization.yaml", "post-tweets-job.yaml"].includes(file));
    deepEqual([...resources].sort(), others.sort());
  });

  for (const [what, manifests, where, message] of [
    [
      "a selector that matches no pod of its own",
      changed("deployment.yaml", /matchLabels:\n {6}app.kubernetes.io\/name: tweeter/, "matchLabels:\n      app: web"),
      "Deployment tweeter: spec.selector.matchLabels",
      /asks for app=web, and its pods have/,
    ],
    [
      "a service that selects nothing",
      changed("service.yaml", "name: tweeter\n  ports", "name: twitter\n  ports"),
      "Service tweeter: spec.selector",
      /no pod here/,
    ],
    [
      "a service to a port that no container has",
      changed("service.yaml", "targetPort: http", "targetPort: 8080"),
      "Service tweeter: spec.ports[0].targetPort",
      /8080/,
    ],
    [
      "an ingress to another service",
      changed("ingress.yaml", "name: tweeter\n                port", "name: twitter\n                port"),
      "Ingress tweeter: spec.rules[0].http.paths[0].backend",
      /"twitter", which is not here/,
    ],
    [
      "an ingress to a port that the service lacks",
      changed("ingress.yaml", "name: http\n", "name: https\n"),
      "Ingress tweeter: spec.rules[0].http.paths[0].backend",
      /port https/,
    ],
    [
      "an ingress to a service of another namespace",
      changed("service.yaml", "namespace: tweeter", "namespace: other"),
      "Ingress tweeter: spec.rules[0].http.paths[0].backend",
      /not here/,
    ],
    [
      "a budget that forbids every drain",
      changed("disruption-budget.yaml", "minAvailable: 2", "minAvailable: 3"),
      "PodDisruptionBudget tweeter: spec.minAvailable",
      /no node could ever be drained/,
    ],
    [
      "a job that never ends",
      changed("post-tweets-job.yaml", "restartPolicy: OnFailure", "restartPolicy: Always"),
      "Job post-tweets: spec.template.spec.restartPolicy",
      /Never or OnFailure/,
    ],
    [
      "a pull policy of no kind",
      changed("deployment.yaml", "IfNotPresent", "Sometimes"),
      "Deployment tweeter: spec.template.spec.containers[0].imagePullPolicy",
      /may be Always/,
    ],
    [
      "a quantity in megabytes",
      changed("deployment.yaml", "memory: 512Mi", "memory: 200MB"),
      "Deployment tweeter: spec.template.spec.containers[0].resources.limits.memory",
      /no quantity/,
    ],
    [
      "a probe of a port that is not there",
      changed(
        "deployment.yaml",
        /readinessProbe:\n(.*\n.*\n) *port: http/,
        "readinessProbe:\n$1              port: web",
      ),
      "Deployment tweeter: spec.template.spec.containers[0].readinessProbe",
      /asks port web/,
    ],
    [
      "a mount of a volume that the pod lacks",
      changed("deployment.yaml", "- name: certificates\n          secret", "- name: keys\n          secret"),
      "Deployment tweeter: spec.template.spec.containers[0].volumeMounts[0]",
      /mounts "certificates", and the pod has no such volume/,
    ],
    [
      "a volume that nothing mounts",
      changed("deployment.yaml", /volumeMounts:\n(?: {12}.*\n)+/, "volumeMounts: []\n"),
      "Deployment tweeter: spec.template.spec.volumes[0]",
      /"certificates", which nothing mounts/,
    ],
    [
      "an image without a version",
      changed("deployment.yaml", "tidetable/tweeter:0.1.0", "registry:5000/tweeter"),
      "Deployment tweeter: spec.template.spec.containers[0].image",
      /without a version/,
    ],
  ] as const) {
    it(`finds ${what}`, () => {
      const findings = checkManifests(manifests);
      const [first] = findings;
      match(first?.message ?? "", message);
      deepEqual(first?.where, where);
    });
  }

  it("says of a file that is no YAML, or no manifest, where", () => {
    match(readManifests("a.yaml", "a: [").findings[0]?.message ?? "", /flow sequence/i);
    match(readManifests("a.yaml", "a: 1\n---\nb: 2").findings[1]?.where ?? "", /document 2/);
    match(readManifests("a.yaml", "a: 1").findings[0]?.message ?? "", /no apiVersion/);
  });
});
