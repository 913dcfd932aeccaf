/**
 * A run of tests that is ended by a signal ends by `process.exit`, in each process of it: that is when servers which tests
 * started, in groups of their own, are stopped (scripts/components/). Required by .mocharc.json before any test is loaded.
 */
const { constants } = require("node:os");

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}
