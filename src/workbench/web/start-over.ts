/**
 * After the workbench was started anew: a kernel for a page that was open before. Pages of one notebook share it, as
 * always: the first one starts it, the others join.
 */
import type { ISessionContext } from "@jupyterlab/apputils";
import type { ServiceManager } from "@jupyterlab/services";

export async function startOver(services: ServiceManager.IManager, sessionContext: ISessionContext): Promise<void> {
  // Of the workbench that is gone; only this page still knows it.
  sessionContext.session?.dispose();
  const { path } = sessionContext;
  await navigator.locks.request(`tidetable-kernel ${path}`, async () => {
    await services.sessions.refreshRunning();
    const running = [...services.sessions.running()].find((session) => session.path === path)?.kernel?.id;
    await sessionContext.changeKernel(running === undefined ? { name: "tidetable" } : { id: running });
  });
}
