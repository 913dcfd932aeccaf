/** `npm start`: set up what is missing, then `tidetable start` with the same arguments. */
import { setUpOrExit } from "./setup.mjs";

await setUpOrExit();
process.argv.splice(2, 0, "start");
await import("../dist/cli.js");
