/**
 * What Marathon's own schema never said of a definition: that it runs something, that ports it speaks of exist, that a
 * VIP can be one; and what makes marathon-lb route to it, soon. Pure.
 */
import { advice, type Finding, wrong } from "./finding.js";

/** The parts that the rules read, of a definition whose shape has been checked. */
export interface MarathonApp {
  readonly id: string;
  readonly cmd?: string;
  readonly args?: readonly string[];
  readonly instances?: number;
  readonly container?: {
    readonly docker?: { readonly image: string; readonly network?: string; readonly portMappings?: readonly Port[] };
    readonly portMappings?: readonly Port[];
  };
  readonly env?: Readonly<Record<string, string | { readonly secret: string }>>;
  readonly healthChecks?: readonly HealthCheck[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly portDefinitions?: readonly Port[];
  readonly ports?: readonly number[];
  readonly readinessChecks?: ReadonlyArray<{ readonly portName?: string }>;
  readonly secrets?: Readonly<Record<string, unknown>>;
}

interface Port {
  readonly name?: string;
  readonly servicePort?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

interface HealthCheck {
  readonly protocol?: string;
  readonly portIndex?: number;
  readonly port?: number;
  readonly intervalSeconds?: number;
  readonly maxConsecutiveFailures?: number;
}

interface Ports {
  readonly where: string;
  readonly list: readonly Port[];
}

/** What Marathon fills in for a health check that leaves it out. */
const healthDefaults = { intervalSeconds: 60, maxConsecutiveFailures: 3 };
/** A balancer that notices a dead instance later than that serves its errors to many. */
const noticedWithinSecondsMax = 20;
/** `ip:port`, or `name:port` with or without a leading slash. */
const vip = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\/?[a-zA-Z0-9](?:[a-zA-Z0-9./_-]*[a-zA-Z0-9])?):(\d{1,5})$/;

export function checkMarathonRules(app: MarathonApp): readonly Finding[] {
  const ports = portsOf(app);
  return [
    ...runsSomething(app),
    ...portsAreThere(app, ports),
    ...vipsCanBe(ports),
    ...isBalanced(app, ports),
    ...secretsAreDeclared(app),
  ];
}

/** The ports that `portIndex` and `HAPROXY_<n>_…` count. */
function portsOf(app: MarathonApp): Ports {
  const { container } = app;
  if (container?.portMappings !== undefined) return { where: "container.portMappings", list: container.portMappings };
  if (container?.docker?.portMappings !== undefined) {
    return { where: "container.docker.portMappings", list: container.docker.portMappings };
  }
  if (app.portDefinitions !== undefined) return { where: "portDefinitions", list: app.portDefinitions };
  return { where: "ports", list: (app.ports ?? []).map((servicePort) => ({ servicePort })) };
}

function runsSomething(app: MarathonApp): readonly Finding[] {
  if (app.cmd !== undefined || (app.args ?? []).length > 0 || app.container?.docker !== undefined) return [];
  return [wrong("", "runs nothing: it has no cmd, no args and no Docker image.")];
}

function portsAreThere(app: MarathonApp, { where, list }: Ports): readonly Finding[] {
  const have = list.length === 0 ? `there are none in ${where}` : `${where} has ${list.length}, counted from 0`;
  const checks = (app.healthChecks ?? []).flatMap((check, index) =>
    check.portIndex !== undefined && check.portIndex >= list.length
      ? [wrong(`healthChecks[${index}].portIndex`, `is ${check.portIndex}, and ${have}.`)]
      : [],
  );
  const names = list.map(({ name }) => name);
  const readiness = (app.readinessChecks ?? []).flatMap(({ portName = "http-api" }, index) =>
    names.includes(portName)
      ? []
      : [wrong(`readinessChecks[${index}].portName`, `is ${portName}, and no port in ${where} has that name.`)],
  );
  const labels = Object.keys(app.labels ?? {}).flatMap((label) => {
    const number = /^HAPROXY_(\d+)_/.exec(label)?.[1];
    return number !== undefined && Number(number) >= list.length
      ? [wrong(`labels.${label}`, `speaks of port ${number}, and ${have}.`)]
      : [];
  });
  return [...checks, ...readiness, ...labels];
}

function vipsCanBe({ where, list }: Ports): readonly Finding[] {
  return list.flatMap(({ labels = {} }, index) =>
    Object.entries(labels)
      .filter(([label]) => /^VIP_\d+$/.test(label))
      .flatMap(([label, value]) => {
        const at = `${where}[${index}].labels.${label}`;
        const port = Number(vip.exec(value)?.[1]);
        if (!(port >= 1 && port <= 65_535)) {
          return [wrong(at, `is "${value}"; it is address:port or name:port, as /tweeter:3000.`)];
        }
        const octets = /^([\d.]+):/.exec(value)?.[1]?.split(".") ?? [];
        if (octets.length === 4 && octets.some((octet) => Number(octet) > 255)) {
          return [wrong(at, `is "${value}", and an address has no number above 255.`)];
        }
        if (octets.length === 4 && !isPrivate(octets.map(Number))) {
          return [advice(at, `is "${value}", an address of the internet; a name, as /tweeter:3000, takes nobody's.`)];
        }
        return [];
      }),
  );
}

function isPrivate([first = 0, second = 0]: readonly number[]): boolean {
  return (
    first === 10 ||
    (first === 192 && second === 168) ||
    (first === 172 && second >= 16 && second < 32) ||
    (first === 100 && second >= 64 && second < 128)
  );
}

/** marathon-lb: which balancers it asks for, and how soon a dead instance is found out. */
function isBalanced(app: MarathonApp, { list }: Ports): readonly Finding[] {
  const labels = app.labels ?? {};
  const host = Object.keys(labels).find((label) => /^HAPROXY_\d+_VHOST$/.test(label));
  const found: Finding[] = [];
  if (host !== undefined && labels.HAPROXY_GROUP === undefined) {
    found.push(
      wrong(`labels.${host}`, "does nothing without HAPROXY_GROUP, which names the balancers that expose the app."),
    );
  }
  if (labels.HAPROXY_GROUP === undefined) return found;
  if (list.length === 0) found.push(wrong("labels.HAPROXY_GROUP", "exposes an app that has no port."));
  const checks = (app.healthChecks ?? []).filter(({ protocol = "HTTP" }) => protocol !== "COMMAND");
  if (checks.length === 0) {
    found.push(advice("healthChecks", "are missing: the balancer goes on sending to an instance that is dead."));
  }
  checks.forEach((check, index) => {
    const { intervalSeconds, maxConsecutiveFailures } = { ...healthDefaults, ...check };
    const seconds = intervalSeconds * (maxConsecutiveFailures + 1);
    if (seconds <= noticedWithinSecondsMax) return;
    found.push(
      advice(
        `healthChecks[${index}]`,
        `every ${intervalSeconds} s, ${maxConsecutiveFailures} failures: the balancer needs ${seconds} s to notice a dead instance. Write intervalSeconds 5 or less.`,
      ),
    );
  });
  return found;
}

function secretsAreDeclared(app: MarathonApp): readonly Finding[] {
  return Object.entries(app.env ?? {}).flatMap(([name, value]) =>
    typeof value === "object" && !Object.hasOwn(app.secrets ?? {}, value.secret)
      ? [wrong(`env.${name}`, `names the secret "${value.secret}", which "secrets" does not declare.`)]
      : [],
  );
}
