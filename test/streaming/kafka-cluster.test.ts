/** What is said of brokers that cannot be reached, with a server that is none. */
import { rejects } from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { KafkaCluster } from "../../src/streaming/kafka/cluster.js";

describe("a cluster that cannot be reached", () => {
  it("is told by what a broker did, not by the last try that the deadline cut short", async () => {
    const silent: Socket[] = [];
    let connections = 0;
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      connections += 1;
      if (connections === 1) socket.destroy();
      else silent.push(socket);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const cluster = new KafkaCluster({ brokers: [`127.0.0.1:${port}`], ssl: true });
    try {
      const connecting = cluster.connect(performance.now() + 800, new AbortController().signal);
      await rejects(connecting, /closed the connection.*may not speak TLS: see KAFKA_SECURITY_PROTOCOL/);
    } finally {
      cluster.close();
      for (const socket of silent) socket.destroy();
      server.close();
    }
  });
});
