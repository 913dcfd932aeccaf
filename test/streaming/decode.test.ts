import { deepEqual, equal, match, ok } from "node:assert/strict";
import { type DecodedBatch, decodeBatch, VALUE_BYTES_MAX } from "../../src/streaming/decode.js";
import { FIELDS_MAX, type Field, type FieldKind } from "../../src/streaming/json/fields.js";
import { DEPTH_MAX, RECORD_FIELDS_MAX } from "../../src/streaming/json/scan.js";
import { recordBatch, values } from "../support/record-batches.js";
import { type Random, seededRandom, testSeed } from "../support/seeded-random.js";

function decode(...texts: ReadonlyArray<string | Uint8Array | null>): DecodedBatch {
  return decodeBatch(recordBatch(values(...texts)), "json", []);
}

function reasonFor(text: string | Uint8Array): string | undefined {
  return decode(text).rejected[0]?.reason;
}

function kinds(fields: readonly Field[]): string {
  return fields.map((field) => `${field.column}:${field.kind}`).join(" ");
}

/** Fields after one record following the other, as a table would be widened. */
function kindsAfter(...texts: readonly string[]): string {
  let fields: readonly Field[] = [];
  for (const text of texts) {
    for (;;) {
      const decoded = decodeBatch(recordBatch(values(text)), "json", fields);
      deepEqual(decoded.rejected, []);
      if (decoded.fields === fields) break;
      fields = decoded.fields;
    }
  }
  return kinds(fields);
}

/** How many mutated records are scanned; `FUZZ_RECORDS=100000` for a night. */
const mutatedRecords = Number(process.env.FUZZ_RECORDS ?? 20_000);

