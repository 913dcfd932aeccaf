/** What may be asked of `npm run chicago`. Pure. */
import { parseArgs } from "node:util";
import { TidetableError } from "../../src/errors.js";

export interface ChicagoOptions {
  /** Crimes a second. */
  readonly ratePerSecond: number;
  /** Between two maps. */
  readonly mapEverySeconds: number;
}

/** @throws TidetableError CONFIG_INVALID naming the option, its value and what it may be. */
export function readChicagoOptions(argumentList: readonly string[]): ChicagoOptions {
  const { values } = parseArgs({
    args: [...argumentList],
    options: { rate: { type: "string" }, every: { type: "string" } },
  });
  return {
    ratePerSecond: wholeNumber("rate", values.rate, 10_000) ?? 50,
    mapEverySeconds: wholeNumber("every", values.every, 86_400) ?? 60,
  };
}

function wholeNumber(name: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new TidetableError("CONFIG_INVALID", `--${name} is "${text}"; it takes a whole number from 1 to ${max}.`);
}
