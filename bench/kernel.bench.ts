/**
 * Our kernel beside Deno's, tslab's and ipykernel: start, round trips, declaring cells, output, interrupts, memory. Every
 * figure of a ratio comes from the same run. Needs the built kernel (`npm run build`).
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { kernelCommand } from "../kernel/install.js";
import { ensureDeno } from "../scripts/components/deno.js";
import { ensurePython } from "../scripts/components/python.js";
import { BenchClient } from "./kernel/bench-client.js";
import { type Measure, measure, median } from "./measure.js";

const STARTS = 5;
const ROUND_TRIPS = 100;
const RUNS = 3;
const DECLARING_CELLS = 1000;
const LINES = 10_000;
/** Runs of the cell that prints them; the first of them is a measure of its own, too. */
const PRINTING_RUNS = 7;

type Command = (connectionFile: string) => readonly string[];
type KernelName = "tidetable" | "deno" | "tslab" | "ipykernel";

const FIRST_CELL = `import { basename } from "path";
interface Named<T> { name: string; value: T }
function pick<T extends object, K extends keyof T>(from: T, key: K): T[K] { return from[key]; }
const first: Named<number> = { name: basename("/a/b"), value: 1 };
pick(first, "value")`;

export async function measures(): Promise<Measure[]> {
  const commands = await kernels();
  return [
    ...(await starts(commands)),
    ...(await cells(commands)),
    ...(await manyDeclarations(commands)),
    ...(await interrupts(commands)),
  ];
}

async function kernels(): Promise<Record<KernelName, Command>> {
  const [deno, { python }] = [await ensureDeno(), await ensurePython()];
  const require = createRequire(import.meta.url);
  const tslab = join(dirname(require.resolve("tslab/package.json")), "bin/tslab");
  return {
    tidetable: (file) => [...kernelCommand(), "--connection-file", file],
    deno: (file) => [deno, "jupyter", "--kernel", "--conn", file],
    tslab: (file) => [process.execPath, tslab, "kernel", `--config-path=${file}`],
    ipykernel: (file) => [python, "-m", "ipykernel_launcher", "-f", file],
  };
}

async function starts(commands: Record<KernelName, Command>): Promise<Measure[]> {
  const times = await byKernel(["tidetable", "deno", "tslab"], STARTS, commands, async (kernel) => kernel.startedMs);
  const name = "start of the process to the first kernel_info_reply";
  return [
    measure({ name, unit: "ms", ours: times.tidetable, peer: times.deno, peerName: "Deno", goal: { atMost: 1.3 } }),
    measure({ name, unit: "ms", ours: times.tidetable, peer: times.tslab, peerName: "tslab", goal: { atMost: 1 } }),
  ];
}

interface CellTimes {
  readonly same: number;
  readonly fresh: number;
  readonly first: number;
  readonly linesFirst: number;
  readonly lines: number;
  readonly idleMiB: number;
}

async function cells(commands: Record<KernelName, Command>): Promise<Measure[]> {
  const names = ["tidetable", "deno", "tslab", "ipykernel"] as const;
  const runs = await byKernel(names, RUNS, commands, (kernel, name) => cellTimes(kernel, name));
  const of = (name: KernelName, what: keyof CellTimes) => runs[name].map((times) => times[what]);
  const row = (name: string, what: keyof CellTimes, peer: KernelName, peerName: string, atMost: number, unit = "ms") =>
    measure({ name, unit, ours: of("tidetable", what), peer: of(peer, what), peerName, goal: { atMost } });
  return [
    row(`1+1, median of ${ROUND_TRIPS}`, "same", "deno", "Deno, which checks nothing", 1.5),
    row(`an expression that is new each time, median of ${ROUND_TRIPS}`, "fresh", "tslab", "tslab", 1),
    row("first TypeScript cell: interface, generic, import", "first", "tslab", "tslab", 1),
    row(`${LINES} lines of console.log, median of ${PRINTING_RUNS} runs`, "lines", "ipykernel", "ipykernel", 0.5),
    row(`${LINES} lines of console.log, median of ${PRINTING_RUNS} runs`, "lines", "deno", "Deno", 0.5),
    row(`${LINES} lines of console.log, first run`, "linesFirst", "ipykernel", "ipykernel", 0.5),
    row(`${LINES} lines of console.log, first run`, "linesFirst", "deno", "Deno", 0.5),
    row("memory of the idle kernel's process", "idleMiB", "tslab", "tslab", 1.2, "MiB"),
  ];
}

async function cellTimes(kernel: BenchClient, name: KernelName): Promise<CellTimes> {
  // Loads what is loaded on the first use, in each of them.
  await kernel.run("1+1");
  await settled(kernel);
  const idleMiB = kernel.rssMiB();
  const first = name === "ipykernel" ? Number.NaN : (await kernel.run(FIRST_CELL)).ms;
  const same = await medianOf(ROUND_TRIPS, () => kernel.run("1+1"));
  const fresh = await medianOf(ROUND_TRIPS, (turn) => kernel.run(`1+${turn + 2}`));
  // After this tslab waits for ever: it loses what is written quickly, and its idle with it.
  const printing: number[] = [];
  for (let run = 0; run < PRINTING_RUNS && name !== "tslab"; run++) printing.push(await linesMs(kernel, name));
  const linesFirst = printing[0] ?? Number.NaN;
  return { same, fresh, first, linesFirst, lines: name === "tslab" ? Number.NaN : median(printing), idleMiB };
}

