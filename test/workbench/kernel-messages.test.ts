/** Messages on both wires: what goes in comes out, what is damaged or forged does not. */
import { deepEqual, equal } from "node:assert/strict";
import {
  composeMessage,
  fromKernelFrames,
  fromWebSocketMessage,
  headerOf,
  parentHeaderOf,
  toKernelFrames,
  toWebSocketMessage,
} from "../../src/workbench/kernel-messages.js";

const parts = [...composeMessage("comm_msg", { text: "ö" }, "session"), Buffer.from([0, 255]), Buffer.alloc(0)];

describe("messages between page and kernel", () => {
  it("pass the kernel's wire with their buffers, behind identities or a topic", () => {
    deepEqual(fromKernelFrames([Buffer.from("topic"), ...toKernelFrames(parts, "key")], "key"), parts);
  });

  it("are refused when signed with another key, changed, cut short or no message at all", () => {
    const frames = toKernelFrames(parts, "key");
    const changed = frames.map((frame, index) => (index === 5 ? Buffer.from('{"text":"other"}') : frame));
    for (const bad of [toKernelFrames(parts, "other"), changed, frames.slice(0, 4), frames.slice(1), []]) {
      equal(fromKernelFrames(bad, "key"), undefined);
    }
  });

  it("pass the websocket's wire with their buffers", () => {
    deepEqual(fromWebSocketMessage(toWebSocketMessage("shell", parts)), { channel: "shell", parts });
  });

  it("survive no damage of the offsets and no unknown channel", () => {
    const good = toWebSocketMessage("shell", parts);
    const damaged = (offset: number, value: bigint) => {
      const bytes = Buffer.from(good);
      bytes.writeBigUInt64LE(value, offset);
      return bytes;
    };
    const bad = [
      Buffer.alloc(0),
      Buffer.alloc(8),
      damaged(0, 1n),
      damaged(0, 2n ** 64n - 1n),
      damaged(0, BigInt(good.length)),
      damaged(8, 0n),
      damaged(16, 2n ** 63n),
      damaged(24, 1n),
      good.subarray(0, good.length - 1),
      toWebSocketMessage("shell", parts.slice(0, 3)),
      Buffer.from(good.toString("latin1").replace("shell", "shall"), "latin1"),
    ];
    for (const bytes of bad) equal(fromWebSocketMessage(bytes), undefined);
  });

  it("have headers that are read with what is missing left empty", () => {
    equal(headerOf(parts).msg_type, "comm_msg");
    deepEqual(parentHeaderOf(parts), { msg_id: "", msg_type: "", session: "" });
    deepEqual(headerOf([Buffer.from("null")]), { msg_id: "", msg_type: "", session: "" });
  });
});
