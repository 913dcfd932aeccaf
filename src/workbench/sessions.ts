/**
 * Which notebook runs on which kernel. One kernel per notebook: a second page of the same notebook joins the first.
 */
import { randomUUID } from "node:crypto";
import type { KernelStatus, Kernels } from "./kernels.js";

export interface Session {
  readonly id: string;
  readonly path: string;
  readonly name: string;
  readonly type: string;
  readonly kernelId: string;
}

export class Sessions {
  readonly #kernels: Kernels;
  readonly #sessions = new Map<string, Session>();
  /** Starts under way, so that two pages that open together share one kernel. */
  readonly #starting = new Map<string, Promise<Session>>();

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  list(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  kernelOf(session: Session): KernelStatus | undefined {
    return this.#kernels.get(session.kernelId);
  }

  /** The session of this path, or a new one with a new kernel. */
  async open(path: string, name: string, type: string, workingDirectory: string): Promise<Session> {
    const existing = this.list().find((session) => session.path === path);
    if (existing !== undefined) return existing;
    const underWay = this.#starting.get(path);
    if (underWay !== undefined) return underWay;
    const start = this.#start(path, name, type, workingDirectory);
    this.#starting.set(path, start);
    try {
      return await start;
    } finally {
      this.#starting.delete(path);
    }
  }

  /**
   * The session of a running kernel. JupyterLab asks for it under a path that it has made up, and sets the real one once
   * it has the session.
   */
  join(kernelId: string, path: string): Session | undefined {
    const session = this.list().find((open) => open.kernelId === kernelId);
    if (session === undefined) return undefined;
    const joined = { ...session, path };
    this.#sessions.set(session.id, joined);
    return joined;
  }

  /** Renames a session, or gives it a new kernel in place of its present one. */
  async change(
    id: string,
    wanted: { path?: string; name?: string; newKernelIn?: string },
  ): Promise<Session | undefined> {
    const session = this.#sessions.get(id);
    if (session === undefined) return undefined;
    const kernelId =
      wanted.newKernelIn === undefined ? session.kernelId : await this.#replaceKernel(session, wanted.newKernelIn);
    const changed = { ...session, path: wanted.path ?? session.path, name: wanted.name ?? session.name, kernelId };
    this.#sessions.set(id, changed);
    return changed;
  }

  /** The notebook has another path now; its kernel stays. */
  async moved(from: string, to: string): Promise<void> {
    const session = this.list().find(({ path }) => path === from);
    if (session !== undefined) await this.change(session.id, { path: to, name: to.split("/").at(-1) ?? to });
  }

  /** The notebook is gone, so its kernel goes. */
  async endOf(path: string): Promise<void> {
    const session = this.list().find((open) => open.path === path);
    if (session !== undefined) await this.end(session.id);
  }

  /** False when there is no such session. */
  async end(id: string): Promise<boolean> {
    const session = this.#sessions.get(id);
    if (session === undefined) return false;
    this.#sessions.delete(id);
    await this.#kernels.shutdown(session.kernelId);
    return true;
  }

  async #start(path: string, name: string, type: string, workingDirectory: string): Promise<Session> {
    const kernel = await this.#kernels.start(workingDirectory);
    const session = { id: randomUUID(), path, name, type, kernelId: kernel.id };
    this.#sessions.set(session.id, session);
    return session;
  }

  async #replaceKernel(session: Session, workingDirectory: string): Promise<string> {
    const kernel = await this.#kernels.start(workingDirectory);
    await this.#kernels.shutdown(session.kernelId);
    return kernel.id;
  }
}
