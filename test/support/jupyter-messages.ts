/** What a kernel sends, as tests read it: messages, the outputs a notebook would keep, their order. */
import type { JsonObject } from "../../kernel/wire/content.js";

export interface Message {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read content fields directly and assert on them.
  readonly content: any;
  readonly metadata: JsonObject;
  readonly buffers: readonly Uint8Array[];
  readonly messageId: string;
  readonly session: string;
  /** Id of the request this belongs to. */
  readonly parentId: string | undefined;
  readonly arrivedAtMs: number;
}

export interface Served {
  readonly reply: Message;
  /** Everything published for the request, busy to idle. */
  readonly iopub: readonly Message[];
}

export interface Executed extends Served {
  /** What a notebook would keep: streams (joined), displays, the result, the error. */
  readonly outputs: readonly Output[];
  readonly parentId: string;
}

export interface Output {
  readonly type: string;
  /** stdout or stderr, for streams. */
  readonly name?: string;
  readonly text?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly ename?: string;
  readonly evalue?: string;
  readonly traceback?: readonly string[];
}

/** Exactly what was published, without ids: for assertions on order. */
export function shapes(iopub: readonly Message[]): string[] {
  return iopub.map((message) =>
    message.type === "status" ? `status ${message.content.execution_state}` : message.type,
  );
}

export function textOf(outputs: readonly Output[], name: "stdout" | "stderr" = "stdout"): string {
  return outputs
    .map((output) => (output.type === "stream" && output.name === name ? (output.text ?? "") : ""))
    .join("");
}

export function isIdle(message: Message): boolean {
  return message.type === "status" && message.content.execution_state === "idle";
}

export function outputsOf(iopub: readonly Message[]): Output[] {
  const outputs: Output[] = [];
  for (const { type, content } of iopub) {
    const last = outputs.at(-1);
    if (type === "stream" && last?.type === "stream" && last.name === content.name) {
      outputs[outputs.length - 1] = { ...last, text: `${last.text}${content.text}` };
    } else if (["stream", "display_data", "execute_result", "error"].includes(type)) {
      outputs.push({ type, ...content });
    } else if (type === "update_display_data") {
      const updated = displayIdOf(content);
      for (const [index, output] of outputs.entries()) {
        if (displayIdOf(output) === updated)
          outputs[index] = { ...output, data: (content.data as Output["data"]) ?? {} };
      }
    }
  }
  return outputs;
}

function displayIdOf(content: object): unknown {
  const { transient } = content as { readonly transient?: { readonly display_id?: unknown } };
  return transient?.display_id;
}
