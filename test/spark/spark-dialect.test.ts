/** What of a text is changed on its way to Spark, and what is not. */
import { deepEqual, equal, throws } from "node:assert/strict";
import { toSparkSql } from "../../src/sql/spark/dialect.js";

const text = (sql: string) => toSparkSql(sql, []).text;

describe("DuckDB's words on their way to Spark", () => {
  it("puts nulls last where nothing is said", () => {
    equal(
      text("SELECT a FROM t ORDER BY count DESC, f(a, b), c NULLS FIRST LIMIT 3"),
      "SELECT a FROM t ORDER BY count DESC NULLS LAST, f(a, b) NULLS LAST, c NULLS FIRST LIMIT 3",
    );
    equal(
      text(
        "SELECT sum(x) OVER (PARTITION BY h ORDER BY x ROWS 2 PRECEDING) FROM (SELECT * FROM t ORDER BY a) ORDER BY ALL",
      ),
      "SELECT sum(x) OVER (PARTITION BY h ORDER BY x NULLS LAST ROWS 2 PRECEDING) FROM (SELECT * FROM t ORDER BY a NULLS LAST) ORDER BY ALL NULLS LAST",
    );
    equal(text("SELECT 1 ORDER BY a -- last\n"), "SELECT 1 ORDER BY a NULLS LAST -- last\n");
  });

  it("names types as Spark does, where a type stands", () => {
    equal(
      text("SELECT x::varchar, CAST(a AS text), y::VARCHAR(3)"),
      "SELECT x::STRING, CAST(a AS STRING), y::VARCHAR(3)",
    );
    equal(text("SELECT a AS text, try_cast(b AS hugeint)"), "SELECT a AS text, try_cast(b AS DECIMAL(38, 0))");
  });

  it("binds values by number or by place", () => {
    deepEqual(toSparkSql("SELECT ?, '?', ?", [1, 2]), { text: "SELECT ?, '?', ?", parameters: [1, 2] });
    deepEqual(toSparkSql("SELECT $2, $1, $2", ["a", "b"]), { text: "SELECT ?, ?, ?", parameters: ["b", "a", "b"] });
    throws(() => toSparkSql("SELECT $3", [1]), /\$3 has no value; 1 are given/);
  });

  it("spells functions and operators as Spark does", () => {
    equal(text("SELECT concat(a, 'b')"), "SELECT concat_ws('', a, 'b')");
    equal(
      text("SELECT regexp_extract(s, '(a)(b)'), regexp_extract(s, 'a', 1)"),
      "SELECT regexp_extract(s, '(a)(b)', 0), regexp_extract(s, 'a', 1)",
    );
    equal(text("SELECT date_diff('minute', a, b), arg_max(a, b)"), "SELECT date_diff(minute, a, b), max_by(a, b)");
    equal(text("SELECT a // 2, 1_000, * EXCLUDE (a), $$it$$"), "SELECT a  DIV  2, 1000, * EXCEPT (a), 'it'");
  });

  it("writes a quote inside a text so that it arrives, and leaves what would be a variable to the session", () => {
    equal(text("SELECT 'it''s', '''', ''"), "SELECT ('it' || chr(39) || 's'), (chr(39)), ''");
    equal(text("SELECT $$it's$$"), "SELECT ('it' || chr(39) || 's')");
    equal(text(`SELECT '$${"{not}"} one', 'a\\b $ {}'`), `SELECT '$${"{not}"} one', 'a\\b $ {}'`);
  });

  it("separates the texts of string_agg by a comma where nothing is said", () => {
    equal(
      text("SELECT string_agg(f(a, b)), string_agg(a, '|')"),
      "SELECT string_agg(f(a, b), ','), string_agg(a, '|')",
    );
    // Spark has other words for an order in it, and says so.
    equal(text("SELECT string_agg(a ORDER BY b DESC)"), "SELECT string_agg(a ORDER BY b DESC NULLS LAST)");
  });

  it("puts a name that holds a quote into the quotes that every version takes", () => {
    equal(text('SELECT "say ""hi""", "a`""", "b"'), 'SELECT `say "hi"`, `a``"`, "b"');
    equal(text('SELECT `a "" b`'), 'SELECT `a "" b`');
  });

  it("leaves names, texts and comments alone", () => {
    const same = `SELECT "concat", 'x::varchar ORDER BY 1_000' FROM t /* ORDER BY a */ WHERE a = ':x' -- $1`;
    equal(text(same), same);
  });
});