/** Nothing that is shown in a notebook may be lost; a kernel that loses it has no time worth comparing. */
async function linesMs(kernel: BenchClient, name: KernelName): Promise<number> {
  const code =
    name === "ipykernel"
      ? `for i in range(${LINES}): print("line", i)`
      : `for (let i = 0; i < ${LINES}; i++) console.log("line", i)`;
  const { ms, text } = await kernel.run(code);
  const arrived = text.split("\n").length - 1;
  if (arrived !== LINES) console.error(`${name}: ${arrived} of ${LINES} lines had arrived when the cell was idle.`);
  return ms;
}

async function manyDeclarations(commands: Record<KernelName, Command>): Promise<Measure[]> {
  const around = (times: readonly number[], cell: number) => times.slice(cell - 5, cell + 5);
  const hundredths = await byKernel(["tidetable", "tslab"], RUNS, commands, async (kernel) =>
    around(await declaring(kernel, 105), 100),
  );
  const many = await byKernel(["tidetable"], 1, commands, async (kernel) => ({
    times: await declaring(kernel, DECLARING_CELLS),
    rssMiB: kernel.rssMiB(),
  }));
  const [{ times, rssMiB } = { times: [], rssMiB: Number.NaN }] = many.tidetable;
  return [
    measure({
      name: "100th declaring cell (median of those around it)",
      unit: "ms",
      ours: hundredths.tidetable.flat(),
      peer: hundredths.tslab.flat(),
      peerName: "tslab",
      goal: { atMost: 0.5 },
    }),
    measure({
      name: "1,000th declaring cell",
      unit: "ms",
      ours: around(times, DECLARING_CELLS - 5),
      peer: around(times, 100),
      peerName: "our 100th",
      goal: { atMost: 2 },
    }),
    measure({
      name: "memory after 1,000 declaring cells",
      unit: "MiB",
      ours: [rssMiB],
      peer: [600],
      peerName: "the limit",
      goal: { atMost: 1 },
    }),
  ];
}

async function declaring(kernel: BenchClient, count: number): Promise<number[]> {
  const times: number[] = [];
  await kernel.run("1+1");
  for (let cell = 0; cell < count; cell++) {
    const before = cell === 0 ? "1" : `v${cell - 1}.value`;
    const code = `interface T${cell} { value: number; at: Date }\nconst v${cell}: T${cell} = { value: ${before} + 1, at: new Date() };\nfunction f${cell}(t: T${cell}) { return t.value * 2 }\nf${cell}(v${cell})`;
    const { ms, failed } = await kernel.run(code);
    if (failed) throw new Error(`Declaring cell ${cell} failed.`);
    times.push(ms);
  }
  return times;
}

async function interrupts(commands: Record<KernelName, Command>): Promise<Measure[]> {
  const kernel = await BenchClient.start(commands.tidetable);
  const kinds: ReadonlyArray<[string, string]> = [
    ["a loop", "while (true) {}"],
    ["an await", "await new Promise(() => {})"],
    ["a loop after an await", "await null; while (true) {}"],
    ["a SQL scan", "%%sql\nSELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 7"],
  ];
  try {
    await kernel.run("let kept = 5");
    await kernel.run("%%sql\nSELECT 1");
    const measured: Measure[] = [];
    for (const [what, code] of kinds) {
      const times: number[] = [];
      for (let run = 0; run < RUNS; run++) times.push(await kernel.interruptMs(code, 500));
      const peerName = "one second";
      measured.push(
        measure({ name: `interrupt of ${what}`, unit: "ms", ours: times, peer: [1000], peerName, goal: { atMost: 1 } }),
      );
    }
    if ((await kernel.run("kept + 1")).failed) throw new Error("The notebook's state did not survive an interrupt.");
    return measured;
  } finally {
    await kernel.stop();
  }
}

/** Runs each kernel in turn, round by round, so that a drifting machine hits all alike. */
async function byKernel<Name extends KernelName, T>(
  names: readonly Name[],
  rounds: number,
  commands: Record<KernelName, Command>,
  work: (kernel: BenchClient, name: Name) => Promise<T>,
): Promise<Record<Name, T[]>> {
  const results = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<Name, T[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const kernel = await BenchClient.start(commands[name]);
      try {
        results[name].push(await work(kernel, name));
      } finally {
        await kernel.stop();
      }
    }
  }
  return results;
}

/** Until its memory no longer grows: what a kernel loads behind its first answer is loaded. */
async function settled(kernel: BenchClient): Promise<void> {
  const STEP_MS = 500;
  let before = 0;
  for (let step = 0; step < 20; step++) {
    const now = kernel.rssMiB();
    if (step > 3 && Math.abs(now - before) < 1) return;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}

async function medianOf(count: number, run: (turn: number) => Promise<{ ms: number }>): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < count; turn++) times.push((await run(turn)).ms);
  return median(times);
}
