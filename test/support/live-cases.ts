/** Random cases for the oracle of live queries: the same for the same random numbers. */
import type { SqlValue } from "../../src/sql/schema.js";
import type { OracleBatch, OracleCase } from "./live-oracle.js";
import type { Random } from "./seeded-random.js";

export function randomCase(random: Random): OracleCase {
  const batches = Array.from(
    { length: 2 + random.below(5) },
    (_, index): OracleBatch => ({
      records: Array.from({ length: random.below(40) }, () => randomRecord(random, index)),
      partition: random.below(2),
      maintain: random.chance(0.4),
      restart: random.chance(0.1),
      changesTable: random.chance(0.2),
      // Rarely backwards: clocks are set.
      clockS: index * 20 + random.below(30) - (random.chance(0.1) ? 40 : 0),
    }),
  );
  return { ...randomQuery(random), keepRows: random.pick([40, 1_000_000]), batches };
}

function randomRecord(random: Random, batch: number): string {
  const fields: string[] = [];
  if (random.chance(0.9))
    fields.push(`"handle":${random.pick(['"ann"', '"bob"', '"é😀"', '"ｱ"', '""', '"ann "', "null"])}`);
  if (random.chance(0.9)) {
    fields.push(
      `"x":${random.pick(["0", "1", "-7", "42", "9223372036854775807", "-9223372036854775808", "9007199254740993", "null"])}`,
    );
  }
  if (random.chance(0.9)) fields.push(`"d":${random.pick(["0.5", "1e15", "-1e15", "1e-6", "3.25"])}`);
  if (random.chance(0.9)) fields.push(`"flag":${random.pick(["true", "false", "null"])}`);
  if (random.chance(0.9)) fields.push(`"at_":"2026-01-31T09:${10 + random.below(3)}:0${random.below(10)}Z"`);
  // Later batches bring a new field, and one that changes the type of a column.
  if (batch > 2 && random.chance(0.03)) fields.push('"late":1');
  if (batch > 3 && random.chance(0.02)) fields.push('"late":"text"');
  return `{${fields.join(",")}}`;
}

type Query = Pick<OracleCase, "text" | "parameters">;

