import { deepEqual, equal, ok } from "node:assert/strict";
import { ExpectedObjects } from "../../src/streaming/json/expected.js";
import type { Field, FieldKind } from "../../src/streaming/json/fields.js";
import { type FieldPolicy, JsonScanner } from "../../src/streaming/json/scan.js";
import { type Random, seededRandom, testSeed } from "../support/seeded-random.js";

const RECORDS = Number(process.env.FUZZ_RECORDS ?? 20_000);

const FIELDS: readonly Field[] = [
  ["id", "text"],
  ["n", "bigint"],
  ["created_at", "timestamp"],
  ["share", "double"],
  ["isOpen", "boolean"],
  ["handle", "text"],
].map(([key, kind]) => ({ key: key as string, column: key as string, kind: kind as FieldKind }));

/** Whether the short way takes the record, which stands in the middle of other bytes. */
function isExpected(text: string, fields: readonly Field[] = FIELDS): boolean {
  const bytes = Buffer.from(`"${text}","`);
  const lengths = fields.map(() => new Int32Array(1).fill(-1));
  const expected = new ExpectedObjects(
    fields.map(({ key, kind }, index) => ({
      keyBytes: Buffer.from(key),
      kind,
      starts: new Int32Array(1),
      lengths: lengths[index] as Int32Array,
    })),
  );
  const taken = expected.read(bytes, 1, bytes.length - 3, 0);
  if (!taken)
    ok(
      lengths.every(([length]) => length === -1),
      "what was noted of a refused record is taken back",
    );
  return taken;
}

const WHOLE =
  '{"id":"a-1","n":12,"created_at":"2026-01-31T09:30:00.125Z","share":0.5,"isOpen":true,"handle":"desdemona of venice"}';

