/** A program that holds an engine and prints its process id, to be killed by a test. */
import { startEngineProcess } from "../../src/engine/process-client.js";

const engine = startEngineProcess({ dataDirectory: process.argv[2] ?? "" });
await engine.hello();
console.log(engine.pid);
setInterval(() => undefined, 60_000);
