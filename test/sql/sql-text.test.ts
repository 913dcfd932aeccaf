// biome-ignore-all lint/suspicious/noTemplateCurlyInString: in a SQL cell ${…} stands in plain text
import { deepEqual, equal, throws } from "node:assert/strict";
import { readStatements, templateText, tokenizeSql } from "../../src/sql/sql-text.js";

describe("tokenizeSql", () => {
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
    ["SELECT a", ["word SELECT", "word a"]],
    ["'it''s' x", ["string 'it''s'", "word x"]],
    ["E'it\\'s' x", ["string E'it\\'s'", "word x"]],
    ['"a ""b""".c', ['quoted "a ""b"""', "symbol .", "word c"]],
    ["$$it's$$ x", ["string $$it's$$", "word x"]],
    ["$tag$ $$ $tag$ x", ["string $tag$ $$ $tag$", "word x"]],
    ["1_000 .5 1e-3", ["number 1_000", "number .5", "number 1e-3"]],
    ["a -- it's\nb", ["word a", "comment -- it's\n", "word b"]],
    ["a /* /* ' */ */ b", ["word a", "comment /* /* ' */ */", "word b"]],
    ["größe = ${n}", ["word größe", "symbol =", "expression ${n}"]],
    ["${ {a: '}'}.a } x", ["expression ${ {a: '}'}.a }", "word x"]],
    ["${`}${ `}` }`} x", ["expression ${`}${ `}` }`}", "word x"]],
    ["${a /* } */} x", ["expression ${a /* } */}", "word x"]],
    ["🙂 a", ["symbol 🙂", "word a"]],
    ["'open", ["string 'open"]],
  ];
  for (const [text, expected] of cases) {
    it(JSON.stringify(text), () => {
      const tokens = tokenizeSql(text);
      deepEqual(
        tokens.filter((token) => token.kind !== "space").map((token) => `${token.kind} ${token.text}`),
        expected,
      );
      // Nothing is lost between two tokens, whatever the text.
      equal(tokens.map((token) => token.text).join(""), text);
    });
  }
});

describe("readStatements", () => {
  it("puts a ? in the place of each expression and keeps the expressions in order", () => {
    deepEqual(readStatements("SELECT * FROM tweets WHERE handle = ${me} AND n > ${min + 1};"), [
      { text: "SELECT * FROM tweets WHERE handle = ? AND n > ?", expressions: ["me", "min + 1"] },
    ]);
  });

  it("splits at semicolons in code only, and drops statements that are empty", () => {
    const texts = readStatements("SELECT ';' -- a; b\n;; /* nothing */ ; SELECT 2").map((statement) => statement.text);
    deepEqual(texts, ["SELECT ';' -- a; b", "SELECT 2"]);
  });

  it("leaves an expression in a comment alone", () => {
    deepEqual(readStatements("SELECT 1 -- ${later}"), [{ text: "SELECT 1 -- ${later}", expressions: [] }]);
  });

  const refusals: ReadonlyArray<readonly [string, RegExp]> = [
    ["SELECT '%${word}%'", /\$\{word\}%' stands inside quotes.*'%' \|\| \$\{word\} \|\| '%'/],
    ['SELECT "${name}"', /stands inside a quoted name/],
    ["SELECT ${word", /\$\{word has no closing \}/],
    ["SELECT ${ }", /\$\{\} is empty/],
    ["SELECT ?", /nothing is bound to \?/],
  ];
  for (const [text, message] of refusals) {
    it(`refuses ${text}`, () => throws(() => readStatements(text), { code: "SQL_INVALID", message }));
  }
});

describe("templateText", () => {
  it("joins the parts by ? and drops a final semicolon", () => {
    equal(templateText(["SELECT * FROM t WHERE a = ", " AND b = '?'; "]), "SELECT * FROM t WHERE a = ? AND b = '?'");
  });

  const refusals: ReadonlyArray<readonly [readonly string[], RegExp]> = [
    [["SELECT '%", "%'"], /inside quotes or a comment/],
    [["SELECT 1 -- ", ""], /inside quotes or a comment/],
    // One value in quotes and a bare ? elsewhere: the counts agree, the places do not.
    [["SELECT '", "', ?"], /inside quotes or a comment/],
    [["SELECT ?"], /nothing is bound to \?/],
    [["SELECT 1; SELECT 2"], /runs one statement/],
  ];
  for (const [parts, message] of refusals) {
    it(`refuses ${parts.join("${…}")}`, () => throws(() => templateText(parts), { code: "SQL_INVALID", message }));
  }
});