describe("records that look like the ones before them", () => {
  const taken: ReadonlyArray<readonly [string, string]> = [
    ["as JavaScript writes them", WHOLE],
    ["as Python writes them", WHOLE.replaceAll('":', '": ').replaceAll(',"', ', "')],
    ["with values that are null", '{"id":null,"n":null,"created_at":null,"share":null,"isOpen":null,"handle":null}'],
    ["without the last fields", '{"id":"","n":-9}'],
    ["an integer for a double", '{"id":"x","n":0,"created_at":"2026-01-31T09:30:00Z","share":-0}'],
    ["fifteen digits", '{"id":"x","n":-123456789012345}'],
    ["false", WHOLE.replace("true", "false")],
  ];
  const left: ReadonlyArray<readonly [string, string]> = [
    ["an escape", WHOLE.replace("a-1", "a\\n1")],
    ["a letter beyond ASCII", WHOLE.replace("venice", "vénice")],
    ["a control character", WHOLE.replace("a-1", "a\u00011")],
    ["DEL at the very end of a word", WHOLE.replace("a-1", "abc\u0080")],
    ["another order", '{"n":1,"id":"x"}'],
    ["a field that is missing in the middle", '{"id":"x","created_at":"2026-01-31T09:30:00Z"}'],
    ["a new field", `${WHOLE.slice(0, -1)},"more":1}`],
    ["a value of another kind", WHOLE.replace("12", '"12"')],
    ["a fraction for an integer", WHOLE.replace("12", "12.5")],
    ["an exponent", WHOLE.replace("0.5", "5e-1")],
    ["a leading zero", WHOLE.replace("12", "012")],
    ["sixteen digits", WHOLE.replace("12", "1234567890123456")],
    ["a day that is none", WHOLE.replace("01-31", "02-30")],
    ["two blanks", WHOLE.replace('"n":', '"n":  ')],
    ["a blank before the colon", WHOLE.replace('"n":', '"n" :')],
    ["a blank at the end", `${WHOLE} `],
    ["text after the object", `${WHOLE}x`],
    ["a cut record", WHOLE.slice(0, -1)],
    ["a cut string", WHOLE.slice(0, -3)],
    ["no field at all", "{}"],
    ["a trailing comma", '{"id":"x",}'],
  ];
  for (const [name, text] of taken) it(`${name}: taken`, () => ok(isExpected(text)));
  for (const [name, text] of left) it(`${name}: left to the scanner`, () => ok(!isExpected(text)));

  it("a record is never read beyond its end, wherever it is cut", () => {
    for (let length = 0; length < WHOLE.length; length++) ok(!isExpected(WHOLE.slice(0, length)), `${length} bytes`);
  });

  it("a key with a quote, an empty key, and a kind that needs a closer look leave every record to the scanner", () => {
    const field = (key: string, kind: FieldKind): readonly Field[] => [{ key, column: "c", kind }];
    ok(!isExpected('{"a\\"b":"x"}', field('a"b', "text")));
    ok(!isExpected('{"":"x"}', field("", "text")));
    ok(!isExpected('{"a":{}}', field("a", "json")));
    ok(isExpected('{"a":"x"}', field("a", "text")));
  });

  const seed = testSeed();
  it(`both ways say the same of ${RECORDS} records, most of them harmed (TIDETABLE_SEED=${seed})`, function () {
    this.timeout(60_000 + RECORDS);
    const random = seededRandom(seed);
    let expected = 0;
    for (let index = 0; index < RECORDS; index++) {
      const policy = random.pick<FieldPolicy>(["open", "full", "declared"]);
      const record = random.chance(0.2) ? someRecord(random) : harmed(random, someRecord(random));
      const short = scan(record, policy);
      // A blank before it makes a record one that only the scanner reads, with everything one byte later.
      const long = scan(Buffer.concat([Buffer.from(" "), record]), policy, 1);
      deepEqual(short, long, `record ${record.toString("latin1")}`);
      if (short.reason === undefined) expected += 1;
    }
    ok(expected > RECORDS / 20, `${expected} of ${RECORDS} were valid`);
  });

  function scan(record: Buffer, policy: FieldPolicy, shift = 0): { readonly reason: string | undefined } {
    // Other records stand around it.
    const bytes = Buffer.concat([Buffer.from('{"id":"'), record, Buffer.from('"id":"x"}')]);
    const scanner = new JsonScanner(FIELDS, 1, policy);
    const start = 7;
    const reason = scanner.scan(bytes, start, start + record.length, 0);
    const spans = [...scanner.spans].map(([field, { starts, lengths, escaped }]) => {
      const length = lengths[0] as number;
      return [field, length, length < 0 ? undefined : (starts[0] as number) - shift, escaped.has(0)];
    });
    return {
      reason: reason?.replace(/at byte (\d+)/, (_, byte: string) => `at byte ${Number(byte) - shift}`),
      ...{ spans, overflowed: scanner.overflowed, observed: [...scanner.observed] },
    };
  }

  it("takes the records of the tutorial the short way", () => {
    const tweet = JSON.stringify({
      id: "1",
      content: "to be or not",
      created_at: new Date(0).toISOString(),
      handle: "h",
    });
    const fields = (["id", "content", "created_at", "handle"] as const).map(
      (key): Field => ({ key, column: key, kind: key === "created_at" ? "timestamp" : "text" }),
    );
    equal(isExpected(tweet, fields), true);
  });
});

function someRecord(random: Random): Buffer {
  const [colon, comma] = random.chance(0.5) ? [":", ","] : [": ", ", "];
  const word = (): string =>
    Array.from({ length: random.below(24) }, () => random.pick([..."abcxyz0189 -_{}[]:,é😀\\n"])).join("");
  const values = [
    () => JSON.stringify(word()),
    () => String(random.below(2 ** 31) - 2 ** 30),
    () => JSON.stringify(new Date(random.below(2 ** 31) * 1000 + random.below(1000)).toISOString()),
    () => String((random.next() - 0.5) * 10 ** random.below(12)),
    () => String(random.chance(0.5)),
    () => JSON.stringify(word()),
  ];
  const members = FIELDS.slice(0, 1 + random.below(FIELDS.length)).map(({ key }, index) => {
    const value = random.chance(0.05) ? "null" : (values[index] as () => string)();
    return `"${key}"${colon}${value}`;
  });
  return Buffer.from(`{${members.join(comma)}}`);
}

function harmed(random: Random, record: Buffer): Buffer {
  const bytes = [...record];
  for (let harms = 1 + random.below(2); harms > 0; harms--) {
    const at = random.below(bytes.length);
    const byte = random.chance(0.7)
      ? (random.pick([...'"\\{}[]:, 0-.eEntf\u0001']).charCodeAt(0) as number)
      : random.below(256);
    if (random.chance(0.5)) bytes[at] = byte;
    else if (byte < 0x40) bytes.splice(at, 1);
    else bytes.splice(at, 0, byte);
  }
  return Buffer.from(bytes);
}
