/** A program that holds an engine, with a query on it or none, and prints its process id, to be killed by a test. */
import { startEngineProcess } from "../../src/engine/process-client.js";

const engine = startEngineProcess({ dataDirectory: process.argv[2] ?? "" });
await engine.hello();
const [, , , sql] = process.argv;
if (sql !== undefined) {
  engine.query(sql).catch(() => undefined); // Its end is not awaited: the test ends this program before.
}
console.log(engine.pid);
setInterval(() => undefined, 60_000);