function randomQuery(random: Random): Query {
  const shape = random.next();
  if (shape < 0.5) return groupedQuery(random, "T");
  const plain = (text: string): Query => ({ text, parameters: [] });
  return random.pick<() => Query>([
    () =>
      plain(
        `SELECT DISTINCT ${random.pick(["handle", "flag, x % 3", "upper(handle) AS u", "handle, flag"])} FROM T${where(random)}`,
      ),
    () =>
      plain(
        `SELECT ${random.pick(["*", "handle, x", "x + 1 AS y, d"])} FROM T${where(random)} ORDER BY ${firstOrder(random)}, _partition, _offset LIMIT ${1 + random.below(12)}${random.chance(0.3) ? " OFFSET 2" : ""}`,
      ),
    () =>
      plain(
        `SELECT ${random.pick(["handle", "flag", "upper(handle)"])} AS g, ${distinctAggregates(random)} FROM T${where(random)} GROUP BY g${random.chance(0.4) ? " HAVING count(*) > 1" : ""} ORDER BY g`,
      ),
    () => plain(`SELECT ${distinctAggregates(random)} FROM T${where(random)}`),
    () => {
      const inner = groupedQuery(random, "T", { plain: true });
      return { ...inner, text: `SELECT * FROM (${inner.text}) q WHERE v0 IS NOT NULL` };
    },
    () => {
      const inner = groupedQuery(random, "T", { plain: true });
      return { ...inner, text: `WITH q AS (${inner.text}) SELECT count(*) AS n, max(v0) AS m FROM q` };
    },
    () => groupedQuery(random, "(SELECT handle, x, d, flag, at_, _offset FROM T WHERE x IS NOT NULL) s"),
    () => {
      const { text, parameters } = groupedQuery(random, "q");
      return { text: `WITH q AS (SELECT * FROM T WHERE flag) ${text}`, parameters };
    },
    () => plain(`SELECT 'rows' AS what, count(*) AS n FROM T UNION ALL SELECT 'true', count(*) FROM T${where(random)}`),
    () =>
      plain(
        `SELECT D.letter, count(*) AS n, sum(T.x) AS s, max(D.x2) AS m FROM T ${random.pick(["JOIN", "LEFT JOIN"])} D ON T.handle = D.name GROUP BY D.letter`,
      ),
    () => plain("SELECT T.handle, count(*) AS n FROM T SEMI JOIN D ON T.handle = D.name GROUP BY T.handle"),
    () =>
      plain(
        `SELECT handle, n, letter FROM (SELECT handle, count(*) AS n FROM T GROUP BY handle) q LEFT JOIN D ON q.handle = D.name`,
      ),
    () =>
      plain(
        `SELECT handle, n, rank() OVER (ORDER BY n DESC, handle) AS place FROM (SELECT handle, count(*) AS n FROM T${where(random)} GROUP BY handle) q`,
      ),
    () => groupedQuery(random, "V"),
    () =>
      groupedQuery(random, `(SELECT handle, x, d, flag, at_, _partition, _offset FROM T WHERE ${moving(random)}) s`),
    () => {
      const { text, parameters } = groupedQuery(random, "q", { plain: true });
      return { text: `WITH q AS (SELECT * FROM T WHERE ${moving(random)}) ${text}`, parameters };
    },
    () => plain(`SELECT ${distinctAggregates(random)} FROM T WHERE ${moving(random)}`),
    () => plain(`SELECT DISTINCT ${random.pick(["handle", "flag, x % 3"])} FROM V WHERE ${moving(random)} AND x < 50`),
    () =>
      plain(
        `SELECT 'now' AS what, count(*) AS n, max(x) AS m FROM T WHERE ${moving(random)} UNION ALL SELECT 'ever', count(*), max(x) FROM T`,
      ),
    () => {
      const late = "(SELECT *, max(at_) OVER (PARTITION BY _topic, _partition ORDER BY _offset) AS newest FROM T) l";
      const punctual = `(SELECT * FROM ${late} WHERE at_ >= newest - INTERVAL 20 SECOND) m`;
      return groupedQuery(random, random.pick([late, punctual]), { plain: true });
    },
    () =>
      plain(
        "SELECT count(*) AS n, count(*) FILTER (WHERE late) AS late, min(handle) FILTER (WHERE late) AS first FROM (SELECT handle, at_ < max(at_) OVER (PARTITION BY _topic, _partition ORDER BY _offset) - INTERVAL 20 SECOND AS late FROM T WHERE x IS NOT NULL) l",
      ),
    () =>
      plain(
        "SELECT date_trunc('minute', at_) AS minute, count(*) AS n, max(x) AS m FROM (SELECT * FROM T QUALIFY at_ >= max(at_) OVER (PARTITION BY _topic, _partition ORDER BY _offset) - INTERVAL 30 SECOND) q GROUP BY minute ORDER BY minute",
      ),
    () =>
      plain(
        `SELECT start, ${random.pick(["count(*) AS n", "sum(x) AS s, max(handle) AS m", "count(DISTINCT handle) AS k"])} FROM (SELECT handle, x, unnest(generate_series(time_bucket(INTERVAL 1 MINUTE, at_) - INTERVAL 2 MINUTE, time_bucket(INTERVAL 1 MINUTE, at_), INTERVAL 1 MINUTE)) AS start FROM ${random.pick(["T", "V"])}) w GROUP BY start`,
      ),
    () =>
      plain(
        `SELECT time_bucket(INTERVAL 1 MINUTE, at_) AS minute, count(*) AS n, avg(x) AS a FROM T GROUP BY minute ORDER BY minute LIMIT 3`,
      ),
  ])();
}

/** Of windows whose edges move, with the clock or with the newest record. */
function moving(random: Random): string {
  return random.pick([
    "at_ > now() - INTERVAL 40 SECOND",
    "at_ >= now() - INTERVAL 1 MINUTE",
    "now() - INTERVAL 30 SECOND <= at_ AND at_ < now()",
    "at_ BETWEEN now() - INTERVAL 50 SECOND AND now() - INTERVAL 10 SECOND",
    "at_ > (SELECT max(at_) FROM T) - INTERVAL 45 SECOND",
    "at_ >= now()::TIMESTAMP - INTERVAL 2 SECOND AND at_ <= now() AND x IS NOT NULL",
    "at_ > now() - INTERVAL '1 minute' AND handle <> 'bob'",
  ]);
}

