/** Kubernetes' own schemas take the manifests, strictly; and would not take what they should not. */
import { deepEqual, match } from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureKubernetesValidate, type ValidateManifests } from "../../scripts/components/kubernetes-validate.js";
import { requireComponent } from "../support/require-component.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

const folder = "deploy/kubernetes";

describe("Kubernetes' schemas", function () {
  this.timeout(60_000);
  let validate: ValidateManifests;
  let temporary: TemporaryFolder;

  before(async function () {
    validate = await requireComponent(this, ensureKubernetesValidate);
    temporary = temporaryFolder("kubernetes");
  });
  after(() => temporary?.remove());

  it("take every manifest", async () => {
    const files = readdirSync(folder).filter((file) => file !== "kustomization.yaml");
    deepEqual(await validate(files.map((file) => join(folder, file))), undefined);
  });

  for (const [what, from, to, message] of [
    [
      "a field one level too high",
      "      containers:",
      "      imagePullPolicy: Always\n      containers:",
      /imagePullPolicy/,
    ],
    ["replicas in words", "replicas: 3", 'replicas: "three"', /three/],
    ["an API that is gone", "apiVersion: apps/v1", "apiVersion: apps/v1beta1", /v1beta1/],
  ] as const) {
    it(`refuse ${what}`, async () => {
      const path = join(temporary.path, "deployment.yaml");
      writeFileSync(path, readFileSync(join(folder, "deployment.yaml"), "utf8").replace(from, to));
      match((await validate([path])) ?? "", message);
    });
  }
});
