/** Servers that a suite starts at once: all of them, or, where one cannot be, none is left. */
interface Stoppable {
  stop(): Promise<unknown>;
}

/** Waits for all; where one fails, stops the others and throws what it threw. */
export async function startTogether<Servers extends readonly Stoppable[]>(
  starting: { readonly [Index in keyof Servers]: Promise<Servers[Index]> },
): Promise<Servers> {
  const outcomes = await Promise.allSettled<Stoppable>(starting);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed === undefined) return (await Promise.all(starting)) as unknown as Servers;
  await Promise.all(
    outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value.stop() : Promise.resolve())),
  );
  throw failed.reason;
}