function distinctAggregates(random: Random): string {
  const expression = random.pick(["x", "handle", "x % 5"]);
  const beside = random.pick([
    ", count(*) AS n",
    ", max(x) AS m, count(d) AS c",
    ", sum(x) AS s",
    ", avg(x) AS a, stddev(x % 10) AS v",
    ", arg_max(handle, _partition * 1000 + _offset) AS a",
    ", count(DISTINCT flag) AS f, count(*) AS n",
    ", count(DISTINCT handle) FILTER (WHERE flag) AS f, sum(DISTINCT x % 5) AS s",
    "",
  ]);
  return `count(DISTINCT ${expression}) AS k${beside}`;
}

function firstOrder(random: Random): string {
  return random.pick(["x DESC", "handle NULLS FIRST", "d", "at_ DESC, x", "x % 3, handle DESC"]);
}

function where(random: Random): string {
  if (random.chance(0.5)) return "";
  return ` WHERE ${random.pick(["x > 3", moving(random), "handle LIKE 'a%'", "flag IS NOT NULL AND d < 10", "x = 9007199254740993 OR flag"])}`;
}

function groupedQuery(random: Random, from: string, { plain = false } = {}): Query {
  const parameters: SqlValue[] = [];
  const groups = random.pick([
    ["handle"],
    ["flag"],
    ["x % 3"],
    ["upper(handle)", "flag"],
    ["date_trunc('minute', at_)"],
    ["handle", "x > 5"],
    ["coalesce(handle, '?') || '!'"],
    ["at_::DATE", "d"],
    [],
  ]);
  const aggregates = Array.from({ length: 1 + random.below(3) }, () => random.pick(AGGREGATES));
  let condition = "";
  if (random.chance(0.4)) condition = where(random);
  else if (!plain && random.chance(0.3)) {
    condition = " WHERE x < ? OR handle = ?";
    parameters.push(random.pick([5, 9007199254740993n]), random.pick(["ann", ""]));
  }
  let having = "";
  if (random.chance(0.2)) having = ` HAVING count(*) > ${random.below(4)}`;
  if (having === "" && !plain && random.chance(0.2)) {
    having = " HAVING count(*) >= ?";
    parameters.push(2);
  }
  const named = [
    ...groups.map((group, index) => `${group} AS k${index}`),
    ...aggregates.map((text, index) => `${text} AS v${index}`),
  ];
  const outputs = plain || random.chance(0.5) ? named : [...groups, ...aggregates];
  const style = random.below(3);
  const by = style === 0 ? "ALL" : style === 1 ? groups.map((_, index) => index + 1).join(", ") : groups.join(", ");
  const groupBy = groups.length === 0 ? "" : ` GROUP BY ${by}`;
  // A total order, so that LIMIT means the same rows: the groups are distinct.
  const direction = () => random.pick(["", " DESC", " NULLS FIRST", " DESC NULLS FIRST"]);
  const orders = groups.map((_, index) => `${index + 1}${direction()}`);
  const order = groups.length === 0 || random.chance(0.3) ? "" : ` ORDER BY ${orders.join(", ")}`;
  const limit = order !== "" && random.chance(0.4) ? ` LIMIT ${1 + random.below(4)}` : "";
  return {
    text: `SELECT ${outputs.join(", ")} FROM ${from}${condition}${groupBy}${having}${order}${limit}`,
    parameters,
  };
}

const AGGREGATES = [
  "count(*)",
  "count(x)",
  "sum(x)",
  "min(x)",
  "max(x)",
  "avg(x)",
  "min(handle)",
  "max(handle)",
  "max(at_)",
  "min(at_::DATE)",
  "min(d)",
  "max(d)",
  "sum(d)",
  "avg(d)",
  "count(*)",
  "sum(x % 7)",
  "count(*) FILTER (WHERE flag)",
  "max(flag)",
  "sum(CASE WHEN x > 5 THEN 1 ELSE 0 END)",
  "sum(x) / count(*)",
  "round(avg(d), 1)",
  "coalesce(sum(x), 0) + 1",
  "bool_and(flag)",
  "stddev(x % 10)",
  "arg_max(_offset, _partition * 1000 + _offset)",
  "arg_min(handle, _partition * 1000 + _offset) FILTER (WHERE flag)",
  "max(_offset) - min(_offset)",
];
