/**
 * System programs from Debian's archive, for components that are packages and not archives (a browser, HAProxy). Owns
 * the one run of apt-get at a time; where a service of a package must not start by itself is said here too. Installs
 * nothing unless this user is root on a Debian.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory, lock, type Progress } from "./cache.js";

const run = promisify(execFile);
const installTimeoutMs = 10 * 60_000;
const serviceTimeoutMs = 60_000;

/** Whether `installDebianPackages` can work here at all. */
export function canInstallDebianPackages(): boolean {
  return process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
}

/**
 * Installs packages with apt-get, their services not left running. Two processes that call it wait for each other: apt-get
 * itself would fail the second one.
 * @throws Error of apt-get, with its output
 */
export async function installDebianPackages(packages: readonly string[], progress: Progress): Promise<void> {
  const root = cacheDirectory();
  await mkdir(root, { recursive: true });
  const release = await lock(join(root, "debian-packages.lock"), "Debian packages", progress);
  try {
    progress(`Installing Debian's ${packages.join(", ")} (once; about a minute) …`);
    const fresh: string[] = [];
    for (const name of packages) if (!(await isInstalled(name))) fresh.push(name);
    // RUNLEVEL=1 makes invoke-rc.d leave a package's service alone; systemd does not look at it.
    const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
    const options = { env: environment, timeout: installTimeoutMs, maxBuffer: 64 * 2 ** 20 };
    await run("apt-get", ["update", "-q"], options);
    await run("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...packages], options);
    for (const name of fresh) await leaveService(name, progress);
  } finally {
    await release();
  }
}

async function isInstalled(name: string): Promise<boolean> {
  const { stdout } = await run("dpkg-query", ["--status", name]).catch(() => ({ stdout: "" }));
  return /^Status: install ok installed$/m.test(stdout);
}

/** Where systemd runs, a package starts its service, now and at every boot. One that was there before is somebody's. */
async function leaveService(name: string, progress: Progress): Promise<void> {
  if (!existsSync("/run/systemd/system") || !existsSync(`/usr/lib/systemd/system/${name}.service`)) return;
  await run("systemctl", ["disable", "--now", `${name}.service`], { timeout: serviceTimeoutMs }).then(
    () => progress(`${name}: its service is stopped and does not start by itself; only its program is used.`),
    () => progress(`${name}: its service runs. If nobody needs it: systemctl disable --now ${name}`),
  );
}
