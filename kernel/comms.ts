/**
 * Comms: who is on the other side of which, by target. A handler runs as part of the cell that gave it, so that what a
 * widget's callback prints appears below that cell. Knows no socket and no widget.
 */
import { AsyncResource } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import type { Comm, CommExtra, CommHandler, CommTarget } from "./language/executor.js";
import type { CommMessage, CommOpen } from "./wire/comm.js";
import { commMessage, commOpen } from "./wire/comm.js";
import type { JsonObject } from "./wire/content.js";

/** Publishes a comm message. */
export type CommPublisher = (type: string, content: JsonObject, extra?: CommExtra) => void;

interface OpenComm {
  readonly targetName: string;
  /** In which its handler runs. */
  readonly scope: AsyncResource;
  handler: CommHandler;
}

export class Comms {
  readonly #targets = new Map<string, { readonly target: CommTarget; readonly scope: AsyncResource }>();
  readonly #open = new Map<string, OpenComm>();
  #publish: CommPublisher = () => {};

  connect(publish: CommPublisher): void {
    this.#publish = publish;
  }

  /** Answers for the target from now on, in place of whoever did before. */
  registerTarget(name: string, target: CommTarget): void {
    this.#targets.set(name, { target, scope: new AsyncResource("CommTarget") });
  }

  /** Opens a comm from the kernel's side. */
  open(targetName: string, data: JsonObject, handler: CommHandler, extra: CommExtra = {}): Comm {
    const commId = randomUUID();
    this.#open.set(commId, { targetName, handler, scope: new AsyncResource("Comm") });
    this.#publish("comm_open", commOpen({ commId, targetName, data }), extra);
    return this.#comm(commId);
  }

  list(targetName: string | undefined): { commId: string; targetName: string }[] {
    return [...this.#open]
      .map(([commId, comm]) => ({ commId, targetName: comm.targetName }))
      .filter((comm) => targetName === undefined || comm.targetName === targetName);
  }

  /** Open comms of one target. */
  count(targetName: string): number {
    return this.list(targetName).length;
  }

  opened({ commId, targetName, data }: CommOpen, buffers: readonly Uint8Array[]): void {
    const answering = this.#targets.get(targetName);
    if (answering === undefined) {
      // The protocol's way to say that nobody answers for this target.
      this.#publish("comm_close", commMessage({ commId, data: {} }));
      return;
    }
    const { target, scope } = answering;
    const entry: OpenComm = { targetName, scope, handler: {} };
    this.#open.set(commId, entry);
    call(scope, () => {
      entry.handler = target(this.#comm(commId), data, buffers) ?? {};
    });
  }

  received({ commId, data }: CommMessage, buffers: readonly Uint8Array[]): void {
    const comm = this.#open.get(commId);
    if (comm === undefined) this.#publish("comm_close", commMessage({ commId, data: {} }));
    else call(comm.scope, () => comm.handler.message?.(data, buffers));
  }

  closed({ commId, data }: CommMessage): void {
    const comm = this.#open.get(commId);
    this.#open.delete(commId);
    if (comm !== undefined) call(comm.scope, () => comm.handler.closed?.(data));
  }

  #comm(commId: string): Comm {
    return {
      id: commId,
      send: (data, extra) => {
        // The other side may have closed it meanwhile.
        if (this.#open.has(commId)) this.#publish("comm_msg", commMessage({ commId, data }), extra);
      },
      close: (data = {}) => {
        if (this.#open.delete(commId)) this.#publish("comm_close", commMessage({ commId, data }));
      },
    };
  }
}

/** What a handler throws is shown as what a timer throws: below its cell. */
function call(scope: AsyncResource, handle: () => void): void {
  scope.runInAsyncScope(() => {
    try {
      handle();
    } catch (error) {
      setImmediate(() => {
        throw error;
      });
    }
  });
}
