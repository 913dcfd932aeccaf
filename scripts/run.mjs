/** `node scripts/run.mjs FILE.ts …`: set up what is missing, then run a TypeScript file of this checkout in this process. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, setUpOrExit } from "./setup.mjs";

const [file] = process.argv.splice(2, 1);
if (file === undefined) {
  console.error("usage: node scripts/run.mjs FILE.ts [arguments]");
  process.exit(2);
}
await setUpOrExit();
const { register } = await import("tsx/esm/api");
register();
process.argv[1] = join(root, file);
await import(pathToFileURL(join(root, file)).href);
