/** What may be asked of `npm run chicago`. Pure. */
import { parseOptions, wholeNumber } from "../../src/cli/command.js";

export interface ChicagoOptions {
  /** Crimes a second. */
  readonly ratePerSecond: number;
  /** Between two maps. */
  readonly mapEverySeconds: number;
}

/** @throws UsageError naming the option, its value and what it may be. */
export function readChicagoOptions(argumentList: readonly string[]): ChicagoOptions {
  const { values } = parseOptions(argumentList, { rate: { type: "string" }, every: { type: "string" } });
  return {
    ratePerSecond: wholeNumber("rate", values.rate, { min: 1, max: 10_000 }) ?? 50,
    mapEverySeconds: wholeNumber("every", values.every, { min: 1, max: 86_400 }) ?? 60,
  };
}
