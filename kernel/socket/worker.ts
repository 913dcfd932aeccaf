/**
 * The socket worker: owns every ZeroMQ socket of the kernel and never runs a user's code. Heartbeat, kernel_info on
 * control, interrupt and shutdown are answered here, whatever the main thread computes. Entry of dist/socket-worker.js.
 */
import { randomUUID } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { Reply, Router, type Socket, XPublisher } from "zeromq";
import { BusyCells } from "../wire/busy.js";
import type { RequestChannel } from "../wire/connection-file.js";
import type { JsonObject } from "../wire/content.js";
import { interruptReply, parseShutdownRequest, shutdownReply } from "../wire/control.js";
import { iopubWelcome, status } from "../wire/display.js";
import { decodeFrames, encodeFrames, type OutgoingMessage, type ReceivedMessage } from "../wire/frames.js";
import { makeHeader, replyTo } from "../wire/header.js";
import { SeenSignatures } from "../wire/seen-signatures.js";
import { unknownSubshellReply } from "../wire/subshell.js";
import { GatheredStream } from "./gathered-stream.js";
import { Interrupter } from "./interrupter.js";
import { watchParent } from "./parent-watch.js";
import type { Command, FromWorker, ToWorker, WorkerSettings } from "./protocol.js";
import { Questioner } from "./questioner.js";
import { SendQueue } from "./send-queue.js";
import { TextReader } from "./shared-text.js";
import { Subshells } from "./subshells.js";

/** How long a shutdown may take before the process is ended by force: front-ends give up after five seconds. */
const SHUTDOWN_MS_MAX = 4000;
/** How long queued messages may take to reach their readers at the end. */
const LINGER_MS = 500;
/**
 * Messages that wait for one subscriber. Whoever is so far behind does not read any more (a stopped program, a sleeping
 * laptop); what goes on then is not kept for it. High enough that no burst of a cell comes near it.
 */
const BEHIND_MAX = 50_000;

const settings = workerData as WorkerSettings;
const { endpoints, signing } = settings.connection;
const session = randomUUID();
const subshells = new Subshells();
const seen = new SeenSignatures();
const sockets = openSockets();
/** Over sockets: they end when these are closed. */
const loops: Promise<void>[] = [];
const busyCells = new BusyCells();
const written = new GatheredStream(new TextReader(settings.textMemory), (message) => queueForIopub(message));
const questioner = new Questioner((frames) => sockets.queues.stdin.send(frames));
const interrupter = new Interrupter(settings.sharedState, (number) => post({ kind: "interrupt", number }));

parentPort?.on("message", (message: ToWorker) => {
  if (message === "wake") {
    written.awake();
  } else {
    written.takeBefore(message.place);
    obey(message.command);
  }
});
await bindAll();
const stopWatching = watchParent(settings.parentProcessId, () => {
  post({ kind: "parentGone" });
  endProcessSoon();
});
publish({ type: "status", parentHeader: {}, content: status("starting") });
post({ kind: "listening" });
listen("shell");
listen("control");
listen("stdin");
loopUntilClosed(welcomeSubscribers());
loopUntilClosed(echoHeartbeats());

function openSockets() {
  const { curveSecretKey } = settings.connection;
  const encryption = curveSecretKey === undefined ? {} : { curveServer: true, curveSecretKey };
  // Verbose subscriptions: each one is welcomed.
  const iopub = new XPublisher({ ...encryption, sendHighWaterMark: BEHIND_MAX, linger: LINGER_MS });
  iopub.verbosity = "allSubs";
  // High-water mark 0: replies are queued, never dropped.
  const router = (mandatory: boolean) =>
    new Router({
      ...encryption,
      mandatory,
      sendHighWaterMark: 0,
      receiveHighWaterMark: 0,
      linger: LINGER_MS,
      handover: true,
    });
  const requests = { shell: router(false), control: router(false), stdin: router(true) };
  const queue = (channel: string, socket: { send(frames: Uint8Array[]): Promise<void> }) =>
    new SendQueue(socket, (error) => post({ kind: "dropped", channel, reason: String(error) }));
  return {
    requests,
    iopub,
    heartbeat: new Reply({ ...encryption, linger: 0 }),
    queues: {
      shell: queue("shell", requests.shell),
      control: queue("control", requests.control),
      stdin: queue("stdin", requests.stdin),
      iopub: queue("iopub", iopub),
    },
  };
}

function allSockets(): Socket[] {
  const { requests, iopub, heartbeat } = sockets;
  return [requests.shell, requests.control, requests.stdin, iopub, heartbeat];
}

async function bindAll(): Promise<void> {
  await sockets.iopub.bind(endpoints.iopub);
  await sockets.heartbeat.bind(endpoints.heartbeat);
  await sockets.requests.control.bind(endpoints.control);
  await sockets.requests.stdin.bind(endpoints.stdin);
  // Last, so that a client whose shell connects finds everything else there.
  await sockets.requests.shell.bind(endpoints.shell);
}

function listen(channel: RequestChannel): void {
  loopUntilClosed(receive(channel));
}

async function receive(channel: RequestChannel): Promise<void> {
  for await (const frames of sockets.requests[channel]) {
    const decoded = decodeFrames(frames, signing, seen);
    if (decoded.ok) route(channel, decoded.message);
    else post({ kind: "dropped", channel, reason: decoded.reason });
  }
}

