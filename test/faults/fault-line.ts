/**
 * Lines to the brokers that can be made bad while they are used: reset, silent, slow, in slices, cut in the middle, with a
 * flipped bit. One proxy a broker; Metadata answers name the proxies, so that a reader never finds the way around them.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../support/seeded-random.js";
import { until } from "../support/until.js";

export interface FaultLines {
  /** `127.0.0.1:port` of every proxy, in the order of the brokers. */
  readonly addresses: readonly string[];
  /** Ends every connection with a reset. */
  reset(): void;
  /** What happens to answers from now on; `undefined`: nothing. */
  setHarm(harm: Harm | undefined): void;
  close(): void;
}

export type Harm =
  /** Connections stay open and nothing passes. */
  | { readonly kind: "silent" }
  | { readonly kind: "slow"; readonly delayMs: number }
  /** Answers come in pieces of a few bytes at the start, so that every length is cut somewhere. */
  | { readonly kind: "slices" }
  /** The next answer with records ends in the middle, with a reset. */
  | { readonly kind: "cut" }
  /** A bit of the next answer with records is flipped. */
  | { readonly kind: "flip" };

/** Answers of fewer bytes are Metadata and the like: they have no checksum, so flipping there proves nothing. */
const recordsFromBytes = 1_000;

export async function startFaultLines(brokers: readonly string[], random: Random): Promise<FaultLines> {
  const sockets = new Set<Socket>();
  const servers: Server[] = [];
  const ports = new Map<number, number>();
  let harm: Harm | undefined;

  const pass = async (answer: Buffer, downstream: Socket): Promise<void> => {
    const now = harm;
    if (now?.kind === "slow") await delay(now.delayMs * (0.5 + random.next()));
    if (now?.kind === "slices") {
      for (let at = 0; at < Math.min(answer.length, 64); at += 1 + random.below(16)) await delay(0);
      for (let at = 0; at < answer.length; ) {
        const size = at < 64 ? 1 + random.below(16) : 4_096;
        downstream.write(answer.subarray(at, at + size));
        at += size;
        await delay(0);
      }
      return;
    }
    if (answer.length > recordsFromBytes && (now?.kind === "cut" || now?.kind === "flip")) {
      harm = undefined;
      const at = recordsFromBytes / 2 + random.below(answer.length - recordsFromBytes / 2);
      if (now.kind === "flip") answer.writeUInt8(answer.readUInt8(at) ^ (1 << random.below(8)), at);
      else {
        downstream.write(answer.subarray(0, at));
        downstream.resetAndDestroy();
        return;
      }
    }
    downstream.write(answer);
  };

  for (const broker of brokers) {
    const brokerPort = Number(broker.split(":")[1]);
    const server = createServer((downstream) => {
      const upstream = connect(brokerPort, "127.0.0.1");
      let order = Promise.resolve();
      sockets.add(downstream).add(upstream);
      const end = () => {
        for (const socket of [downstream, upstream]) {
          socket.destroy();
          sockets.delete(socket);
        }
      };
      for (const socket of [downstream, upstream]) socket.on("error", end).on("close", end);
      downstream.on("data", (bytes) => {
        if (harm?.kind !== "silent") upstream.write(bytes);
      });
      upstream.on("data", (bytes) => {
        if (harm?.kind === "silent") return;
        const answer = withPorts(bytes, ports);
        order = order.then(() => pass(answer, downstream)).catch(end);
      });
    });
    server.listen(0, "127.0.0.1");
    await until("a proxy listens", () => server.listening);
    servers.push(server);
    ports.set(brokerPort, portOf(server));
  }
  const destroyAll = () => {
    for (const socket of sockets) socket.resetAndDestroy();
    sockets.clear();
  };
  return {
    addresses: servers.map((server) => `127.0.0.1:${portOf(server)}`),
    reset: destroyAll,
    setHarm(next) {
      // What was swallowed meanwhile leaves the connection in the middle of an answer.
      if (harm?.kind === "silent" && next?.kind !== "silent") destroyAll();
      harm = next;
    },
    close() {
      for (const server of servers) server.close();
      destroyAll();
    },
  };
}

/** In a Metadata answer the port follows the text of the host. */
function withPorts(bytes: Buffer, ports: ReadonlyMap<number, number>): Buffer {
  const changed = Buffer.from(bytes);
  for (let at = changed.indexOf("127.0.0.1"); at >= 0; at = changed.indexOf("127.0.0.1", at + 9)) {
    if (at + 13 > changed.length) break;
    const proxy = ports.get(changed.readInt32BE(at + 9));
    if (proxy !== undefined) changed.writeInt32BE(proxy, at + 9);
  }
  return changed;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
