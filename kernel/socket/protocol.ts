/**
 * The messages between the kernel's main thread and its socket worker, and the memory both see. Owns shapes only.
 * The worker signs, numbers and dates; the main thread says what and to whom.
 */
import type { ConnectionInfo, RequestChannel } from "../wire/connection-file.js";
import type { JsonObject } from "../wire/content.js";
import type { StreamName } from "../wire/display.js";
import type { OutgoingMessage, ReceivedMessage } from "../wire/frames.js";
import type { Place, TextMemory } from "./shared-text.js";

/** Text that was written before the command is in the shared memory up to the command's place. */
export interface PlacedCommand {
  readonly place: Place;
  readonly command: Command;
}

/** `wake`: text waits in the shared memory. It has no place among commands and text. */
export type ToWorker = PlacedCommand | "wake";

export type Command =
  | { readonly kind: "publish"; readonly message: OutgoingMessage }
  /** The text that follows is output of this request's cell; said only when it changes, texts being many. */
  | { readonly kind: "aim"; readonly parentHeader: JsonObject; readonly name: StreamName }
  /** Text for which the shared memory has no room. */
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "send";
      readonly channel: RequestChannel;
      readonly identities: readonly Uint8Array[];
      readonly message: OutgoingMessage;
    }
  /** An input_request. Answered by `asked`. */
  | {
      readonly kind: "ask";
      readonly id: number;
      readonly identities: readonly Uint8Array[];
      readonly message: OutgoingMessage;
    }
  | { readonly kind: "withdraw"; readonly id: number }
  /** Answered by `marked` once every request that has arrived was handed over. */
  | { readonly kind: "mark"; readonly id: number }
  /** The interrupt with this number has reached the main thread. */
  | { readonly kind: "interruptSeen"; readonly number: number }
  /** Sends what is queued, then closes the sockets. */
  | { readonly kind: "close" };

export type FromWorker =
  | { readonly kind: "listening" }
  | { readonly kind: "request"; readonly channel: RequestChannel; readonly message: ReceivedMessage }
  | { readonly kind: "marked"; readonly id: number }
  /** The question is out, or cannot be asked. */
  | { readonly kind: "asked"; readonly id: number; readonly failure: string | undefined }
  | { readonly kind: "interrupt"; readonly number: number }
  /** The reply has been sent already. */
  | { readonly kind: "shutdown"; readonly restart: boolean }
  | { readonly kind: "parentGone" }
  /** A message was thrown away at the edge. */
  | { readonly kind: "dropped"; readonly channel: string; readonly reason: string }
  | { readonly kind: "closed" };

export interface WorkerSettings {
  readonly connection: ConnectionInfo;
  /** Answer to kernel_info, which the control channel gives while the main thread computes. */
  readonly kernelInfo: JsonObject;
  /** The process that launched the kernel; the kernel does not outlive it. */
  readonly parentProcessId: number | undefined;
  readonly sharedState: SharedArrayBuffer;
  readonly textMemory: TextMemory;
}

/**
 * Name (`Symbol.for`) of a global function on the main thread that the worker has called, in the middle of whatever
 * runs there, before it stops that by force.
 */
export const BEFORE_FORCED_STOP = "tidetable.beforeForcedStop";

/** Slots of the shared Int32Array. */
export const SHARED = {
  /** 1 while the main thread must not be stopped by force: the compiler keeps state that a cut would damage. */
  compiling: 0,
  /** Number of an interrupt that the main thread has not dealt with yet, else 0: loops of cells are to stop. */
  interruptPending: 1,
} as const;

export function newSharedState(): SharedArrayBuffer {
  return new SharedArrayBuffer(Object.keys(SHARED).length * Int32Array.BYTES_PER_ELEMENT);
}
