/** Definitions that Marathon takes, and ways to get one wrong: each is found, at its place, in words that help. */
import { deepEqual, match } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { checkMarathonApp } from "../../src/deploy/marathon-app.js";
import { fillParameters } from "../../src/deploy/parameters.js";
import { checkZeppelinOptions } from "../../src/deploy/zeppelin-options.js";

const ours = (name: string) => JSON.parse(readFileSync(`marathon/${name}.json`, "utf8")) as Record<string, unknown>;
/** As a file names one. */
const parameter = (name: string) => `$\{${name}}`;
const bridged = (portMapping: object) => ({
  id: "/app",
  container: { type: "DOCKER", docker: { image: "app:1", network: "BRIDGE", portMappings: [portMapping] } },
});

describe("Marathon definitions", () => {
  for (const name of [
    "tweeter",
    "post-tweets",
    "chicago-crime/producer",
    "chicago-crime/online",
    "chicago-crime/offline",
  ]) {
    it(`${name}.json is taken, with nothing to advise`, () => deepEqual(checkMarathonApp(ours(name)), []));
  }

  it("tweeter.json asks for what the tutorial shows", () => {
    const app = ours("tweeter") as {
      instances: number;
      labels: object;
      container: { docker: { image: string }; portMappings: { labels: object }[] };
    };
    deepEqual(app.instances, 3);
    deepEqual(Object.keys(app.labels), ["HAPROXY_GROUP", "HAPROXY_0_VHOST"]);
    deepEqual(app.container.docker.image, parameter("TWEETER_IMAGE"));
    deepEqual(app.container.portMappings[0]?.labels, { VIP_0: "/tweeter:3000" });
  });

  for (const [what, definition] of [
    ["a command", { id: "/app", cmd: "sleep 1" }],
    ["arguments", { id: "app", args: ["sleep", "1"] }],
    ["an image alone", { id: "/group/app", container: { type: "DOCKER", docker: { image: "app" } } }],
    ["ports of the older form", { id: "/app", cmd: "x", ports: [0], healthChecks: [{ portIndex: 0 }] }],
    ["a VIP by name", bridged({ containerPort: 80, labels: { VIP_0: "app:80" } })],
    ["a VIP by a private address", bridged({ containerPort: 80, labels: { VIP_0: "10.1.2.3:80" } })],
    ["a secret", { id: "/app", cmd: "x", env: { A: { secret: "s" } }, secrets: { s: { source: "app/s" } } }],
    [
      "constraints",
      {
        id: "/app",
        cmd: "x",
        constraints: [
          ["hostname", "UNIQUE"],
          ["rack", "GROUP_BY", "2"],
        ],
      },
    ],
    ["unreachableStrategy disabled", { id: "/app", cmd: "x", unreachableStrategy: "disabled" }],
  ] as const) {
    it(`takes ${what}`, () => deepEqual(checkMarathonApp(definition), []));
  }

  for (const [what, definition, where, message] of [
    ["memory for mem", { id: "/app", cmd: "x", memory: 64 }, "", /"memory" is not known here; "mem" probably is meant/],
    ["a misspelt key", { id: "/app", cmd: "x", instnces: 1 }, "", /"instances" probably is meant/],
    ["an unknown key", { id: "/app", cmd: "x", colour: "red" }, "", /"colour" is not known here\.$/],
    ["command and arguments", { id: "/app", cmd: "x", args: ["y"] }, "", /both "cmd" and "args"/],
    ["no id", { cmd: "x" }, "", /"id" is missing/],
    ["a capital letter in the id", { id: "/App", cmd: "x" }, "id", /lower-case letters/],
    [
      "an unknown protocol",
      { id: "/app", cmd: "x", healthChecks: [{ protocol: "FTP" }] },
      "healthChecks[0].protocol",
      /may be HTTP, HTTPS/,
    ],
    [
      "no image",
      { id: "/app", cmd: "x", container: { type: "DOCKER", docker: {} } },
      "container.docker",
      /"image" is missing/,
    ],
    ["negative instances", { id: "/app", cmd: "x", instances: -1 }, "instances", />= 0/],
    ["half an instance", { id: "/app", cmd: "x", instances: 1.5 }, "instances", /takes an integer/],
    ["a label that is no text", { id: "/app", cmd: "x", labels: { a: 1 } }, "labels.a", /takes a string/],
    ["a port beyond all", { id: "/app", cmd: "x", ports: [70_000] }, "ports[0]", /<= 65535/],
    [
      "a constraint of no kind",
      { id: "/app", cmd: "x", constraints: [["hostname", "ALONE"]] },
      "constraints[0][1]",
      /UNIQUE/,
    ],
    ["a list of apps", [{ id: "/app", cmd: "x" }], "", /one app at a time/],
    ["nothing to run", { id: "/app", container: { type: "MESOS" } }, "", /runs nothing/],
    [
      "a portIndex out of range",
      { id: "/app", cmd: "x", ports: [0], healthChecks: [{ portIndex: 1 }] },
      "healthChecks[0].portIndex",
      /ports has 1, counted from 0/,
    ],
    [
      "a readiness check of no port",
      { id: "/app", cmd: "x", readinessChecks: [{ portName: "web" }] },
      "readinessChecks[0].portName",
      /no port/,
    ],
    [
      "a VIP that is none",
      bridged({ labels: { VIP_0: "app" } }),
      "container.docker.portMappings[0].labels.VIP_0",
      /name:port/,
    ],
    [
      "a VIP with port 0",
      bridged({ labels: { VIP_0: "/app:0" } }),
      "container.docker.portMappings[0].labels.VIP_0",
      /name:port/,
    ],
    [
      "a VIP with an address that is none",
      bridged({ labels: { VIP_0: "10.0.0.256:80" } }),
      "container.docker.portMappings[0].labels.VIP_0",
      /above 255/,
    ],
    [
      "a host without a group",
      { id: "/app", cmd: "x", ports: [0], labels: { HAPROXY_0_VHOST: "a.org" } },
      "labels.HAPROXY_0_VHOST",
      /HAPROXY_GROUP/,
    ],
    [
      "a host of a port that is not there",
      { id: "/app", cmd: "x", labels: { HAPROXY_0_VHOST: "a.org" } },
      "labels.HAPROXY_0_VHOST",
      /speaks of port 0/,
    ],
    [
      "a secret that is not declared",
      { id: "/app", cmd: "x", env: { A: { secret: "s" } } },
      "env.A",
      /does not declare/,
    ],
    [
      "an image with a blank",
      { id: "/app", container: { type: "DOCKER", docker: { image: "my app" } } },
      "container.docker.image",
      /not of the form/,
    ],
  ] as const) {
    it(`finds ${what}`, () => {
      const [finding] = checkMarathonApp(definition);
      deepEqual([finding?.severity, finding?.where], ["wrong", where]);
      match(finding?.message ?? "", message);
    });
  }

  it("advises where a dead instance is noticed late, and where a VIP is an address of the internet", () => {
    const app = { ...bridged({ labels: { VIP_0: "1.1.1.1:30000" } }), labels: { HAPROXY_GROUP: "external" } };
    const findings = checkMarathonApp({ ...app, healthChecks: [{ protocol: "HTTP", path: "/", portIndex: 0 }] });
    deepEqual(
      findings.map(({ severity }) => severity),
      ["advice", "advice"],
    );
    match(findings[0]?.message ?? "", /an address of the internet/);
    match(findings[1]?.message ?? "", /needs 240 s to notice/);
  });
});

describe("parameters of a definition", () => {
  it("are filled as JSON text, and those without a value are named", () => {
    const filled = fillParameters(`{"image": "${parameter("IMAGE")}", "host": "${parameter("HOST")}"}`, {
      IMAGE: 'a"b',
      OTHER: "x",
    });
    deepEqual(filled, {
      text: `{"image": "a\\"b", "host": "${parameter("HOST")}"}`,
      missing: ["HOST"],
      unknown: ["OTHER"],
    });
  });
});

describe("options of DC/OS Zeppelin", () => {
  it("bound what Spark takes", () => {
    deepEqual(checkZeppelinOptions(ours("zeppelin-options")), []);
    match(checkZeppelinOptions({ spark: {} })[0]?.message ?? "", /every core/);
    match(checkZeppelinOptions({ spark: { cores_max: 4 } })[0]?.message ?? "", /as text/);
    match(checkZeppelinOptions({ spark: [] })[0]?.message ?? "", /takes an object/);
  });
});