/** What must not wait for the main thread is answered here; everything else goes there, in order. */
function route(channel: RequestChannel, request: ReceivedMessage): void {
  const { messageType: type, subshellId } = request.header;
  if (type === "interrupt_request") {
    // Also on shell: some front-ends send it there, where it would wait behind the cell it is to stop.
    answer(channel, request, "interrupt_reply", interruptReply(), () => interrupter.interrupt());
  } else if (channel === "control" && type === "kernel_info_request") {
    answer(channel, request, "kernel_info_reply", settings.kernelInfo);
  } else if (type === "shutdown_request") {
    const { restart } = parseShutdownRequest(request.content);
    const reply = shutdownReply(restart);
    answer(channel, request, "shutdown_reply", reply, () => {
      publish({ type: "shutdown_reply", parentHeader: request.header.raw, content: reply });
      interrupter.interrupt();
      post({ kind: "shutdown", restart });
      endProcessSoon();
    });
  } else {
    const aboutSubshells = channel === "control" ? subshells.answer(type, request.content) : undefined;
    if (aboutSubshells !== undefined) answer(channel, request, replyTo(type) ?? type, aboutSubshells);
    else if (subshellId !== undefined && !subshells.has(subshellId)) refuse(channel, request, subshellId);
    else post({ kind: "request", channel, message: request });
  }
}

function refuse(channel: RequestChannel, request: ReceivedMessage, subshellId: string): void {
  const type = replyTo(request.header.messageType);
  // A comm message has no reply.
  if (type !== undefined) answer(channel, request, type, unknownSubshellReply(subshellId));
}

function answer(
  channel: RequestChannel,
  request: ReceivedMessage,
  type: string,
  content: JsonObject,
  act: () => void = () => {},
): void {
  const parentHeader = request.header.raw;
  publish({ type: "status", parentHeader, content: status("busy") });
  act();
  send(channel, request.identities, { type, parentHeader, content });
  publish({ type: "status", parentHeader, content: status("idle") });
}

function obey(command: Command): void {
  switch (command.kind) {
    case "publish":
      publish(command.message);
      break;
    case "aim":
      written.aim(command.parentHeader, command.name);
      break;
    case "text":
      written.write(command.text);
      break;
    case "send":
      interrupter.progress();
      send(command.channel, command.identities, command.message);
      break;
    case "ask":
      written.flush();
      runUntilClosed(ask(command));
      break;
    case "withdraw":
      questioner.withdraw(command.id);
      break;
    case "mark":
      // Two turns of the event loop: requests whose bytes are here already are read and handed over first.
      setImmediate(() => setImmediate(() => post({ kind: "marked", id: command.id })));
      break;
    case "interruptSeen":
      interrupter.seen(command.number);
      break;
    case "close":
      runUntilClosed(close());
      break;
  }
}

function publish(message: OutgoingMessage): void {
  written.flush();
  queueForIopub(message);
  const again = busyCells.after(message);
  if (again !== undefined) queueForIopub(again);
}

function queueForIopub(message: OutgoingMessage): void {
  sockets.queues.iopub.push(encode(message, [Buffer.from(`kernel.${session}.${message.type}`)]));
}

function send(channel: RequestChannel, identities: readonly Uint8Array[], message: OutgoingMessage): void {
  // What a cell has shown is on its way before the front-end hears that it has ended.
  written.flush();
  sockets.queues[channel].push(encode(message, identities));
}

async function ask({ id, identities, message }: Extract<Command, { kind: "ask" }>): Promise<void> {
  post({ kind: "asked", id, failure: await questioner.ask(id, encode(message, identities)) });
}

function encode(message: OutgoingMessage, identities: readonly Uint8Array[]): Uint8Array[] {
  const header = makeHeader({
    messageId: randomUUID(),
    messageType: message.type,
    session,
    date: new Date().toISOString(),
  });
  const { parentHeader, content, metadata = {}, buffers = [] } = message;
  return encodeFrames({ identities, header, parentHeader, metadata, content, buffers }, signing);
}

async function welcomeSubscribers(): Promise<void> {
  const SUBSCRIBE = 1;
  for await (const [frame] of sockets.iopub) {
    if (frame?.[0] !== SUBSCRIBE) continue;
    const subscription = frame.subarray(1);
    const content = iopubWelcome(subscription.toString("utf8"));
    sockets.queues.iopub.push(encode({ type: "iopub_welcome", parentHeader: {}, content }, [subscription]));
  }
}

async function echoHeartbeats(): Promise<void> {
  for await (const frames of sockets.heartbeat) await sockets.heartbeat.send(frames);
}

function post(event: FromWorker): void {
  parentPort?.postMessage(event);
}

/** A kernel that cannot end by itself (a cell blocks it for good) must still end. */
function endProcessSoon(): void {
  setTimeout(() => process.kill(process.pid, "SIGKILL"), SHUTDOWN_MS_MAX);
}

let closing = false;

async function close(): Promise<void> {
  if (closing) return;
  closing = true;
  stopWatching();
  interrupter.close();
  written.close();
  await Promise.all(Object.values(sockets.queues).map((queue) => queue.drained()));
  for (const socket of allSockets()) socket.close();
  // Each loop hears of it from ZeroMQ's own callbacks. A process that ends in the middle of one is aborted instead
  // ("terminate called after throwing an instance of 'Napi::Error'").
  await Promise.allSettled(loops);
  post({ kind: "closed" });
}

function loopUntilClosed(loop: Promise<void>): void {
  loops.push(loop);
  runUntilClosed(loop);
}

/** A loop over a socket ends by an exception when the socket is closed under it; any other failure is the kernel's. */
function runUntilClosed(loop: Promise<void>): void {
  loop.catch((error: unknown) => {
    if (!closing) throw error;
  });
}
