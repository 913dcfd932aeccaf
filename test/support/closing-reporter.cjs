/**
 * Mocha's spec reporter, and beside it the counts and the failures as JSON into TIDETABLE_TEST_COUNTS, from which
 * scripts/test.mjs makes the closing lines for all runs. Long runs end with the files that took longest: the time of a
 * whole run has a limit. CommonJS, because mocha takes a reporter from `module.exports`.
 */
const { appendFileSync } = require("node:fs");
const { relative } = require("node:path");
const { reporters } = require("mocha");

const toldFromMs = 60_000;
const toldFiles = 12;
const toldErrorCharacters = 3_000;

class ClosingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const elapsedMsByFile = new Map();
    const add = ({ file, duration = 0 }) => {
      if (file) elapsedMsByFile.set(file, (elapsedMsByFile.get(file) ?? 0) + duration);
    };
    runner.on("test end", add);
    runner.on("hook end", add);
    const failed = [];
    runner.on("fail", (test, error) => failed.push(told(test, error)));
    runner.once("end", () => {
      const { passes, failures, pending } = this.stats;
      const countsFile = process.env.TIDETABLE_TEST_COUNTS;
      if (countsFile) appendFileSync(countsFile, `${JSON.stringify({ passes, failures, pending, failed })}\n`);
      if (this.stats.duration >= toldFromMs) tellLongest(elapsedMsByFile);
    });
  }
}

/** Bounded: an assertion on a large value must not push the others out of what a log keeps. */
function told(test, error) {
  const text = String(error?.stack ?? error?.message ?? error);
  const titles = test.titlePath().join(" › ");
  return { titles, file: relative(process.cwd(), test.file ?? ""), error: text.slice(0, toldErrorCharacters) };
}

function tellLongest(elapsedMsByFile) {
  const longest = [...elapsedMsByFile].sort(([, a], [, b]) => b - a).slice(0, toldFiles);
  console.log("  Longest files:");
  for (const [file, elapsedMs] of longest) {
    console.log(`    ${(elapsedMs / 1000).toFixed(0).padStart(4)} s  ${relative(process.cwd(), file)}`);
  }
}

module.exports = ClosingReporter;
