/**
 * The websocket to a kernel, as JupyterLab's components use it, that loses nothing when it is cut: it counts what came,
 * keeps what was sent until the workbench has it, and notices a network that has gone silent. What it tells is in
 * `connection-news.ts`; the other end is `channels.ts` of the server.
 */
import { messageBytesMax, tellConnection, tellTooLarge } from "./connection-news.js";

/** What one page and one kernel have exchanged, over all their websockets. */
interface Link {
  /** Messages received of the present websocket. */
  received: number;
  acknowledged: number;
  /** Messages sent in all, and the last of them that the workbench is not known to have. */
  sent: number;
  unacknowledged: Array<string | ArrayBufferLike | Blob | ArrayBufferView>;
  wasOpen: boolean;
}

const acknowledgeAfterMs = 400;
const acknowledgeAfterMessages = 64;
const askEveryMs = 5_000;
/** So a network that is cut without a word is noticed within 15 s. Counted in questions, not in time: a page in the background may ask only once a minute. */
const unansweredMax = 2;
/** As after any loss of the connection: JupyterLab connects again, but not after 1000 and 1001. */
const closeSilent = 4000;

const links = new Map<string, Link>();

export class ResumableSocket extends WebSocket {
  readonly #link: Link | undefined;
  #timer: number | undefined;
  #asking: number | undefined;
  #unanswered = 0;
  #isGreeted = false;

  constructor(address: string | URL, protocols?: string | string[]) {
    const url = new URL(address);
    const isKernel = /\/channels$/.test(url.pathname);
    const link = isKernel ? linkOf(url) : undefined;
    if (link !== undefined) url.searchParams.set("resume", String(link.wasOpen ? link.received : -1));
    super(url, protocols);
    this.#link = link;
    if (link === undefined) return;
    // Before anybody else: listeners are asked in the order in which they came.
    this.addEventListener("open", (event) => {
      // It is open to the page once the workbench has said how the line stands.
      if (!this.#isGreeted) event.stopImmediatePropagation();
    });
    this.addEventListener("message", (event) => this.#receive(event, link));
    this.addEventListener("close", () => this.#rest());
  }

  override send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
    const bytes = sizeOf(data);
    if (bytes > messageBytesMax) {
      tellTooLarge(bytes);
      throw new Error(`Canceled: a message of ${bytes} bytes is over the limit of ${messageBytesMax}`);
    }
    if (this.#link !== undefined) {
      this.#link.sent++;
      this.#link.unacknowledged.push(data);
    }
    super.send(data as string);
  }

  override close(code?: number, reason?: string): void {
    this.#rest();
    super.close(code, reason);
  }

  #receive(event: MessageEvent<unknown>, link: Link): void {
    this.#unanswered = 0;
    if (typeof event.data !== "string") {
      link.received++;
      if (link.received - link.acknowledged >= acknowledgeAfterMessages) this.#acknowledge(link);
      else this.#timer ??= window.setTimeout(() => this.#acknowledge(link), acknowledgeAfterMs);
      return;
    }
    event.stopImmediatePropagation();
    const { received, resumed, lost } = JSON.parse(event.data) as {
      received: number;
      resumed?: boolean;
      lost?: number;
    };
    if (resumed === undefined) forgetSent(link, received);
    else this.#greet(link, { received, resumed, lost: lost ?? 0 });
  }

  #greet(link: Link, { received, resumed, lost }: { received: number; resumed: boolean; lost: number }): void {
    const isAgain = link.wasOpen;
    if (resumed) forgetSent(link, received);
    else Object.assign(link, { sent: 0, unacknowledged: [] });
    Object.assign(link, { received: 0, acknowledged: 0, wasOpen: true });
    this.#isGreeted = true;
    for (const data of link.unacknowledged) super.send(data as string);
    this.#asking = window.setInterval(() => this.#ask(link), askEveryMs);
    this.dispatchEvent(new Event("open"));
    if (isAgain) tellConnection({ isWhole: resumed && lost === 0 });
  }

  #acknowledge(link: Link): void {
    window.clearTimeout(this.#timer);
    this.#timer = undefined;
    link.acknowledged = link.received;
    if (this.readyState === WebSocket.OPEN) super.send(JSON.stringify({ received: link.received }));
  }

  /** The workbench answers each count; a network that was cut without a word does not. */
  #ask(link: Link): void {
    if (this.#unanswered < unansweredMax) {
      this.#unanswered++;
      this.#acknowledge(link);
      return;
    }
    this.close(closeSilent, "no answer");
    // The browser's own event waits for the goodbye of a partner that is silent.
    this.dispatchEvent(new CloseEvent("close", { code: closeSilent }));
  }

  #rest(): void {
    window.clearTimeout(this.#timer);
    window.clearInterval(this.#asking);
    this.#timer = undefined;
  }
}

function sizeOf(data: string | ArrayBufferLike | Blob | ArrayBufferView): number {
  if (typeof data === "string") return data.length;
  return data instanceof Blob ? data.size : data.byteLength;
}

function linkOf(url: URL): Link {
  const key = `${url.pathname}?${url.searchParams.get("session_id")}`;
  const known = links.get(key);
  if (known !== undefined) return known;
  const link: Link = { received: 0, acknowledged: 0, sent: 0, unacknowledged: [], wasOpen: false };
  links.set(key, link);
  return link;
}

/** @param received how many of all that were sent have come there */
function forgetSent(link: Link, received: number): void {
  const first = link.sent - link.unacknowledged.length;
  link.unacknowledged.splice(0, Math.max(0, received - first));
}
