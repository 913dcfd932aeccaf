/**
 * Where the embedded log of a topic lies, when there are no brokers: the one place that writer (the sample app) and
 * reader (the stream) agree on. Pure.
 */
import { join } from "node:path";

/** `<dataDirectory>/log/<topic>.log`. */
export function embeddedLogPath(dataDirectory: string, topic: string): string {
  return join(dataDirectory, "log", `${topic}.log`);
}
