/** The way between a browser and a workbench, which a test can cut or leave without an answer. */

import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";

export interface CuttableNetwork {
  /** What the browser must map `localhost:<port of the workbench>` to. */
  readonly port: number;
  /** Ends every connection and takes no new one. */
  cut(): void;
  /** Carries nothing any more and says so to nobody: connections stay open, further ones are taken, and what is sent is gone. */
  fallSilent(): void;
  mend(): void;
  close(): void;
}

/** @param targetPort asked for each new connection: the workbench may have started after this did */
export async function openCuttableNetwork(targetPort: () => number): Promise<CuttableNetwork> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let isSilent = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    if (isSilent) {
      sockets.add(near);
      near.on("error", () => near.destroy());
      near.on("close", () => sockets.delete(near));
      near.resume();
      return;
    }
    const far = createConnection(targetPort(), "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cut: () => {
      isCut = true;
      drop();
    },
    fallSilent: () => {
      isSilent = true;
      for (const socket of sockets) socket.unpipe().resume();
    },
    mend: () => {
      isCut = false;
      // What was lost on its way does not come after all.
      if (isSilent) drop();
      isSilent = false;
    },
    close: () => {
      server.close();
      drop();
    },
  };
}
