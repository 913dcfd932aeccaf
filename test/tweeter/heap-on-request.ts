/** Loaded into a process before its program (`--import`, with `--expose-gc`): tells its parent what it keeps, whenever asked. */
process.on("message", (message) => {
  if (message !== "what do you keep?") return;
  // The second time finds what the first time's finalizers let go.
  globalThis.gc?.();
  setImmediate(() => {
    globalThis.gc?.();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    process.send?.({ keptBytes: heapUsed + external + arrayBuffers });
  });
});
// Asking is no reason to stay.
process.channel?.unref();
