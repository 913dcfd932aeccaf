/**
 * Brings a checkout to the point where it can run: packages installed, dist/ built. Plain JavaScript without
 * dependencies, because it runs on a fresh checkout. Does nothing, in a few milliseconds, when all is up to date.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

const installStamp = join(root, "node_modules", ".tidetable-installed");
const buildStamp = join(root, "dist", ".tidetable-built");
const lockDirectory = join(root, ".tidetable-setup.lock");
const lockWaitMsMax = 10 * 60 * 1000;

/** @param {{ build?: boolean, log?: (line: string) => void }} [options] */
export async function setUp({ build = true, log = (line) => console.log(line) } = {}) {
  requireNode();
  if (isPublishedPackage()) return;
  if (isInstalled() && (!build || isBuilt())) return;
  await withLock(log, async () => {
    if (!isInstalled()) await install(log);
    if (build && !isBuilt()) await buildOnce(log);
  });
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(
    `Tidetable needs Node 20.19 or later; this is ${process.versions.node}. Get a newer one from nodejs.org.`,
  );
  process.exit(1);
}

/** A published package carries dist/ and no sources: there is nothing to set up. */
function isPublishedPackage() {
  return !existsSync(join(root, "src"));
}

function isInstalled() {
  return readText(installStamp) === hashOf(["package-lock.json"]);
}

function isBuilt() {
  return readText(buildStamp) === sourceHash();
}

async function install(log) {
  // npm would empty the folder that it points to, which is another checkout's.
  if (lstatSync(join(root, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new Error(
      "node_modules is a link into another checkout whose packages differ. Remove the link and start again.",
    );
  }
  log("Installing packages (once; under a minute on a fast connection) …");
  await run(
    process.platform === "win32" ? "npm.cmd" : "npm",
    ["ci", "--no-audit", "--no-fund", "--loglevel=error"],
    log,
  );
  writeFileSync(installStamp, hashOf(["package-lock.json"]));
}

async function buildOnce(log) {
  log("Building …");
  const hash = sourceHash();
  const { buildAll } = await import("./build.mjs");
  await buildAll();
  writeFileSync(buildStamp, hash);
  log("Built.");
}

/** Runs a command, says every ten seconds that it is still at work, and fails with its last output. */
function run(command, argumentList, log) {
  return new Promise((done, fail) => {
    const started = Date.now();
    const child = spawn(command, argumentList, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32",
    });
    let tail = "";
    const keep = (chunk) => {
      tail = (tail + chunk).slice(-4000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const ticking = setInterval(() => log(`  … ${Math.round((Date.now() - started) / 1000)} s`), 10_000);
    child.on("error", (error) => {
      clearInterval(ticking);
      fail(error);
    });
    child.on("close", (code) => {
      clearInterval(ticking);
      if (code === 0) done(undefined);
      else fail(new Error(`${command} ${argumentList.join(" ")} ended with code ${code}:\n${tail}`));
    });
  });
}

/** One set-up at a time in a checkout; a lock whose owner is gone is taken over. */
async function withLock(log, work) {
  const owner = join(lockDirectory, "pid");
  const deadline = Date.now() + lockWaitMsMax;
  let told = false;
  for (;;) {
    try {
      mkdirSync(lockDirectory);
      writeFileSync(owner, String(process.pid));
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (!isAlive(Number(readText(owner)))) {
      rmSync(lockDirectory, { recursive: true, force: true });
      continue;
    }
    if (!told) log("Another set-up is at work in this checkout; waiting for it …");
    told = true;
    if (Date.now() > deadline)
      throw new Error(`set-up waited ten minutes for ${lockDirectory}; remove it if nothing runs`);
    await new Promise((wake) => setTimeout(wake, 200));
  }
  try {
    await work();
  } finally {
    rmSync(lockDirectory, { recursive: true, force: true });
  }
}

function isAlive(pid) {
  // A lock just made has no pid yet: its owner is between two system calls.
  if (!Number.isInteger(pid) || pid <= 0)
    return Date.now() - (statSync(lockDirectory, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 5000;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function sourceHash() {
  return hashOf([
    "package-lock.json",
    "tsconfig.json",
    ...filesUnder("kernel"),
    ...filesUnder("src"),
    ...filesUnder("scripts", /^build.*\.mjs$/),
  ]);
}

function filesUnder(folder, pattern = /./) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .sort();
}

function hashOf(files) {
  const hash = createHash("sha256").update(process.platform).update(process.arch);
  for (const file of files) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function readText(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** For entry scripts: a failed set-up ends the process with its reason, without a stack. */
export async function setUpOrExit(options) {
  try {
    await setUp(options);
  } catch (error) {
    console.error(`Set-up failed: ${error.message}`);
    process.exit(1);
  }
}
