/**
 * Chromium for tests that drive the real page: the one that is there, or Debian's where we may install it. A browser
 * is a system program with libraries and fonts, so it is not put into the component cache.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { TidetableError } from "../../src/errors.js";
import type { Progress } from "./cache.js";
import { canInstallDebianPackages, installDebianPackages } from "./debian.js";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const macApplications = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

let ensured: Promise<string> | undefined;

/**
 * The path of an executable Chromium: `CHROMIUM_PATH`, one on PATH, or Debian's, installed first when this user may.
 * @throws TidetableError COMPONENT_MISSING with what to do
 */
export function ensureChromium(progress: Progress = (line) => console.log(line)): Promise<string> {
  ensured ??= findOrInstall(progress);
  return ensured;
}

/** How a test starts it: nothing that reaches out, nothing that remembers. Each launch of playwright has a new profile. */
export function chromiumLaunchOptions(executablePath: string): {
  executablePath: string;
  headless: boolean;
  args: string[];
} {
  const quiet = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
  ];
  // Chromium refuses its sandbox to root, which is who runs tests in a container.
  return { executablePath, headless: true, args: isRoot() ? ["--no-sandbox", ...quiet] : quiet };
}

async function findOrInstall(progress: Progress): Promise<string> {
  const found = findChromium();
  if (found !== undefined) return found;
  if (!canInstallDebianPackages()) throw missing("it is not installed");
  try {
    await installDebianPackages(["chromium", "fonts-dejavu-core"], progress);
  } catch (cause) {
    throw missing("installing it with apt-get failed", cause);
  }
  const installed = findChromium();
  if (installed === undefined) throw missing("apt-get installed it, but it is not on PATH");
  return installed;
}

function findChromium(): string | undefined {
  const chosen = process.env.CHROMIUM_PATH;
  if (chosen !== undefined && chosen !== "") {
    if (isExecutable(chosen)) return chosen;
    throw missing(`CHROMIUM_PATH is ${chosen}, which is not an executable file`);
  }
  const folders = [...(process.env.PATH ?? "").split(delimiter).filter(Boolean), "/usr/bin"];
  const candidates = [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...macApplications];
  // A snap's launcher may be executable and start nothing: only a browser answers with its version.
  return candidates.find(
    (path) => isExecutable(path) && spawnSync(path, ["--version"], { timeout: 20_000 }).status === 0,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function missing(why: string, cause?: unknown): TidetableError {
  return new TidetableError(
    "COMPONENT_MISSING",
    `Chromium is missing: ${why}. Install it (Debian: apt-get install chromium) or set CHROMIUM_PATH to a Chrome or Chromium.`,
    cause === undefined ? {} : { cause },
  );
}