describe("decoding JSON records", () => {
  const rejected: ReadonlyArray<readonly [string, string | Uint8Array, RegExp]> = [
    ["nothing", "", /^empty$/],
    ["blanks", " \n\t", /^empty$/],
    ["a number", "1", /^not a JSON object: it begins with "1"$/],
    ["an array", "[1]", /^a JSON array, not an object$/],
    ["null", "null", /not a JSON object/],
    ["text", "hello", /it begins with "hello"/],
    ["Avro's magic byte", Buffer.from([0, 0, 0, 0, 1, 2]), /first byte is 0/],
    ["a byte order mark", "\ufeff{}", /byte order mark/],
    ["UTF-16", Buffer.from('{"a":1}', "utf16le"), /not valid JSON at byte 1/],
    ["Latin-1", Buffer.from('{"a":"é"}', "latin1"), /^not valid UTF-8$/],
    ["an overlong form", Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d]), /^not valid UTF-8$/],
    ["a cut object", '{"a":1', /at byte 6: a "," or "}" should stand here/],
    ["a cut string", '{"a":"x', /at byte 7: the string does not end/],
    ["a cut escape", '{"a":"\\', /a bad escape/],
    ["a trailing comma", '{"a":1,}', /at byte 7: a field name should stand here/],
    ["text after the object", '{"a":1} x', /at byte 8: text after the object/],
    ["a second object", '{"a":1}{"a":2}', /text after the object/],
    ["a comment", '{"a":1/*x*/}', /should stand here/],
    ["single quotes", "{'a':1}", /a field name should stand here/],
    ["NaN", '{"a":NaN}', /a value should stand here/],
    ["Infinity", '{"a":-Infinity}', /a digit should stand here/],
    ["a leading zero", '{"a":01}', /a number with a leading zero/],
    ["a bare minus", '{"a":-}', /a digit should stand here/],
    ["a bare point", '{"a":1.}', /a digit should stand here/],
    ["a bare exponent", '{"a":1e}', /a digit should stand here/],
    ["a plus", '{"a":+1}', /a value should stand here/],
    ["a raw newline in a string", '{"a":"x\ny"}', /a control character inside a string/],
    ["a bad escape", '{"a":"\\x"}', /a bad escape/],
    ["a lone high surrogate", '{"a":"\\ud800"}', /a bad escape/],
    ["a lone low surrogate", '{"a":"\\udc00"}', /a bad escape/],
    ["a field twice", '{"a":1,"a":2}', /^the field "a" occurs twice$/],
    ["a field twice, once escaped", '{"a":1,"\\u0061":2}', /^the field "a" occurs twice$/],
    ["a nested trailing comma", '{"a":[1,]}', /a value should stand here/],
    ["a nested missing colon", '{"a":{"b" 1}}', /a ":" should stand here/],
    ["a wrong closer", '{"a":[1}}', /a "," or "]" should stand here/],
  ];
  for (const [what, text, reason] of rejected) {
    it(`rejects ${what}`, () => match(reasonFor(text) ?? "accepted", reason));
  }

  const accepted: ReadonlyArray<readonly [string, string, string]> = [
    ["an empty object", "{}", ""],
    ["blanks anywhere", ' {\t"a" :\r\n1 , "b": [ ] } \n', "a:bigint b:json"],
    ["every scalar", '{"n":null,"b":true,"i":-7,"d":0.5,"s":"x"}', "n:null b:boolean i:bigint d:double s:text"],
    ["exponents", '{"a":1e3,"b":-2E-2,"c":0e0}', "a:double b:double c:double"],
    ["nesting", '{"a":{"b":[1,{"c":null}],"d":{}},"e":[[],{}]}', "a:json e:json"],
    ["surrogate pairs", '{"a":"\\ud83d\\ude00"}', "a:text"],
    ["instants", '{"a":"2026-01-31T09:30:00Z","b":"2024-02-29T23:59:59.123456Z"}', "a:timestamp b:timestamp"],
    [
      "what only looks like an instant",
      '{"a":"2026-02-29T00:00:00Z","b":"2026-01-01T00:00:00+01:00","c":"2026-01-01T24:00:00Z","d":"2026-01-01","e":"2026-01-01T00:00:60Z","f":"2026-01-01T00:00:00.1234567Z"}',
      "a:text b:text c:text d:text e:text f:text",
    ],
    [
      "integers by size",
      '{"a":9223372036854775807,"b":-9223372036854775808,"c":9223372036854775808,"d":170141183460469231731687303715884105727,"e":170141183460469231731687303715884105728}',
      "a:bigint b:bigint c:hugeint d:hugeint e:mixed",
    ],
    ["a number that no DOUBLE holds", '{"a":1e400}', "a:mixed"],
    [
      "names that other languages trip over",
      '{"__proto__":1,"constructor":2,"toString":3}',
      "__proto__:bigint constructor:bigint toString:bigint",
    ],
    ["names that differ in case only", '{"a":1,"A":2}', "a:bigint A_2:bigint"],
    ["names of ours", '{"_offset":1,"_seq":2,"rowid":3}', "_offset_2:bigint _seq_2:bigint rowid_2:bigint"],
    ["an empty name, and one with NUL", '{"":1,"a\\u0000b":2}', "_empty:bigint a_b:bigint"],
    ["names that look like numbers, in their order", '{"b":1,"2":1,"1":1}', "b:bigint 2:bigint 1:bigint"],
    ["an escaped name", '{"\\u0061\\"":1}', 'a":bigint'],
  ];
  for (const [what, text, expected] of accepted) {
    it(`accepts ${what}`, () => {
      const decoded = decode(text);
      deepEqual(decoded.rejected, []);
      equal(kinds(decoded.fields), expected);
    });
  }

  it("widens a column only as far as a value needs", () => {
    const steps: ReadonlyArray<readonly [string, string, FieldKind]> = [
      ["null", "1", "bigint"],
      ["1", "null", "bigint"],
      ["1", "9223372036854775808", "hugeint"],
      ["9223372036854775808", "1", "hugeint"],
      ["1", "1.5", "double"],
      ["1.5", "1", "double"],
      ["1.5", "9007199254740993", "mixed"],
      ["1.5", "9007199254740992", "double"],
      ["true", "1", "mixed"],
      ["1", '"x"', "mixed"],
      ['"x"', "1", "mixed"],
      ['"2026-01-31T09:30:00Z"', '"x"', "text"],
      ['"x"', '"2026-01-31T09:30:00Z"', "text"],
      ["{}", "[]", "json"],
      ["{}", '"x"', "mixed"],
    ];
    for (const [first, second, kind] of steps) {
      equal(kindsAfter(`{"a":${first}}`, `{"a":${second}}`), `a:${kind}`, `${first} then ${second}`);
    }
  });

  it("finds the fields of a first batch in all its records, though its beginning is looked at first", () => {
    const later = [
      '{"a":1.5}',
      '{"a":"x"}',
      '{"a":18446744073709551616}',
      '{"b":true}',
      '{"a":[1]}',
      '{"a":null}',
      "{}",
    ];
    for (const text of [...later, '{"a":9007199254740993,"c":1.5}']) {
      const batch = recordBatch(values(...new Array<string>(300).fill('{"a":1}'), "no object", text));
      const first = decodeBatch(batch, "json", []);
      deepEqual(first.fields === decodeBatch(batch, "json", first.fields).fields, true, text);
      equal(kinds(first.fields), kindsAfter('{"a":1}', text), text);
      deepEqual([first.rows.length, first.rejected.map(({ row }) => row)], [301, [300]], text);
    }
  });

  it("lets a rejected record add no columns", () => {
    equal(kinds(decode('{"a":1}', '{"b":1', '{"c":1,"c":2}').fields), "a:bigint");
  });

  it("counts tombstones apart", () => {
    const decoded = decode('{"a":1}', null, "x", null);
    deepEqual([...decoded.rows], [0]);
    equal(decoded.tombstones, 2);
    deepEqual(
      decoded.rejected.map(({ row }) => row),
      [2],
    );
  });

  it("keeps valid records beside a key and a value that are no UTF-8", () => {
    const batch = recordBatch([
      { key: Buffer.from([0xff]), value: '{"a":1}' },
      { value: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) },
      { value: '{"a":2}' },
    ]);
    const decoded = decodeBatch(batch, "json", []);
    deepEqual([...decoded.rows], [0, 2]);
    equal(decoded.rejected[0]?.reason, "not valid UTF-8");
  });

  describe("at its limits", () => {
    const nested = (levels: number): string => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
    it("takes the deepest record allowed and no deeper one", () => {
      equal(reasonFor(nested(DEPTH_MAX)), undefined);
      match(reasonFor(nested(DEPTH_MAX + 1)) ?? "", /^nested deeper than 200 levels$/);
      match(reasonFor(nested(1_000_000)) ?? "", /^nested deeper than/);
    });

    const wide = (fields: number): string =>
      `{${Array.from({ length: fields }, (_, index) => `"f${index}":1`).join(",")}}`;
    it("takes the widest record allowed and no wider one", () => {
      equal(reasonFor(wide(RECORD_FIELDS_MAX)), undefined);
      match(reasonFor(wide(RECORD_FIELDS_MAX + 1)) ?? "", /^more than 1000 fields$/);
    });

    it("keeps whole the records whose fields have no column any more", () => {
      const first = decode(wide(FIELDS_MAX + 1));
      equal(first.fields.length, FIELDS_MAX);
      const again = decodeBatch(recordBatch(values(wide(FIELDS_MAX + 1), '{"f1":2}')), "json", first.fields);
      equal(again.fields, first.fields);
      deepEqual([...again.overflow], [0]);
    });

    it("takes the largest value allowed and no larger one", () => {
      const sized = (bytes: number): string => `{"a":"${"x".repeat(bytes - 8)}"}`;
      equal(reasonFor(sized(VALUE_BYTES_MAX)), undefined);
      match(reasonFor(sized(VALUE_BYTES_MAX + 1)) ?? "", /^10485761 bytes, above the limit of 10485760$/);
    });
  });

  const seed = testSeed();
  it(`agrees with JSON.parse about ${mutatedRecords} mutated records (seed ${seed})`, function () {
    this.timeout(60_000 + mutatedRecords);
    const random = seededRandom(seed);
    for (let round = 0; round < mutatedRecords; round++) {
      const bytes = mutate(Buffer.from(randomObject(random, 3)), random);
      const reason = reasonFor(bytes);
      const parsed = parseStrictly(bytes);
      if (reason === undefined) ok(parsed, `accepted, but JSON.parse refuses: ${bytes.toString("latin1")}`);
      // What JSON.parse lets through and the scanner does not: lone surrogates and fields that occur twice.
      else if (parsed) match(reason, /bad escape|occurs twice|^empty$/, bytes.toString("latin1"));
    }
  });
});

