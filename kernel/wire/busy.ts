/**
 * What runs, as a front-end is to see it. It shows the status that it heard last, whoever was meant; so after the idle of a
 * request that was served beside a running cell (a completion, a comm message) the cell's busy is said once more. Pure.
 */
import type { JsonObject } from "./content.js";
import { status } from "./display.js";

interface StatusMessage {
  readonly type: string;
  readonly parentHeader: JsonObject;
  readonly content: JsonObject;
}

/** After these a cell ends by itself: nothing is to come between. */
const ending: ReadonlySet<unknown> = new Set(["interrupt_request", "shutdown_request"]);

export class BusyCells {
  readonly #running = new Map<unknown, JsonObject>();

  /** The message to publish after this one, if any. */
  after({ type, parentHeader, content }: StatusMessage): StatusMessage | undefined {
    if (type !== "status") return undefined;
    const { msg_id: id, msg_type: request } = parentHeader;
    if (request === "execute_request") {
      if (content.execution_state === "busy") this.#running.set(id, parentHeader);
      else this.#running.delete(id);
    }
    if (content.execution_state !== "idle" || ending.has(request)) return undefined;
    const cell = [...this.#running.values()].at(-1);
    return cell === undefined ? undefined : { type: "status", parentHeader: cell, content: status("busy") };
  }
}
