/**
 * Shows what child processes write to the streams they share with the kernel (`stdio: "inherit"`): those lead to
 * whoever launched the kernel, where no user looks. Such a stream becomes a pipe, and what comes through it is written
 * as the cell that started the child would write it. Installed once, after the standard streams have been captured.
 */
import childProcess, {
  ChildProcess,
  type SpawnSyncOptions,
  type SpawnSyncReturns,
  type StdioOptions,
} from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import type { Readable } from "node:stream";

type StreamName = "stdout" | "stderr";

/** Which of a child's streams lead where. */
interface Sharing {
  readonly stdio: StdioOptions;
  readonly shared: ReadonlyArray<{ readonly fd: 1 | 2; readonly name: StreamName }>;
}

export function showChildOutput(): void {
  showOfSpawned();
  showOfAwaited();
  syncBuiltinESMExports();
}

/** `spawn`, `exec`, `execFile` and `fork` all come to this one method. */
function showOfSpawned(): void {
  interface SpawnMethod {
    spawn(this: ChildProcess, options: { stdio?: StdioOptions }): number | undefined;
  }
  const prototype = ChildProcess.prototype as unknown as SpawnMethod;
  const spawn = prototype.spawn;
  prototype.spawn = function (options) {
    const sharing = sharingOf(options.stdio);
    if (sharing === undefined) return spawn.call(this, options);
    const result = spawn.call(this, { ...options, stdio: sharing.stdio });
    for (const { fd, name } of sharing.shared) forward(this.stdio?.[fd] as Readable | null | undefined, name);
    return result;
  };
}

/** The calls that wait for the child; what it wrote is shown when it has ended. */
function showOfAwaited(): void {
  const { spawnSync, execSync, execFileSync } = childProcess;
  const run = (command: string, given: readonly string[], options: SpawnSyncOptions, sharing: Sharing) => {
    const ran: SpawnSyncReturns<string | Buffer> = spawnSync(command, given, { ...options, stdio: sharing.stdio });
    for (const { fd, name } of sharing.shared) {
      const written = ran.output?.[fd];
      if (written) process[name].write(written);
    }
    return ran;
  };
  const runOrThrow = (command: string, given: readonly string[], options: SpawnSyncOptions, sharing: Sharing) => {
    const ran = run(command, given, options, sharing);
    if (ran.error !== undefined) throw ran.error;
    if (ran.status !== 0) throw Object.assign(new Error(`Command failed: ${[command, ...given].join(" ")}`), ran);
    return sharing.shared.some(({ fd }) => fd === 1) ? null : ran.stdout;
  };
  const replacements = {
    spawnSync(command: string, ...rest: unknown[]) {
      const { given, options } = argumentsOf(rest);
      const sharing = sharingOf(options.stdio);
      return sharing === undefined
        ? Reflect.apply(spawnSync, this, [command, ...rest])
        : run(command, given, options, sharing);
    },
    execFileSync(command: string, ...rest: unknown[]) {
      const { given, options } = argumentsOf(rest);
      const sharing = sharingOf(options.stdio);
      if (sharing === undefined) return Reflect.apply(execFileSync, this, [command, ...rest]);
      return runOrThrow(command, given, options, sharing);
    },
    execSync(command: string, options: SpawnSyncOptions = {}) {
      const sharing = sharingOf(options.stdio);
      if (sharing === undefined) return Reflect.apply(execSync, this, [command, options]);
      return runOrThrow(command, [], { ...options, shell: options.shell ?? true }, sharing);
    },
  };
  Object.assign(childProcess, replacements);
}

function argumentsOf(rest: readonly unknown[]): { given: readonly string[]; options: SpawnSyncOptions } {
  const given = Array.isArray(rest[0]) ? rest[0] : [];
  const options = rest.find(
    (argument) => typeof argument === "object" && argument !== null && !Array.isArray(argument),
  );
  return { given, options: options ?? {} };
}

/** Undefined where no stream is shared. */
function sharingOf(stdio: StdioOptions | undefined): Sharing | undefined {
  if (stdio === undefined || stdio === null) return undefined;
  const each = typeof stdio === "string" ? [stdio, stdio, stdio] : [...stdio];
  const shared = ([1, 2] as const).flatMap((fd) => {
    const name = sharedStream(each[fd], fd);
    return name === undefined ? [] : { fd, name };
  });
  if (shared.length === 0) return undefined;
  for (const { fd } of shared) each[fd] = "pipe";
  return { stdio: each, shared };
}

function sharedStream(entry: unknown, fd: 1 | 2): StreamName | undefined {
  if (entry === "inherit") return fd === 1 ? "stdout" : "stderr";
  if (entry === 1 || entry === process.stdout) return "stdout";
  if (entry === 2 || entry === process.stderr) return "stderr";
  return undefined;
}

function forward(stream: Readable | null | undefined, name: StreamName): void {
  stream?.on("data", (chunk: Buffer) => process[name].write(chunk));
}
