/** Loads worker.ts where the kernel runs from its sources: tsx does not reach into worker threads by itself. */
import { register } from "tsx/esm/api";

register();
await import("./worker.ts");
