/**
 * Who may talk to the workbench: the one place that reads Host, Origin, cookie and token. Pure: it owns no socket and
 * keeps no state. Everything is refused unless a rule here lets it in.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** What a request must know and name to be let in. */
export interface Door {
  /** Of the printed address: 256 random bits, as base64url; new with each start. */
  readonly token: string;
  /** What the cookie holds. */
  readonly session: string;
  /** The port that is listened on; part of the accepted Host and Origin, and of the cookie's name. */
  readonly port: number;
}

export interface Caller {
  readonly method: string;
  /** A websocket upgrade: state may change, whatever the method says. */
  readonly upgrade: boolean;
  /** Header by lower-case name. */
  header(name: string): string | undefined;
}

export interface Refusal {
  readonly status: 401 | 403;
  readonly message: string;
}

export function newToken(): string {
  return randomBytes(32).toString("base64url");
}

/** Why this caller is refused; undefined lets it in. */
export function refusal(door: Door, caller: Caller): Refusal | undefined {
  return refusalOfAddress(door, caller) ?? refusalOfIdentity(door, caller);
}

/**
 * The part of the check that needs no identity: also made before a token is exchanged for a cookie. A page of another
 * site that points its own name at 127.0.0.1 fails at Host, one that calls our address fails at Origin.
 */
export function refusalOfAddress(door: Door, caller: Caller): Refusal | undefined {
  const host = caller.header("host");
  if (host === undefined || !hostsOf(door).includes(host)) {
    return { status: 403, message: `Host ${quoted(host)} is not this workbench; open http://127.0.0.1:${door.port}/.` };
  }
  const origin = caller.header("origin");
  if (origin !== undefined && origin !== `http://${host}`) {
    return { status: 403, message: `a page of ${quoted(origin)} may not use this workbench.` };
  }
  return undefined;
}

function refusalOfIdentity(door: Door, caller: Caller): Refusal | undefined {
  const authorization = caller.header("authorization");
  if (authorization !== undefined) {
    const given = /^(?:token|bearer) (\S+)$/i.exec(authorization)?.[1];
    return given !== undefined && sameSecret(given, door.token) ? undefined : wrongToken;
  }
  const cookie = cookieNamed(caller.header("cookie"), cookieName(door));
  if (cookie === undefined || !sameSecret(cookie, door.session)) return wrongToken;
  // The browser adds a cookie by itself, so the cookie alone proves nothing about the page that made the call.
  const changesState = caller.upgrade || (caller.method !== "GET" && caller.method !== "HEAD");
  if (changesState && caller.header("origin") === undefined) {
    return {
      status: 403,
      message: "this call changes something and names no Origin; send the token as a header instead.",
    };
  }
  const site = caller.header("sec-fetch-site");
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    return { status: 403, message: "another site may not use this workbench." };
  }
  return undefined;
}

const wrongToken: Refusal = {
  status: 401,
  message: "this address needs the token; open the whole address that was printed when the workbench started.",
};

function hostsOf(door: Door): readonly string[] {
  return [`127.0.0.1:${door.port}`, `localhost:${door.port}`];
}

/** Cookies know no ports: the name keeps two workbenches on one machine apart. */
export function cookieName(door: Door): string {
  return `tidetable-${door.port}`;
}

export function cookieFor(door: Door): string {
  return `${cookieName(door)}=${door.session}; HttpOnly; SameSite=Strict; Path=/`;
}

/** Digests have one length, so the time of the comparison tells nothing about the secret. */
export function sameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function cookieNamed(header: string | undefined, name: string): string | undefined {
  return cookiesOf(header).find(([key]) => key === name)?.[1];
}

export function cookiesOf(header: string | undefined): ReadonlyArray<readonly [name: string, value: string]> {
  return (header ?? "").split(";").map((pair) => {
    const [name = "", value = ""] = pair.trim().split("=", 2);
    return [name, value];
  });
}

function quoted(text: string | undefined): string {
  return text === undefined ? "(none)" : JSON.stringify(text.slice(0, 100));
}
