/**
 * Asks for a component in a test's `before`. A machine that cannot have it skips the suite with the reason; with
 * CI=true a missing component is a failure, because CI must prove everything.
 */
import type { Context } from "mocha";
import { TidetableError } from "../../src/errors.js";

export async function requireComponent<T>(context: Context, ensure: () => Promise<T>): Promise<T> {
  // Fetching a component for the first time may take minutes; the tests after it keep their own bounds.
  const timeoutMs = context.timeout();
  context.timeout(15 * 60_000);
  try {
    return await ensure();
  } catch (error) {
    const missing = error instanceof TidetableError && error.code === "COMPONENT_MISSING";
    if (!missing || process.env.CI === "true") throw error;
    console.log(`      skipped: ${error.message}`);
    return context.skip();
  } finally {
    context.timeout(timeoutMs);
  }
}
