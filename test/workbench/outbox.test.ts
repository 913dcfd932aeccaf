/** What a page is sent: all of it, once, however often its connection is cut; and bounded while it is away. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { composeMessage, contentOf, fromWebSocketMessage, headerOf } from "../../src/workbench/kernel-messages.js";
import { keptBytesMax, Outbox, type Wire } from "../../src/workbench/outbox.js";
import { seededRandom } from "../support/seeded-random.js";

class TestWire implements Wire {
  bufferedAmount = 0;
  isOpen = true;
  readonly arrived: string[] = [];
  send(bytes: Buffer): void {
    const message = fromWebSocketMessage(bytes);
    if (message !== undefined) this.arrived.push(nameOf(message.parts));
  }
  giveUp(): void {
    this.isOpen = false;
  }
}

function nameOf(parts: Parameters<typeof headerOf>[0]): string {
  const type = headerOf(parts).msg_type;
  return type === "stream" ? String(contentOf(parts).text).slice(0, 20).trim() : type;
}

const line = (text: string) => composeMessage("stream", { name: "stdout", text }, "test");
const update = (id: string, state: number) =>
  composeMessage("update_display_data", { data: { state }, metadata: {}, transient: { display_id: id } }, "test");

describe("what is on its way to a page", () => {
  it("arrives whole, once and in order over 60 histories of cut connections", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = seededRandom(seed).next;
      const outbox = new Outbox(true);
      const page: string[] = [];
      let wire: TestWire | undefined;
      /** How far into the wire the page has read. */
      let read = 0;
      const readSome = (count: number) => {
        if (wire === undefined) return;
        page.push(...wire.arrived.slice(read, read + count));
        read = Math.min(read + count, wire.arrived.length);
      };
      let written = 0;
      for (let step = 0; step < 120; step++) {
        const what = random();
        if (what < 0.5) outbox.push("iopub", line(`line ${++written}`));
        else if (what < 0.7) readSome(Math.floor(random() * 6));
        else if (what < 0.8) outbox.acknowledge(read);
        else if (wire === undefined || what < 0.9) {
          const before = read;
          wire = new TestWire();
          read = 0;
          const { lost, resume } = outbox.attach(wire, before);
          equal(lost, 0);
          resume();
        } else {
          outbox.detach();
          // What the network still held is gone, and the page knows how much it has.
          wire.arrived.length = read;
        }
      }
      const before = read;
      wire = new TestWire();
      read = 0;
      outbox.attach(wire, before).resume();
      readSome(Number.POSITIVE_INFINITY);
      deepEqual(
        page,
        Array.from({ length: written }, (_, index) => `line ${index + 1}`),
        `seed ${seed}`,
      );
      outbox.close();
    }
  });

  it("is the newest state of each display for a page that was away", () => {
    const outbox = new Outbox(true);
    outbox.attach(new TestWire(), 0).resume();
    outbox.detach();
    for (let state = 0; state < 1000; state++) {
      outbox.push("iopub", update("a", state));
      outbox.push("iopub", update("b", state));
    }
    const wire = new TestWire();
    const { lost, resume } = outbox.attach(wire, 0);
    resume();
    deepEqual([lost, wire.arrived], [0, ["update_display_data", "update_display_data"]]);
    outbox.close();
  });

  it("loses nothing below 10 MiB; above, the oldest go, it is counted, and every reply and status stays", () => {
    const outbox = new Outbox(true);
    outbox.attach(new TestWire(), 0).resume();
    outbox.detach();
    const mebibyte = "x".repeat(1024 * 1024);
    const messages = 15;
    for (let number = 1; number <= messages; number++) {
      outbox.push("iopub", line(`line ${String(number).padEnd(15)}${mebibyte}`));
      outbox.push("shell", composeMessage("execute_reply", { status: "ok" }, "test"));
    }
    outbox.push("iopub", composeMessage("status", { execution_state: "idle" }, "test"));
    const wire = new TestWire();
    const { lost, resume } = outbox.attach(wire, 0);
    resume();
    const lines = wire.arrived.filter((name) => name.startsWith("line"));
    ok(lost > 0 && lines.length * mebibyte.length <= keptBytesMax, `${lost} lost, ${lines.length} kept`);
    deepEqual([lines.length + lost, lines.at(-1)], [messages, `line ${messages}`]);
    equal(wire.arrived.filter((name) => name === "execute_reply").length, messages);
    equal(wire.arrived.at(-1), "status");
    outbox.close();
  });
});
