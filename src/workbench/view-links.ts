/**
 * View-only links: each is for one notebook, and whoever has it sees that notebook's outputs and nothing else. A link's
 * token is computed from a secret, so nothing has to be kept for it; a new secret withdraws every link.
 */
import { createHash, createHmac } from "node:crypto";
import { EventEmitter } from "node:events";
import { cookiesOf, newToken, sameSecret } from "./access.js";

const cookieBytesMax = 2048;

export class ViewLinks {
  readonly changes = new EventEmitter<{ withdrawn: [] }>();
  readonly #port: number;
  readonly #save: (secret: string) => Promise<void>;
  #secret: string;

  constructor(port: number, secret: string, save: (secret: string) => Promise<void>) {
    this.#port = port;
    this.#secret = secret;
    this.#save = save;
    this.changes.setMaxListeners(0);
  }

  tokenFor(path: string): string {
    return createHmac("sha256", this.#secret).update(path).digest("base64url");
  }

  admits(path: string, token: string): boolean {
    return sameSecret(token, this.tokenFor(path));
  }

  /** One cookie a notebook, so that a browser can hold several links; it goes only where viewers may look. */
  cookieFor(path: string): string {
    const name = `${this.#prefix}${createHash("sha256").update(path).digest("hex").slice(0, 16)}`;
    return `${name}=${Buffer.from(path).toString("base64url")}.${this.tokenFor(path)}; HttpOnly; SameSite=Strict; Path=/`;
  }

  /** The notebooks that the holder of these cookies may look at. */
  viewable(cookieHeader: string | undefined): readonly string[] {
    return cookiesOf(cookieHeader).flatMap(([name, value]) => {
      if (!name.startsWith(this.#prefix) || value.length > cookieBytesMax) return [];
      const [path = "", token = ""] = value.split(".", 2);
      const notebook = Buffer.from(path, "base64url").toString("utf8");
      return this.admits(notebook, token) ? [notebook] : [];
    });
  }

  /** Every link that was given out is void from now on, and who looks by one is sent away. */
  async withdraw(): Promise<void> {
    const secret = newToken();
    await this.#save(secret);
    this.#secret = secret;
    this.changes.emit("withdrawn");
  }

  get #prefix(): string {
    return `tidetable-view-${this.#port}-`;
  }
}
