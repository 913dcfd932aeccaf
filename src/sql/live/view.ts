/** The port of live queries: a query that publishes a version whenever its answer may have changed. */
import type { LiveUpdate } from "../../engine/protocol.js";
import type { SqlValue } from "../schema.js";

export interface LiveRequest {
  readonly text: string;
  readonly parameters: readonly SqlValue[];
  readonly rowLimit: number;
  /** At most one version in this time. */
  readonly everyMs: number;
}

export interface LiveViews {
  /** The first version follows at once. Starting an id again replaces what it published. */
  start(viewId: string, request: LiveRequest, publish: (update: LiveUpdate) => void): Promise<void>;
  stop(viewId: string): void;
  close(): Promise<void>;
}
