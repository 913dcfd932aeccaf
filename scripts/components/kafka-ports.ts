/** Ports of Kafka's nodes: those asked for, or free ones. */
import { createServer } from "node:net";
import { TidetableError } from "../../src/errors.js";
import { freePorts } from "./free-ports.js";

export interface NodePorts {
  readonly broker: number;
  readonly controller: number;
  /** By the name of the listener. */
  readonly extra: Readonly<Record<string, number>>;
}

/** Node i gets `base + 100 × (i - 1)`, its controller the port above, then its other listeners; without a base, free ones. */
export async function choosePorts(
  nodeCount: number,
  base: number | undefined,
  extraListeners: readonly string[],
): Promise<readonly NodePorts[]> {
  const perNode = 2 + extraListeners.length;
  const free = base === undefined ? await freePorts(nodeCount * perNode) : [];
  const nodes = Array.from({ length: nodeCount }, (_, node): NodePorts => {
    const portOf = (index: number) =>
      (base === undefined ? free[node * perNode + index] : base + 100 * node + index) ?? 0;
    return {
      broker: portOf(0),
      controller: portOf(1),
      extra: Object.fromEntries(extraListeners.map((name, index) => [name, portOf(2 + index)])),
    };
  });
  if (base !== undefined) {
    for (const { broker, controller, extra } of nodes) {
      for (const port of [broker, controller, ...Object.values(extra)]) await requireFree(port, base);
    }
  }
  return nodes;
}

async function requireFree(port: number, base: number): Promise<void> {
  try {
    const server = await listen(port);
    await new Promise((closed) => server.close(closed));
  } catch (error) {
    throw new TidetableError(
      "PORT_TAKEN",
      `Port ${port} is taken. Stop what listens there, or choose others: npm run kafka -- --port ${base + 1000}`,
      { cause: error },
    );
  }
}

async function listen(port: number) {
  const server = createServer();
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", listening);
  });
  return server;
}
