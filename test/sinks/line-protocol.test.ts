import { deepEqual, equal, match } from "node:assert/strict";
import { encodePoint, type InfluxdbPoint } from "../../src/sinks/line-protocol.js";

const point = (given: Partial<InfluxdbPoint>): InfluxdbPoint => ({
  measurement: "crimes",
  tags: {},
  fields: { count: 1n },
  timestampNs: 1n,
  ...given,
});

const line = (given: Partial<InfluxdbPoint>): string => {
  const encoded = encodePoint(point(given));
  return "line" in encoded ? encoded.line : `fault: ${encoded.fault}`;
};

const fault = (given: Partial<InfluxdbPoint>): string => {
  const encoded = encodePoint(point(given));
  return "fault" in encoded ? encoded.fault : `line: ${encoded.line}`;
};

describe("InfluxDB's line protocol", () => {
  it("writes each kind of field, tags in order, a time of nanoseconds whole", () => {
    equal(
      line({
        tags: { type: "THEFT", district: "001" },
        fields: { id: 2n ** 63n - 1n, latitude: 41.5, arrest: false, text: "x", zero: -0, small: 1e-7, large: 1e21 },
        timestampNs: 1_785_542_400_123_456_789n,
      }),
      'crimes,district=001,type=THEFT id=9223372036854775807i,latitude=41.5,arrest=false,text="x",zero=-0,small=1e-7,large=1e+21 1785542400123456789',
    );
  });

  it("escapes what a name, a tag and a text would end at, and nothing else", () => {
    equal(line({ measurement: 'a,b c=d"e\\f' }), 'a\\,b\\ c=d"e\\f count=1i 1');
    equal(line({ tags: { "a,b c=d": 'v,w x=y"\\z' } }), 'crimes,a\\,b\\ c\\=d=v\\,w\\ x\\=y"\\z count=1i 1');
    equal(line({ fields: { "a,b c=d": 'q"\\\n,= \\' } }), 'crimes a\\,b\\ c\\=d="q\\"\\\\\n,= \\\\" 1');
  });

  it("leaves out a tag without a value", () => {
    equal(line({ tags: { empty: "", there: "x" } }), "crimes,there=x count=1i 1");
  });

  it("has a fault for what InfluxDB would keep as something else", () => {
    const faults: readonly (readonly [Partial<InfluxdbPoint>, RegExp])[] = [
      [{ measurement: "" }, /measurement "" is empty/],
      [{ measurement: "#x" }, /begins with what/],
      [{ measurement: "\tx" }, /begins with what/],
      [{ measurement: "a\nb" }, /end of a line/],
      [{ measurement: "a\rb" }, /no statement/],
      [{ measurement: "a\\ b" }, /backslash where/],
      [{ measurement: 'a\\"b' }, /backslash where/],
      [{ tags: { t: "end\\" } }, /tag "t" with the value "end\\\\" has a backslash/],
      [{ tags: { t: "a\\,b" } }, /backslash where/],
      [{ tags: { t: "a\nb" } }, /end of a line/],
      [{ tags: { "t\\": "a" } }, /name of its tag .* backslash/],
      [{ tags: { time: "a" } }, /InfluxDB's own/],
      [{ tags: { "": "a" } }, /is empty/],
      [{ tags: { t: "a#!~#b" } }, /#!~#/],
      [{ tags: { t: "a#!~" } }, /#!~#/],
      [{ measurement: "a#!~#" }, /#!~#/],
      [{ tags: { t: "\ud800" } }, /half a character/],
      [{ tags: { t: "x".repeat(65_536) } }, /more than 65535 bytes/],
      [{ fields: {} }, /no field/],
      [{ fields: { time: 1 } }, /InfluxDB's own/],
      [{ fields: { "f\\": 1 } }, /backslash where/],
      [{ fields: { f: Number.NaN } }, /field "f" is NaN/],
      [{ fields: { f: Number.POSITIVE_INFINITY } }, /is Infinity/],
      [{ fields: { f: 2n ** 63n } }, /more than the 64 bits/],
      [{ fields: { f: "\udc00" } }, /half a character/],
      [{ timestampNs: 2n ** 63n }, /range/],
    ];
    for (const [given, expected] of faults) match(fault(given), expected);
  });

  it("has none for a backslash elsewhere, nor for what only looks like InfluxDB's own", () => {
    equal(line({ tags: { t: "a#!~", u: "#" } }), "crimes,t=a#!~,u=# count=1i 1");
    equal(line({ fields: { "#!~#": 1 } }), "crimes #!~#=1 1");
    deepEqual(line({ tags: { t: "a\\b\\\\c" } }), "crimes,t=a\\b\\\\c count=1i 1");
  });
});
