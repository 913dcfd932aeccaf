/** A line to a broker that damages what it carries, for tests of what must never become a row. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { until } from "../support/until.js";

export interface Proxy {
  readonly address: string;
  close(): void;
}

/**
 * A proxy that harms: of the answers that pass, every seventh has a bit flipped in its second half, every eleventh is
 * cut in the middle and the connection reset. Puts its own port into answers that name the broker's.
 */
export async function startHarmfulProxy(broker: string): Promise<Proxy & { faults(): number }> {
  let answers = 0;
  let faults = 0;
  const proxy = await startProxy(broker, ({ downstream, upstream, withOwnPort }) => {
    downstream.on("data", (bytes) => upstream.write(bytes));
    upstream.on("data", (bytes) => {
      const answer = withOwnPort(bytes);
      // Small ones are Metadata and the like: they name the port and have no checksum.
      if (answer.length > 2_000) {
        answers += 1;
        if (answers % 7 === 0) {
          faults += 1;
          const at = answer.length - 1 - (answers % 500);
          answer.writeUInt8(answer.readUInt8(at) ^ 0x04, at);
        }
        if (answers % 11 === 0) {
          faults += 1;
          downstream.write(answer.subarray(0, answer.length >>> 1));
          downstream.resetAndDestroy();
          return;
        }
      }
      downstream.write(answer);
    });
  });
  return { ...proxy, faults: () => faults };
}

/** CreateTopics (Kafka's protocol guide, "Api Key Numbers"). */
const createTopicsKey = 19;

/**
 * A proxy that ends the connection on whoever asks for a topic, `times` times: before the broker hears of it, then after,
 * and so on. `times` counts over all connections.
 */
export function startHangingUpProxy(broker: string, times: number): Promise<Proxy> {
  let left = times;
  return startProxy(broker, ({ downstream, upstream, end, withOwnPort }) => {
    downstream.on("data", (bytes: Buffer) => {
      const asked = left > 0 && bytes.length > 6 && bytes.readInt16BE(4) === createTopicsKey;
      if (asked) left -= 1;
      if (asked && left % 2 === 1) return end();
      upstream.write(bytes);
      if (asked) upstream.prependOnceListener("data", end);
    });
    upstream.on("data", (bytes) => {
      if (!downstream.destroyed) downstream.write(withOwnPort(bytes));
    });
  });
}

interface Line {
  readonly downstream: Socket;
  readonly upstream: Socket;
  /** Ends both sides. */
  readonly end: () => void;
  /** A copy of an answer, in which the proxy's port stands for the broker's. */
  readonly withOwnPort: (answer: Buffer) => Buffer;
}

/** A proxy between a broker and whoever connects; what passes on each line, and how, is `carry`'s. */
async function startProxy(broker: string, carry: (line: Line) => void): Promise<Proxy> {
  const brokerPort = Number(broker.split(":")[1]);
  const sockets = new Set<Socket>();
  const server = createServer((downstream) => {
    const upstream = connect(brokerPort, "127.0.0.1");
    sockets.add(downstream).add(upstream);
    const end = () => {
      downstream.destroy();
      upstream.destroy();
    };
    for (const socket of [downstream, upstream]) socket.on("error", end).on("close", end);
    carry({ downstream, upstream, end, withOwnPort: (answer) => withPort(answer, brokerPort, portOf(server)) });
  });
  server.listen(0, "127.0.0.1");
  await until("the proxy listens", () => server.listening);
  return {
    address: `127.0.0.1:${portOf(server)}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Ports in Metadata answers follow the host's text. */
function withPort(bytes: Buffer, from: number, to: number): Buffer {
  const changed = Buffer.from(bytes);
  for (let at = changed.indexOf("127.0.0.1"); at >= 0; at = changed.indexOf("127.0.0.1", at + 9)) {
    if (at + 13 <= changed.length && changed.readInt32BE(at + 9) === from) changed.writeInt32BE(to, at + 9);
  }
  return changed;
}

export function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
