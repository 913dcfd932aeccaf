/**
 * `npm test`: sets up what is missing, runs every test on this Node, then the tests that depend on Node itself on the
 * other supported line, and ends with one line: `N passed, N failed, N skipped`. Two files are run at a time, because
 * most of the time of a live test is spent waiting for servers.
 *
 *   --unit            only pure tests, no set-up of the page, no second Node (npm run test:unit)
 *   --jobs N          files at a time; default 2, with FILE … / --grep 1
 *   FILE … / --grep   passed on to mocha
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { root, setUpOrExit } from "./setup.mjs";

/** How long a run may take to stop its servers when it is told to end. */
const endTimeoutMs = 20_000;

/** The signal by which this run is to end, and the mocha that is to hear of it. */
let endedBy;
let running;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    endedBy ??= signal;
    running?.kill(signal);
    setTimeout(() => running?.kill("SIGKILL"), endTimeoutMs).unref();
    if (running === undefined) process.exit(128 + constants.signals[signal]);
  });
}

const { unit, jobs, passedOn } = readArguments(process.argv.slice(2));
const countsDirectory = mkdtempSync(join(tmpdir(), "tidetable-test-"));
const countsFile = join(countsDirectory, "counts.jsonl");

await setUpOrExit({ build: !unit });

const files = testFiles();
const pure = files.filter((file) => !file.endsWith(".live.test.ts"));
const chosen = passedOn.some((argument) => argument.endsWith(".ts"));
const codes = [];
codes.push(await mocha(process.execPath, chosen ? passedOn : [...(unit ? pure : files), ...passedOn]));
if (!unit && passedOn.length === 0 && endedBy === undefined) codes.push(await otherNode());

const total = { passes: 0, failures: 0, pending: 0 };
const reports = readReports();
for (const report of reports) for (const key of Object.keys(total)) total[key] += report[key];
rmSync(countsDirectory, { recursive: true, force: true });

// A run that died without a report (a crash, a kill) is one failure, whatever was counted before it.
const unreported = codes.filter((code) => code !== 0).length > 0 && total.failures === 0 ? 1 : 0;
// Again at the very end: of a long log, the end is what is kept and looked at.
for (const { titles, file, error } of reports.flatMap(({ failed }) => failed)) {
  console.log(`\nFAILED  ${titles}\n        ${file}\n${error.replace(/^/gm, "        ")}`);
}
console.log(`\n${total.passes} passed, ${total.failures + unreported} failed, ${total.pending} skipped`);
if (endedBy !== undefined) process.exit(128 + constants.signals[endedBy]);
process.exit(codes.every((code) => code === 0) ? 0 : 1);

/** The tests that could differ by Node version: pure ones, and the real kernel and engine processes. */
async function otherNode() {
  const { register } = await import("tsx/esm/api");
  register();
  const { ensureOtherNode } = await import("./components/node.ts");
  let executable;
  try {
    executable = await ensureOtherNode();
  } catch (error) {
    console.log(`\nSecond Node: ${error.message}`);
    return process.env.CI === "true" ? 1 : 0;
  }
  console.log(`\nThe same on ${executable.version}:`);
  const dependsOnNode = (file) =>
    file.startsWith("test/kernel/") || /^test\/engine\/engine-(queries|streams)/.test(file);
  return mocha(executable.path, [...new Set([...files.filter(dependsOnNode), ...pure])]);
}

/** All test files, the longest first: one that starts last would be waited for alone. */
function testFiles() {
  const longest =
    /^test\/(faults|sql\/live-oracle|pipeline|spark|tweeter|jupyter|workbench|kernel|zeppelin)\b.*\.live\./;
  const found = readdirSync(join(root, "test"), { recursive: true })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => `test/${file.replaceAll("\\", "/")}`)
    .sort();
  return [...found.filter((file) => longest.test(file)), ...found.filter((file) => !longest.test(file))];
}

function readArguments(argumentList) {
  const rest = argumentList.filter((argument) => argument !== "--unit");
  const at = rest.indexOf("--jobs");
  const [, given] = at === -1 ? [] : rest.splice(at, 2);
  const unit = argumentList.includes("--unit");
  const jobs = Number(given ?? (rest.length > 0 ? 1 : 2));
  if (!Number.isInteger(jobs) || jobs < 1) {
    console.error(`--jobs ${given ?? ""}: a whole number of at least 1 is needed.`);
    process.exit(2);
  }
  return { unit, jobs, passedOn: rest };
}

function mocha(node, extra) {
  const parallel = jobs > 1 ? ["--parallel", "--jobs", String(jobs)] : [];
  return new Promise((done) => {
    const child = spawn(
      node,
      [
        // Not mocha.js, which starts another process for `node-option` and does not pass on what ends it.
        "--import=tsx",
        join(root, "node_modules/mocha/bin/_mocha"),
        "--reporter",
        join(root, "test/support/closing-reporter.cjs"),
        ...parallel,
        ...extra,
      ],
      { cwd: root, stdio: "inherit", env: { ...process.env, TIDETABLE_TEST_COUNTS: countsFile } },
    );
    running = child;
    child.on("close", (code) => {
      running = undefined;
      done(code ?? 1);
    });
  });
}

/** One for each run of mocha: `{passes, failures, pending, failed: [{titles, file, error}]}`. */
function readReports() {
  try {
    return readFileSync(countsFile, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  } catch {
    return [];
  }
}
