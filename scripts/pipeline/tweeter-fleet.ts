/**
 * Instances of Tweeter, each a process with a port of its own behind the balancer. Owns that there are as many as asked
 * for: one that ends by itself is started again on its port. Knows nothing of what a Tweeter does.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { TidetableError } from "../../src/errors.js";
import { freePorts } from "../components/free-ports.js";
import type { Haproxy } from "../components/haproxy.js";
import { endOrKill, hasEnded } from "../components/process-end.js";
import type { ServiceState } from "./status-table.js";

export interface FleetOptions {
  readonly haproxy: Pick<Haproxy, "addServer" | "removeServer">;
  /** Of one instance, to be followed by its port. */
  readonly command: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** Where each instance's log goes. */
  readonly directory: string;
}

export interface Instance {
  readonly number: number;
  readonly port: number;
  readonly pid: number | undefined;
  readonly state: ServiceState;
  /** How often it had to be started again. */
  readonly restarts: number;
}

interface Member {
  readonly number: number;
  readonly port: number;
  child: ChildProcess;
  state: ServiceState;
  restarts: number;
  /** Told to end: not started again. */
  dismissed: boolean;
  watch: Promise<void>;
}

const healthyTimeoutMs = 90_000;
const stopTimeoutMs = 15_000;
const checkEveryMs = 250;
const checkTimeoutMs = 2_000;
/** Before each further start of an instance that ends again and again. */
const restartDelaysMs = [100, 500, 1_000, 2_000, 5_000];
/** A first start that ends so often will not come to anything. */
const startsMax = 3;
/** After so long without an end, the next one is a first one. */
const settledAfterMs = 30_000;

export class TweeterFleet {
  readonly #options: FleetOptions;
  readonly #members = new Map<number, Member>();
  /** One change of size at a time. */
  #scaling: Promise<void> = Promise.resolve();
  readonly #killAll = () => {
    for (const member of this.#members.values()) member.child.kill("SIGKILL");
  };

  constructor(options: FleetOptions) {
    this.#options = options;
    process.once("exit", this.#killAll);
  }

  instances(): readonly Instance[] {
    return [...this.#members.values()].map(({ number, port, child, state, restarts }) => ({
      number,
      port,
      pid: child.pid,
      state,
      restarts,
    }));
  }

  /** So many instances, each healthy; the ones with the highest numbers go first, after they have answered what they had. */
  async scale(count: number): Promise<void> {
    const before = this.#scaling;
    const change = before.then(() => this.#scaleTo(count));
    this.#scaling = change.catch(() => undefined);
    await change;
  }

  /** SIGKILL; it comes back by itself. */
  kill(number: number): void {
    const member = this.#members.get(number);
    if (member === undefined) throw new TidetableError("CONFIG_INVALID", `There is no Tweeter ${number}.`);
    member.child.kill("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#scaling;
    await Promise.all([...this.#members.values()].map((member) => this.#end(member)));
    process.off("exit", this.#killAll);
  }

  async #scaleTo(count: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    const more = numbers.filter((number) => !this.#members.has(number));
    const less = [...this.#members.keys()].filter((number) => number > count).sort((a, b) => b - a);
    const ports = await freePorts(more.length);
    const started = more.map((number, index) => this.#add(number, ports[index] ?? 0));
    await Promise.all(started.map((member) => this.#untilHealthy(member)));
    for (const { number, port } of started) await this.#options.haproxy.addServer(nameOf(number), port);
    for (const number of less) {
      const member = this.#members.get(number);
      if (member === undefined) continue;
      member.state = "stopping";
      await this.#options.haproxy.removeServer(nameOf(number));
      await this.#end(member);
    }
  }

  #add(number: number, port: number): Member {
    const member: Member = {
      number,
      port,
      child: this.#spawn(number, port),
      state: "starting",
      restarts: 0,
      dismissed: false,
      watch: Promise.resolve(),
    };
    this.#members.set(number, member);
    member.watch = this.#watch(member);
    return member;
  }

  #spawn(number: number, port: number): ChildProcess {
    const log = openSync(this.#logPath(number), "a");
    const [program = "", ...parameters] = this.#options.command;
    const child = spawn(program, [...parameters, "--instance", nameOf(number), "--port", String(port)], {
      env: this.#options.environment,
      stdio: ["ignore", log, log],
      // Its own group: Ctrl-C reaches us alone, and instances end in order.
      detached: true,
    });
    closeSync(log);
    child.on("error", () => undefined);
    return child;
  }

  /** Follows an instance for as long as it is wanted: asks for its health, starts it again when it has ended. */
  async #watch(member: Member): Promise<void> {
    let startedAtMs = performance.now();
    let ends = 0;
    while (!member.dismissed) {
      if (hasEnded(member.child)) {
        member.state = "ended";
        ends = performance.now() - startedAtMs > settledAfterMs ? 0 : ends;
        await delay(restartDelaysMs[Math.min(ends, restartDelaysMs.length - 1)]);
        if (member.dismissed) return;
        ends += 1;
        member.restarts += 1;
        member.child = this.#spawn(member.number, member.port);
        member.state = "starting";
        startedAtMs = performance.now();
      }
      const healthy = await isHealthy(member.port);
      // Told to stop while it was asked: that stays.
      if (member.state !== "stopping" && !hasEnded(member.child)) {
        member.state = healthy ? "healthy" : member.state === "healthy" ? "unhealthy" : member.state;
      }
      await delay(checkEveryMs);
    }
  }

  async #untilHealthy(member: Member): Promise<void> {
    const deadlineMs = performance.now() + healthyTimeoutMs;
    while (member.state !== "healthy") {
      if (member.dismissed) return;
      if (performance.now() > deadlineMs || member.restarts >= startsMax) {
        const log = (await readFile(this.#logPath(member.number), "utf8")).trim().split("\n").slice(-10).join("\n");
        throw new TidetableError(
          "COMPONENT_MISSING",
          `Tweeter ${member.number} is not healthy; its log, ${this.#logPath(member.number)}, ends:\n${log}`,
        );
      }
      await delay(50);
    }
  }

  async #end(member: Member): Promise<void> {
    member.dismissed = true;
    member.state = "stopping";
    member.child.kill("SIGTERM");
    await endOrKill(member.child, stopTimeoutMs);
    await member.watch;
    this.#members.delete(member.number);
  }

  #logPath(number: number): string {
    return join(this.#options.directory, `tweeter${number}.log`);
  }
}

/** What the balancer calls an instance. */
export function nameOf(number: number): string {
  return `tweeter${number}`;
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`, { signal: AbortSignal.timeout(checkTimeoutMs) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    // Not there yet, or gone: that is the answer.
    return false;
  }
}
