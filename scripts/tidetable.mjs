#!/usr/bin/env node
/** The package's one binary. In a checkout it builds first what is missing; a published package has nothing to build. */
import { setUpOrExit } from "./setup.mjs";

await setUpOrExit({ log: (line) => console.error(line) });
await import("../dist/cli.js");
