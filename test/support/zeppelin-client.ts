/** A small client of Zeppelin's REST interface and WebSocket, for tests on a real server. */
import { WebSocket } from "ws";

export interface ParagraphState {
  readonly id: string;
  readonly title?: string;
  readonly text?: string;
  readonly status: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly results?: {
    readonly code: string;
    readonly msg: ReadonlyArray<{ readonly type: string; readonly data: string }>;
  };
}

export class ZeppelinClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** @returns the note's id */
  async import(noteText: string): Promise<string> {
    return String(await this.#call("POST", "/import", noteText));
  }

  /** Runs all paragraphs and waits for them; read the note for what came of it. */
  async runAll(noteId: string): Promise<readonly ParagraphState[]> {
    await this.#call("POST", `/job/${noteId}?blocking=true`, "{}");
    return await this.paragraphs(noteId);
  }

  /** @param params values of the paragraph's forms, as a page sends them */
  async run(
    noteId: string,
    paragraphId: string,
    params: Readonly<Record<string, string>> = {},
  ): Promise<ParagraphState> {
    await this.#call("POST", `/run/${noteId}/${paragraphId}`, JSON.stringify({ params }), [200, 500]);
    return await this.paragraph(noteId, paragraphId);
  }

  async start(noteId: string, paragraphId: string): Promise<void> {
    await this.#call("POST", `/job/${noteId}/${paragraphId}`, "{}");
  }

  async cancel(noteId: string, paragraphId: string): Promise<void> {
    await this.#call("DELETE", `/job/${noteId}/${paragraphId}`);
  }

  async setText(noteId: string, paragraphId: string, text: string): Promise<void> {
    await this.#call("PUT", `/${noteId}/paragraph/${paragraphId}`, JSON.stringify({ text }));
  }

  async setConfig(noteId: string, paragraphId: string, config: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#call("PUT", `/${noteId}/paragraph/${paragraphId}/config`, JSON.stringify(config));
  }

  async paragraphs(noteId: string): Promise<readonly ParagraphState[]> {
    return ((await this.#call("GET", `/${noteId}`)) as { readonly paragraphs: readonly ParagraphState[] }).paragraphs;
  }

  async paragraph(noteId: string, paragraphId: string): Promise<ParagraphState> {
    return (await this.#call("GET", `/${noteId}/paragraph/${paragraphId}`)) as ParagraphState;
  }

  /** What a page sees of a running paragraph: the frames of its output, as they come. */
  async watch(noteId: string, onOutput: (paragraphId: string, data: string) => void): Promise<() => void> {
    const socket = new WebSocket(`${this.#url.replace("http", "ws")}/ws`, { origin: this.#url });
    await new Promise<void>((opened, failed) => {
      socket.once("open", () => opened());
      socket.once("error", failed);
    });
    socket.on("message", (frame) => {
      const { op, data } = JSON.parse(String(frame)) as { op: string; data?: { paragraphId?: string; data?: string } };
      if (/^PARAGRAPH_(UPDATE|APPEND)_OUTPUT$/.test(op)) onOutput(data?.paragraphId ?? "", data?.data ?? "");
    });
    socket.send(
      JSON.stringify({ op: "GET_NOTE", data: { id: noteId }, principal: "anonymous", ticket: "anonymous", roles: "" }),
    );
    return () => socket.close();
  }

  async #call(method: string, path: string, body?: string, accepted: readonly number[] = [200, 201]): Promise<unknown> {
    const answer = await fetch(`${this.#url}/api/notebook${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(180_000),
    });
    const text = await answer.text();
    if (!accepted.includes(answer.status)) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`);
    return (JSON.parse(text) as { readonly body?: unknown }).body;
  }
}
