import { deepEqual, equal, rejects } from "node:assert/strict";
import { startTogether } from "../support/start-together.js";

describe("servers that are started together", () => {
  const stopped: string[] = [];
  const server = (name: string) => ({
    name,
    async stop() {
      stopped.push(name);
    },
  });

  it("are all there", async () => {
    const [a, b] = await startTogether([Promise.resolve(server("a")), Promise.resolve(server("b"))]);
    deepEqual([a.name, b.name, ...stopped], ["a", "b"]);
  });

  it("are stopped where one fails, also one that is there only later", async () => {
    let isThere: (value: ReturnType<typeof server>) => void = () => undefined;
    const later = new Promise<ReturnType<typeof server>>((resolve) => {
      isThere = resolve;
    });
    const answer = startTogether([Promise.reject<ReturnType<typeof server>>(new Error("no memory")), later]);
    isThere(server("later"));
    await rejects(answer, /no memory/);
    equal(stopped.join(), "later");
  });
});
