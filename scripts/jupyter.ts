/**
 * `npm run jupyter [-- --port 8888 --notebook FILE]`: JupyterLab from our own Python environment, with the kernel of
 * this checkout, in the foreground on loopback. Ctrl-C stops it.
 */
import { spawn } from "node:child_process";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { installKernelSpec } from "../kernel/install.js";
import { errorMessage } from "../src/errors.js";
import { ensurePython } from "./components/python.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const { values } = parseArgs({ options: { port: { type: "string", default: "8888" }, dir: { type: "string" } } });

try {
  const python = await ensurePython((line) => console.log(line));
  await installKernelSpec({
    location: { kind: "prefix", directory: python.directory },
    name: "tidetable",
    environment: process.env,
  });
  const server = spawn(
    python.program("jupyter"),
    [
      "lab",
      "--ip=127.0.0.1",
      `--port=${values.port}`,
      `--ServerApp.root_dir=${values.dir === undefined ? resolve(root, "notebooks") : resolve(values.dir)}`,
      ...(process.getuid?.() === 0 ? ["--allow-root"] : []),
    ],
    { stdio: "inherit" },
  );
  // Ctrl-C reaches JupyterLab through the terminal; it asks, and a second one stops it. A signal to us alone is passed on.
  process.on("SIGTERM", () => server.kill("SIGTERM"));
  process.on("SIGINT", () => undefined);
  server.on("close", (code) => process.exit(code ?? 1));
} catch (error) {
  console.error(errorMessage(error));
  process.exit(1);
}
