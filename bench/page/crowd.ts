/**
 * Twenty pages on one kernel: one has stopped reading, one reads 64 KB/s. What the others wait longer for an update than a lone
 * page, and what the server holds. The pages are their websockets: twenty Chromiums would measure each other.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { kernelSubprotocol } from "../../src/workbench/channels.js";
import {
  composeMessage,
  contentOf,
  fromWebSocketMessage,
  headerOf,
  toWebSocketMessage,
} from "../../src/workbench/kernel-messages.js";
import { notebookText } from "../../test/support/notebook.js";
import { type Measure, measure, percentile } from "../measure.js";
import { againstGoal, type BrowserBench, type Home } from "./browser.js";

const PAGES = 20;
const SLOW_BYTES_PER_SECOND = 64 * 1024;
const SECONDS = 20;
const UPDATE_BYTES = 60_000;
const LONGER_MS_MAX = 250;
/** What is kept for a page that is behind, and for one that has stopped: limits of the server, told in MiB. */
const HELD_MIB_MAX = 256;

/** Four times a second a display with the time at which it was made. */
const updating = `
import { display, update } from "tidetable";
const filling = "x".repeat(${UPDATE_BYTES});
display({ "text/plain": "0" }, { id: "crowd" });
setInterval(() => update("crowd", { "text/plain": Date.now() + " " + filling }), 250);`;

export async function measureCrowd({ ours }: BrowserBench): Promise<Measure[]> {
  await ours.add("crowd.ipynb", notebookText([]));
  const kernelId = await startKernel(ours);
  const lone = await Reader.open(ours, kernelId, "reads");
  lone.run(updating);
  await delay(5_000);
  lone.forget();
  await delay(SECONDS * 1000);
  const aloneMs = percentile(lone.latenciesMs, 0.95);
  const before = await residentMib(ours.pid);

  const others = await Promise.all(
    Array.from({ length: PAGES - 1 }, (_, index) =>
      Reader.open(ours, kernelId, index === 0 ? "has stopped" : index === 1 ? "is slow" : "reads"),
    ),
  );
  const readers = [lone, ...others].filter(({ kind }) => kind === "reads");
  await delay(5_000);
  for (const reader of readers) reader.forget();
  let mostMib = before;
  for (let second = 0; second < SECONDS; second++) {
    await delay(1_000);
    mostMib = Math.max(mostMib, await residentMib(ours.pid));
  }
  const crowdMs = Math.max(...readers.map(({ latenciesMs }) => percentile(latenciesMs, 0.95)));
  const counts = readers.map(({ latenciesMs }) => latenciesMs.length);
  for (const reader of [lone, ...others]) reader.close();
  const name = `${PAGES} pages, one stopped, one at 64 KB/s`;
  return [
    againstGoal(
      `${name}: the worst of the others waits longer than a lone one, 95 of 100`,
      "ms",
      [Math.max(0.1, crowdMs - aloneMs)],
      LONGER_MS_MAX,
    ),
    measure({
      name: `${name}: updates of the one that got the fewest, in ${SECONDS} s`,
      unit: "",
      ours: [Math.min(...counts)],
      peer: [SECONDS * 4],
      peerName: "what was sent",
      goal: { atLeast: 0.95 },
    }),
    againstGoal(
      `${name}: what the server holds more than with one`,
      "MiB",
      [Math.max(0.1, mostMib - before)],
      HELD_MIB_MAX,
    ),
  ];
}

async function startKernel({ origin, headers }: Home): Promise<string> {
  const body = '{"path":"crowd.ipynb","type":"notebook","name":"","kernel":{"name":"tidetable"}}';
  const init = { method: "POST", headers: { ...headers, "content-type": "application/json" }, body };
  const answer = await fetch(`${origin}/api/sessions`, init);
  if (!answer.ok) throw new Error(`no kernel: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { kernel: { id: string } }).kernel.id;
}

class Reader {
  readonly kind: "reads" | "is slow" | "has stopped";
  latenciesMs: number[] = [];
  readonly #socket: WebSocket;
  #slowing: NodeJS.Timeout | undefined;

  static async open({ origin, headers }: Home, kernelId: string, kind: Reader["kind"]): Promise<Reader> {
    const address = `${origin.replace("http", "ws")}/api/kernels/${kernelId}/channels`;
    const socket = new WebSocket(address, [kernelSubprotocol], { headers: { ...headers } });
    await new Promise((open, fail) => socket.once("open", open).once("error", fail));
    return new Reader(socket, kind);
  }

  private constructor(socket: WebSocket, kind: Reader["kind"]) {
    this.kind = kind;
    this.#socket = socket;
    socket.on("error", () => socket.terminate());
    let read = 0;
    socket.on("message", (data: Buffer) => {
      read += data.length;
      if (kind === "is slow" && read > SLOW_BYTES_PER_SECOND / 4) socket.pause();
      this.#note(data);
    });
    if (kind === "has stopped") socket.pause();
    if (kind === "is slow") {
      this.#slowing = setInterval(() => {
        read = 0;
        socket.resume();
      }, 250);
    }
  }

  run(code: string): void {
    const content = {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: true,
    };
    this.#socket.send(toWebSocketMessage("shell", composeMessage("execute_request", content, "bench")));
  }

  forget(): void {
    this.latenciesMs = [];
  }

  close(): void {
    clearInterval(this.#slowing);
    this.#socket.terminate();
  }

  #note(data: Buffer): void {
    const message = fromWebSocketMessage(data);
    if (message === undefined || headerOf(message.parts).msg_type !== "update_display_data") return;
    const text = String((contentOf(message.parts).data as Record<string, unknown>)["text/plain"]);
    this.latenciesMs.push(Date.now() - Number(text.split(" ", 1)[0]));
  }
}

async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024;
}
