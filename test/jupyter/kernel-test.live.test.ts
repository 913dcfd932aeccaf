/** Jupyter's own tests of kernels, jupyter_kernel_test, on our kernel. */
import { deepEqual } from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type JupyterHome, openJupyterHome, root } from "../support/notebook.js";
import { requireComponent } from "../support/require-component.js";

describe("jupyter_kernel_test", function () {
  this.timeout(240_000);
  let home: JupyterHome;

  before(async function () {
    home = await requireComponent(this, openJupyterHome);
  });
  after(async () => {
    await home?.close();
  });

  it("passes, with nothing left out", async () => {
    const script = join(root, "test/support/python/kernel_test.py");
    const { stdout } = await promisify(execFile)(home.python.python, [script, "tidetable"], {
      env: { ...home.environment, KAFKA_BROKERS: "", TIDETABLE_DATA: join(home.directory, "kernel-test-data") },
      cwd: home.directory,
      timeout: 200_000,
    });
    const { passed, failed, skipped } = JSON.parse(stdout);
    deepEqual(failed, {});
    deepEqual(skipped, {});
    deepEqual(passed.sort(), [
      "test_clear_output",
      "test_completion",
      "test_display_data",
      "test_error",
      "test_execute_result",
      "test_execute_stderr",
      "test_execute_stdout",
      "test_history",
      "test_inspect",
      "test_is_complete",
      "test_kernel_info",
      "test_pager",
      "test_recv_iopub_welcome_msg",
    ]);
  });
});
