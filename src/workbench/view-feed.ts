/**
 * What one viewer is told: the newest state of each live output, as fast as the viewer reads, and that the notebook was
 * saved. Holds one entry a display, however slow the viewer is.
 */
import { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { contentOf, type MessageParts } from "./kernel-messages.js";
import type { Kernels } from "./kernels.js";
import type { Sessions } from "./sessions.js";
import type { ViewEvent } from "./view-messages.js";

export const viewersMax = 60;
const roundEveryMs = 100;
const aliveEveryMs = 15_000;

export class ViewFeed {
  readonly #kernels: Kernels;
  readonly #sessions: Sessions;
  readonly #saves = new EventEmitter<{ saved: [path: string] }>();
  #viewers = 0;

  constructor(kernels: Kernels, sessions: Sessions) {
    this.#kernels = kernels;
    this.#sessions = sessions;
    this.#saves.setMaxListeners(0);
  }

  get isFull(): boolean {
    return this.#viewers >= viewersMax;
  }

  saved(path: string): void {
    this.#saves.emit("saved", path);
  }

  /** Begins with every live output as it is; goes on until the signal. */
  async *events(path: string, signal: AbortSignal): AsyncGenerator<ViewEvent> {
    const kernelId = () => this.#sessions.list().find((session) => session.path === path)?.kernelId ?? "";
    const changed = new Set<string>();
    let wasSaved = false;
    let wake = () => {};
    const displayed = (id: string, displayId: string) => {
      if (id !== kernelId()) return;
      changed.add(displayId);
      wake();
    };
    const saved = (savedPath: string) => {
      if (savedPath !== path) return;
      wasSaved = true;
      wake();
    };
    this.#viewers++;
    this.#kernels.changes.on("displayed", displayed);
    this.#saves.on("saved", saved);
    const aborted = () => wake();
    signal.addEventListener("abort", aborted);
    try {
      for (const parts of this.#kernels.displaysOf(kernelId())) yield displayEvent(parts);
      while (!signal.aborted) {
        if (changed.size === 0 && !wasSaved) {
          const isNews = await new Promise<boolean>((done) => {
            const timer = setTimeout(done, aliveEveryMs, false);
            wake = () => {
              clearTimeout(timer);
              done(true);
            };
          });
          if (!isNews) yield { kind: "alive" };
          continue;
        }
        if (wasSaved) {
          wasSaved = false;
          yield { kind: "saved" };
        }
        for (const displayId of [...changed]) {
          changed.delete(displayId);
          const parts = this.#kernels.displayOf(kernelId(), displayId);
          if (parts !== undefined && !signal.aborted) yield displayEvent(parts);
        }
        await delay(roundEveryMs);
      }
    } finally {
      this.#viewers--;
      signal.removeEventListener("abort", aborted);
      this.#kernels.changes.off("displayed", displayed);
      this.#saves.off("saved", saved);
    }
  }
}

function displayEvent(parts: MessageParts): ViewEvent {
  const { data, metadata, transient } = contentOf(parts);
  const id = (transient as { display_id?: unknown } | undefined)?.display_id;
  return { kind: "display", id: String(id), data, metadata };
}
