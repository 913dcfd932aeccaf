/**
 * Messages on their way to the kernel. Answers all go out, in order; of pushes only the newest per subject waits, so a
 * kernel that is slow to read never makes a queue grow here.
 */
import type { EnginePush, FromEngine } from "./protocol.js";

type Answer = Extract<FromEngine, { kind: "answer" | "failure" }>;

/** Calls back when the message has left; its error means that nobody listens any more. */
export type Send = (message: FromEngine, sent: (error: Error | null) => void) => void;

export class Outbox {
  readonly #send: Send;
  readonly #leaving = new Set<string>();
  readonly #waiting = new Map<string, EnginePush>();

  constructor(send: Send) {
    this.#send = send;
  }

  answer(message: Answer): void {
    // A kernel that is gone needs no answer; its channel's closing ends this process.
    this.#send(message, () => undefined);
  }

  push(message: EnginePush): void {
    const subject = subjectOf(message);
    if (this.#leaving.has(subject)) {
      this.#waiting.set(subject, message);
      return;
    }
    this.#leaving.add(subject);
    this.#send(message, () => {
      this.#leaving.delete(subject);
      const next = this.#waiting.get(subject);
      if (next === undefined) return;
      this.#waiting.delete(subject);
      this.push(next);
    });
  }
}

function subjectOf(message: EnginePush): string {
  switch (message.kind) {
    case "streamStatus":
      return `stream ${message.status.name}`;
    case "queryProgress":
      return `query ${message.queryId}`;
    case "liveUpdate":
      return `view ${message.update.viewId}`;
  }
}
