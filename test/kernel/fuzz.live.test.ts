/**
 * Messages that no client would send: cut, doubled, of wrong types, deep, huge. The kernel drops or answers each, and
 * goes on. `FUZZ_MESSAGES` sets how many.
 */
import { deepEqual, equal } from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { type KernelClient, startKernel } from "../support/jupyter-client.js";
import { type Random, seededRandom, testSeed } from "../support/seeded-random.js";

const MESSAGES = Number(process.env.FUZZ_MESSAGES ?? 2000);
const BATCH = 500;
const CHANNELS = ["shell", "control", "stdin"] as const;
/** Not among them: what ends the kernel. */
const TYPES = [
  "execute_request",
  "complete_request",
  "inspect_request",
  "is_complete_request",
  "history_request",
  "comm_info_request",
  "comm_open",
  "comm_msg",
  "comm_close",
  "kernel_info_request",
  "interrupt_request",
  "input_reply",
  "create_subshell_request",
  "delete_subshell_request",
  "list_subshell_request",
  "time_travel_request",
];
const FIELDS: ReadonlyArray<[string, string]> = [
  ["code", "1 + 1"],
  ["code", "🌊.tides"],
  ["cursor_pos", "3"],
  ["comm_id", "a"],
  ["target_name", "workbench.host"],
  ["hist_access_type", "search"],
  ["pattern", "*((["],
  ["user_expressions", "{}"],
  ["data", "{}"],
  ["n", "-1"],
];

describe("fuzzed messages", function () {
  this.timeout(120_000 + MESSAGES * 20);
  let kernel: KernelClient;
  before(async () => {
    kernel = await startKernel();
  });
  after(async () => {
    await kernel.shutdown();
  });

  const seed = testSeed();
  it(`${MESSAGES} of them do no harm (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    for (let sent = 0; sent < MESSAGES; sent++) {
      kernel.sendFrames(random.pick(CHANNELS), frames(random, kernel.signingKey));
      if (sent % BATCH === BATCH - 1) await answers();
    }
    await answers();
  });

  async function answers(): Promise<void> {
    const { reply } = await kernel.request("kernel_info_request", {}, "control");
    equal(reply.content.status, "ok");
    // What was interrupted or failed before it takes the cells that wait along; a cell of its own line waits for none.
    const subshellId = (await kernel.request("create_subshell_request", {}, "control")).reply.content.subshell_id;
    // An interrupt that was sent over another socket may still be on its way, and end this cell.
    for (let tries = 0; tries < 20; tries++) {
      const { reply: ran, outputs } = await kernel.execute("6 * 7", { subshellId, deadlineMs: 60_000 });
      if (ran.content.ename === "Interrupted") continue;
      deepEqual(outputs.at(-1)?.data, { "text/plain": "42" }, JSON.stringify([ran.content, outputs]));
      return;
    }
    throw new Error("Twenty cells in a row were interrupted.");
  }
});

function frames(random: Random, key: string): Uint8Array[] {
  const header = {
    msg_id: odd(random, randomUUID()),
    msg_type: odd(random, random.pick(TYPES)),
    session: odd(random, "fuzz"),
    username: "fuzz",
    version: "5.5",
    ...(random.chance(0.1) && { subshell_id: odd(random, "nowhere") }),
  };
  const content = Object.fromEntries(
    Array.from({ length: random.below(4) }, () => {
      const [name, value] = random.pick(FIELDS);
      return [name, odd(random, value)];
    }),
  );
  const parts = [header, odd(random, {}), odd(random, {}), random.chance(0.9) ? content : odd(random, content)].map(
    (part) => broken(random, Buffer.from(JSON.stringify(part) ?? "")),
  );
  const signature = createHmac("sha256", key);
  for (const part of parts) signature.update(part);
  const signed = random.chance(0.95) ? signature.digest("hex") : "0".repeat(random.below(100));
  const all = [Buffer.from("<IDS|MSG>"), Buffer.from(signed), ...parts];
  if (random.chance(0.1)) all.splice(random.below(all.length), 1);
  if (random.chance(0.1)) all.splice(random.below(all.length), 0, Buffer.alloc(random.below(1000)));
  return all;
}

/** The value, mostly; else one of another kind. */
function odd(random: Random, value: unknown): unknown {
  if (random.chance(0.85)) return value;
  return random.pick([
    null,
    true,
    -1,
    1e308,
    "",
    "x".repeat(random.below(20_000)),
    [],
    [[value]],
    { value },
    deep(random.below(2000)),
    "__proto__",
    "constructor",
  ]);
}

function deep(depth: number): unknown {
  let value: unknown = 0;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

/** The bytes, mostly; else cut or with one of them changed. */
function broken(random: Random, bytes: Buffer): Buffer {
  if (bytes.length === 0 || random.chance(0.9)) return bytes;
  if (random.chance(0.5)) return bytes.subarray(0, random.below(bytes.length));
  const changed = Buffer.from(bytes);
  changed[random.below(changed.length)] = random.below(256);
  return changed;
}
