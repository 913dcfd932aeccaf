/**
 * Ports of 127.0.0.1 that nothing listens on, from below the range that systems take for outgoing connections: a server may
 * need half a minute before it binds its port, and one that was killed comes back to it.
 */
import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";
import { TidetableError } from "../../src/errors.js";

/** Linux lends from 32768, others from 49152. */
const lowest = 15_000;
const highest = 32_700;
const attemptsMax = 200;

/** One to try: nobody is given it for an outgoing connection. */
export function serverPort(): number {
  return randomInt(lowest, highest);
}

/** Ports that were free a moment ago. All are held at once, so no two are the same. */
export async function freePorts(count: number): Promise<number[]> {
  const held: { port: number; server: Server }[] = [];
  try {
    for (let attempt = 0; held.length < count; attempt++) {
      const port = serverPort();
      const server = await hold(port);
      if (server !== undefined) held.push({ port, server });
      else if (attempt > attemptsMax) {
        throw new TidetableError("PORT_TAKEN", `No free port was found between ${lowest} and ${highest}.`);
      }
    }
    return held.map(({ port }) => port);
  } finally {
    await Promise.all(held.map(({ server }) => new Promise((closed) => server.close(closed))));
  }
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new RangeError("one port was asked for");
  return port;
}

/** Undefined where something listens already. */
async function hold(port: number): Promise<Server | undefined> {
  const server = createServer();
  return await new Promise((listening) => {
    server.once("error", () => listening(undefined));
    server.listen(port, "127.0.0.1", () => listening(server));
  });
}