describe("decoding text records", () => {
  it("takes every record that is UTF-8, as it is", () => {
    const batch = recordBatch(values("hello", "", '{"a":1}', Buffer.from([0xff]), null));
    const decoded = decodeBatch(batch, "text", []);
    deepEqual([...decoded.rows], [0, 1, 2]);
    deepEqual(decoded.rejected, [{ row: 3, reason: "not valid UTF-8" }]);
    equal(decoded.tombstones, 1);
    equal(kinds(decoded.fields), "value:text");
  });
});

function parseStrictly(bytes: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function randomObject(random: Random, depth: number): string {
  const fields = Array.from({ length: random.below(5) }, () => `${randomText(random)}:${randomValue(random, depth)}`);
  return `{${fields.join(",")}}`;
}

function randomValue(random: Random, depth: number): string {
  if (depth > 0 && random.chance(0.3)) {
    if (random.chance(0.5)) return randomObject(random, depth - 1);
    return `[${Array.from({ length: random.below(4) }, () => randomValue(random, depth - 1)).join(",")}]`;
  }
  const scalars = ["null", "true", "false", "0", "-0", "1.5", "-12e3", "123456789012345678901234567890", "1e400"];
  return random.chance(0.5) ? random.pick(scalars) : randomText(random);
}

function randomText(random: Random): string {
  const parts = ["a", "b", "é", "😀", "\\n", "\\u00e9", "\\ud83d\\ude00", '\\"', " ", "x".repeat(random.below(20))];
  return `"${Array.from({ length: random.below(4) }, () => random.pick(parts)).join("")}"`;
}

/** Changes up to three bytes: another value, one more, one less, or the end cut off. */
function mutate(bytes: Buffer, random: Random): Buffer {
  let mutated = bytes;
  for (let times = random.below(4); times > 0; times--) {
    const at = random.below(mutated.length + 1);
    const byte = Buffer.from([
      random.chance(0.8) ? random.pick([...Buffer.from('{}[]",:\\0-9.eEu tn')]) : random.below(256),
    ]);
    const rest = random.pick([at, at + 1, mutated.length]);
    mutated = Buffer.concat([mutated.subarray(0, at), byte, mutated.subarray(rest)]);
  }
  return mutated;
}
