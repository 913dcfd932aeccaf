/** Notices that the process which launched the kernel is gone, so that no kernel is left behind on a server. */

const POLL_MS = 1000;

/** Calls `onGone` once. Runs in the worker, where it works also while a cell keeps the main thread busy. */
export function watchParent(launcherProcessId: number | undefined, onGone: () => void): () => void {
  const parentAtStart = process.ppid;
  const launcher = launcherProcessId !== undefined && exists(launcherProcessId) ? launcherProcessId : undefined;
  const timer = setInterval(() => {
    const orphaned = parentAtStart > 1 && process.ppid !== parentAtStart;
    if (!orphaned && (launcher === undefined || exists(launcher))) return;
    clearInterval(timer);
    onGone();
  }, POLL_MS);
  return () => clearInterval(timer);
}

function exists(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // EPERM: it is there and belongs to another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
