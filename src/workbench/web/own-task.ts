/**
 * Gives work a task of its own, in the order in which it was asked for: ten charts that move together are ten short tasks,
 * between which keys, clicks and painting come, and not one long one. Timers would not do: a tab in the background gets one a second.
 */
const { port1, port2 } = new MessageChannel();
const waiting: Array<() => void> = [];

port1.onmessage = () => {
  waiting.shift()?.();
  if (waiting.length > 0) port2.postMessage(undefined);
};

/** Resolves at the beginning of a task that is for this caller alone. */
export function ownTask(): Promise<void> {
  return new Promise((begin) => {
    waiting.push(begin);
    if (waiting.length === 1) port2.postMessage(undefined);
  });
}
