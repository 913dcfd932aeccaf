/**
 * The engine process: forked by a kernel, sole owner of the database and of the streams. Reads requests from the channel
 * to its kernel and ends when that closes. An interrupt from the terminal is the kernel's business, not this process's.
 */
import { serializeError, TidetableError } from "../errors.js";
import { EngineDispatch } from "./dispatch.js";
import type { EngineStart } from "./hosted-engine.js";
import { openEngine } from "./open-engine.js";
import { Outbox } from "./outbox.js";
import type { ToEngine } from "./protocol.js";

/** Closing the database takes well under a second; what is committed is safe either way. */
const CLOSE_TIMEOUT_MS = 2_500;
/** Time for what is being answered, before a process whose store is damaged makes room for one with a new store. */
const DAMAGE_EXIT_MS = 200;

function main(): void {
  const argument = process.argv[2];
  if (process.send === undefined || argument === undefined) {
    console.error("This is Tidetable's engine; a kernel starts it. Run: npx tidetable start");
    process.exit(64);
  }
  const outbox = new Outbox((message, sent) => {
    if (process.connected) process.send?.(message, undefined, undefined, sent);
  });
  const opened = openDispatch(startOf(argument), outbox);
  opened.catch(() => undefined); // Every request below answers with this failure.

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= opened.then((dispatch) => dispatch.close());
    return closing;
  };
  const exit = (): void => {
    setTimeout(endNow, CLOSE_TIMEOUT_MS);
    close().then(endNow, endNow);
  };
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", exit);
  process.on("disconnect", exit);
  // A kernel that was ended while this process was still loading is gone before anyone here could hear of it.
  if (!process.connected) exit();
  process.on("message", (message: ToEngine) => {
    const answered = message.name === "close" ? close().then(() => ({})) : answer(opened, message);
    answered.then(
      (value) => outbox.answer({ kind: "answer", id: message.id, answer: value }),
      (error: unknown) =>
        outbox.answer({ kind: "failure", id: message.id, error: serializeError(error, "SQL_FAILED") }),
    );
  });
}

/**
 * Not process.exit: that waits for libuv's threads, and a query that cannot be interrupted (one scalar function over a long
 * text) keeps one of them, so the process would outlive its kernel for as long as the query takes, or for ever. What is
 * committed is in the store, and what was written to stderr is with the kernel: a pipe takes it at once.
 */
function endNow(): void {
  process.kill(process.pid, "SIGKILL");
}

/** What the kernel says on the command line, and the one thing that is too secret for it. */
function startOf(argument: string): EngineStart {
  const { SPARK_REMOTE: sparkRemote } = process.env;
  return { ...(JSON.parse(argument) as EngineStart), ...(sparkRemote === undefined ? {} : { sparkRemote }) };
}

async function openDispatch(start: EngineStart, outbox: Outbox): Promise<EngineDispatch> {
  const engine = await openEngine(start, () => {
    setTimeout(() => {
      console.error("the store is damaged and is replaced");
      endNow();
    }, DAMAGE_EXIT_MS);
  });
  return new EngineDispatch(
    engine,
    (message) => outbox.push(message),
    // What fails on the clock (a checkpoint on a full disk) must not go unseen: the kernel reports the end of its engine.
    (error) => {
      console.error(error instanceof Error ? error.message : String(error));
      endNow();
    },
    start.sparkRemote,
  );
}

async function answer(opened: Promise<EngineDispatch>, message: ToEngine): Promise<unknown> {
  const dispatch = await opened;
  if (dispatch === undefined) throw new TidetableError("ENGINE_GONE", "the engine did not start");
  return dispatch.handle(message.name, message.request as never);
}

main();
