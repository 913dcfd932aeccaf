/** What a cell shows on iopub: status, streams, display data, results, errors. Pure. */
import type { JsonObject } from "./content.js";
import type { ExecutionError } from "./execute.js";

export type ExecutionState = "starting" | "busy" | "idle";
export type StreamName = "stdout" | "stderr";

export function status(state: ExecutionState): JsonObject {
  return { execution_state: state };
}

export function stream(name: StreamName, text: string): JsonObject {
  return { name, text };
}

/**
 * `display_data` and `update_display_data`. `transient` is not saved, so the id stands in the metadata too: a page that
 * is loaded again finds there which of its outputs an update is for.
 */
export function displayData(data: JsonObject, metadata: JsonObject, displayId: string | undefined): JsonObject {
  if (displayId === undefined) return { data, metadata, transient: {} };
  return { data, metadata: { ...metadata, display_id: displayId }, transient: { display_id: displayId } };
}

export function executeResult(executionCount: number, data: JsonObject, metadata: JsonObject): JsonObject {
  return { execution_count: executionCount, data, metadata };
}

export function clearOutput(wait: boolean): JsonObject {
  return { wait };
}

export function iopubError(error: ExecutionError): JsonObject {
  return { ename: error.name, evalue: error.message, traceback: error.traceback };
}

/** Tells a subscriber that its subscription has arrived, so that nothing it waits for is lost. */
export function iopubWelcome(subscription: string): JsonObject {
  return { subscription };
}
