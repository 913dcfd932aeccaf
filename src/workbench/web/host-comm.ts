/**
 * Tells the kernel that a page which moves charts without rebuilding them is watching: while this comm is open, it may
 * send up to four updates a second.
 */
import type { ISessionContext } from "@jupyterlab/apputils";

const target = "workbench.host";

export function announceHost(sessionContext: ISessionContext): void {
  const open = () => {
    const kernel = sessionContext.session?.kernel;
    if (kernel == null) return;
    // A kernel that was restarted has forgotten the comm; one that was not gets a second, which it counts.
    kernel.info
      .then(() => {
        if (!kernel.isDisposed) kernel.createComm(target).open({ version: 1 });
      })
      .catch((error: unknown) => console.warn("live charts update once a second only", error));
  };
  sessionContext.kernelChanged.connect(open);
  open();
}
