import { deepEqual, equal } from "node:assert/strict";
import { decodeFrames, encodeFrames, type Signing } from "../../kernel/wire/frames.js";

const signing: Signing = { key: "golden-key", scheme: "hmac-sha256" };
const frames = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));

/** Computed with Python's hmac module, so that the two implementations check each other. */
const GOLDEN_REQUEST = [
  "identity-1",
  "<IDS|MSG>",
  "34c3f7999ed0ba93bb1c289c1a8a4842d60188c1ba73a71e8e9606036c1d16d7",
  '{"msg_id":"m1","msg_type":"kernel_info_request","session":"s1","username":"ada","date":"2026-01-02T03:04:05.000Z","version":"5.5"}',
  "{}",
  "{}",
  "{}",
];
const GOLDEN_STREAM = [
  "kernel.s2.stream",
  "<IDS|MSG>",
  "ccfc5c89ddac578ed79ee87869f54172837b8bf23fb5dcaa1a4126c088c002b7",
  '{"msg_id":"k1","msg_type":"stream","session":"s2","username":"tidetable","date":"2026-01-02T03:04:05.000Z","version":"5.5"}',
  '{"msg_id":"m1","msg_type":"execute_request"}',
  "{}",
  '{"name":"stdout","text":"hé"}',
  "buffer",
];

describe("frames", () => {
  it("reads a signed request", () => {
    const decoded = decodeFrames(frames(...GOLDEN_REQUEST), signing);
    if (!decoded.ok) throw new Error(decoded.reason);
    const { header, identities, parentHeader, content, buffers } = decoded.message;
    deepEqual(
      { type: header.messageType, id: header.messageId, session: header.session, username: header.username },
      { type: "kernel_info_request", id: "m1", session: "s1", username: "ada" },
    );
    deepEqual(identities, frames("identity-1"));
    deepEqual([parentHeader, content, buffers], [{}, {}, []]);
  });

  it("writes a message byte for byte", () => {
    const encoded = encodeFrames(
      {
        identities: frames("kernel.s2.stream"),
        header: JSON.parse(GOLDEN_STREAM[3] ?? ""),
        parentHeader: { msg_id: "m1", msg_type: "execute_request" },
        metadata: {},
        content: { name: "stdout", text: "hé" },
        buffers: frames("buffer"),
      },
      signing,
    );
    deepEqual(
      encoded.map((frame) => Buffer.from(frame).toString("utf8")),
      GOLDEN_STREAM,
    );
  });

  const replaced = (index: number, text: string) => frames(...GOLDEN_REQUEST.map((f, i) => (i === index ? text : f)));
  const unsigned: Signing = { key: "", scheme: "hmac-sha256" };
  const refusals: ReadonlyArray<[string, Buffer[], Signing, string]> = [
    ["nothing", [], signing, "no <IDS|MSG> delimiter"],
    ["no delimiter", frames("a", "b"), signing, "no <IDS|MSG> delimiter"],
    [
      "too few parts",
      frames("<IDS|MSG>", "", "{}", "{}"),
      unsigned,
      "3 frames after the delimiter; a message has at least 5",
    ],
    ["a changed header", replaced(3, '{"msg_id":"m2","msg_type":"x"}'), signing, "the signature does not match"],
    ["a changed content", replaced(6, '{"code":"1"}'), signing, "the signature does not match"],
    ["no signature", replaced(2, ""), signing, "the signature does not match"],
    ["another key", frames(...GOLDEN_REQUEST), { ...signing, key: "other" }, "the signature does not match"],
    ["a header that is no JSON", replaced(3, "{"), unsigned, "the header is not a JSON object"],
    ["a header without type", replaced(3, '{"msg_id":"m"}'), unsigned, "the header has no msg_type"],
    [
      "a header without id",
      replaced(3, '{"msg_type":"x_request"}'),
      unsigned,
      "the header of a x_request has no msg_id",
    ],
    [
      "content that is no object",
      replaced(6, "[1]"),
      unsigned,
      "the content of a kernel_info_request is not a JSON object",
    ],
  ];
  for (const [name, received, key, reason] of refusals) {
    it(`refuses ${name}`, () => {
      deepEqual(decodeFrames(received, key), { ok: false, reason });
    });
  }

  it("does not sign with an empty key, and sends a bigint as its digits", () => {
    const encoded = encodeFrames(
      { identities: [], header: {}, parentHeader: {}, metadata: {}, content: { rows: 9007199254740993n }, buffers: [] },
      unsigned,
    );
    equal(Buffer.from(encoded[1] ?? []).toString(), "");
    equal(Buffer.from(encoded[5] ?? []).toString(), '{"rows":"9007199254740993"}');
  });
});
