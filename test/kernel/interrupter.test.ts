import { equal, throws } from "node:assert/strict";
import { mock } from "node:test";
import { Interrupter } from "../../kernel/socket/interrupter.js";
import { newSharedState, SHARED } from "../../kernel/socket/protocol.js";

describe("who stops what the main thread computes", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  afterEach(() => mock.timers.reset());

  function interrupted(): { readonly interrupter: Interrupter; readonly pending: Int32Array } {
    const shared = newSharedState();
    const interrupter = new Interrupter(shared, () => undefined);
    interrupter.interrupt();
    const pending = new Int32Array(shared).subarray(SHARED.interruptPending, SHARED.interruptPending + 1);
    equal(pending[0], 1);
    return { interrupter, pending };
  }

  it("uses force when the main thread has not dealt with an interrupt", () => {
    const { interrupter } = interrupted();
    // Force is the inspector's, which stops another thread than its own: on this one it refuses.
    throws(() => mock.timers.tick(300), /main thread|ERR_INSPECTOR_NOT_WORKER/);
    interrupter.close();
  });

  it("uses none once it has, though its word for it has not been read", () => {
    const { interrupter, pending } = interrupted();
    Atomics.store(pending, 0, 0);
    mock.timers.tick(5_000);
    interrupter.close();
  });
});
