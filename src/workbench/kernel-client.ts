/**
 * The port through which the workbench talks to one running kernel. The adapter with sockets is in `socket/`.
 */
import type { Channel, ConnectionInfo, MessageParts } from "./kernel-messages.js";

export interface KernelClient {
  /**
   * Resolves when the kernel has answered a request and its broadcasts reach this client: nothing that it publishes
   * from here on is missed. Rejects when the client is closed or `readyWaitMsMax` has passed before that.
   */
  readonly ready: Promise<void>;
  /** In order per channel; never blocks. */
  send(channel: Exclude<Channel, "iopub">, parts: MessageParts): void;
  close(): void;
}

export interface KernelEvents {
  /** Called for each message that is signed with the connection's key. */
  message(channel: Channel, parts: MessageParts): void;
  /** The sockets are of no further use; the owner closes the client. */
  failed(error: Error): void;
}

export type ConnectKernel = (connection: ConnectionInfo, events: KernelEvents) => KernelClient;
