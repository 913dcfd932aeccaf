/**
 * A cell that keeps what is shown in it, as a front-end would: outputs by display id, the newest bundle of each.
 */
import type { MagicCell, MimeBundle } from "../../src/cell-output.js";

export class RecordingCell implements MagicCell {
  readonly #abort = new AbortController();
  readonly #disposers: Array<() => void> = [];
  readonly cellId = "cell-1";
  readonly outputs: Array<{ readonly displayId: string | undefined; bundle: MimeBundle; updates: number }> = [];
  readonly defined = new Map<string, { readonly value: unknown; readonly typeText: string }>();
  readonly written: string[] = [];
  /** The notebook's scope, for `${…}`. */
  readonly scope: Readonly<Record<string, unknown>>;
  readonly intervalMs: number;

  constructor(options: { readonly scope?: Readonly<Record<string, unknown>>; readonly intervalMs?: number } = {}) {
    this.scope = options.scope ?? {};
    this.intervalMs = options.intervalMs ?? 20;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  interrupt(): void {
    this.#abort.abort();
  }

  /** What running the cell again does to what its earlier run left. */
  dispose(): void {
    for (const dispose of this.#disposers.splice(0)) dispose();
  }

  display(bundle: MimeBundle, options?: { displayId?: string }): void {
    this.outputs.push({ displayId: options?.displayId, bundle, updates: 0 });
  }

  updateDisplay(displayId: string, bundle: MimeBundle): void {
    const output = this.outputs.find((shown) => shown.displayId === displayId);
    if (output === undefined) throw new Error(`update of ${displayId}, which was never displayed`);
    output.bundle = bundle;
    output.updates += 1;
  }

  clearOutput(): void {
    this.outputs.length = 0;
  }

  write(stream: "stdout" | "stderr", text: string): void {
    this.written.push(`${stream}: ${text}`);
  }

  updateIntervalMs(): number {
    return this.intervalMs;
  }

  async evaluate(expression: string): Promise<unknown> {
    const names = Object.keys(this.scope);
    return new Function(...names, `return (${expression});`)(...Object.values(this.scope));
  }

  define(name: string, value: unknown, typeText: string): void {
    this.defined.set(name, { value, typeText });
  }

  onDispose(dispose: () => void): void {
    this.#disposers.push(dispose);
  }

  text(index: number): string {
    return String(this.outputs[index]?.bundle["text/plain"] ?? "");
  }
}
