/**
 * Random SELECTs over the table `t`, from a seed: most of them sensible, some that no engine takes. Every type meets every
 * operator, few parentheses are written, so that the binding of operators is tried too.
 */
import type { Random } from "../support/seeded-random.js";

/** Records of the stream that the queries read. */
export const randomQueryRecords: readonly string[] = [
  '{"a":1,"b":10,"s":"Hamlet","g":"x","d":1.5,"f":true,"w":"2024-01-31T09:30:00.125Z","h":99999999999999999999}',
  '{"a":2,"b":null,"s":"macbeth","g":"y","d":-0.25,"f":false,"w":"2023-12-31T23:59:59.999Z","h":7}',
  '{"a":3,"b":-4,"s":"","g":"x","d":null,"f":null,"w":null,"h":-5}',
  '{"a":4,"b":0,"s":null,"g":null,"d":0,"f":true,"w":"2024-02-29T00:00:00.000Z","h":null}',
  '{"a":5,"b":10,"s":"O, é 😀","g":"y","d":2.5,"f":false,"w":"1969-07-20T20:17:40.500Z","h":0}',
  '{"a":-6,"b":7,"s":"100%_x","g":"x","d":1e10,"f":true,"w":"2024-01-31T09:30:00.125Z","h":7}',
  '{"a":7,"b":9007199254740993,"s":"Hamlet","g":null,"d":-1.5,"f":null,"w":"2024-12-30T12:00:00.000Z","h":12}',
];

type Kind = "integer" | "double" | "decimal" | "text" | "boolean" | "time" | "date" | "interval";

const kinds: readonly Kind[] = ["integer", "double", "decimal", "text", "boolean", "time", "date", "interval"];
const columns: Readonly<Record<Kind, readonly string[]>> = {
  integer: ["a", "b", "h", "_offset", "_partition"],
  double: ["d"],
  decimal: [],
  text: ["s", "g", "_key", "_topic"],
  boolean: ["f"],
  time: ["w", "_timestamp"],
  date: [],
  interval: [],
};
const literals: Readonly<Record<Kind, readonly string[]>> = {
  integer: ["0", "1", "2", "-3", "10", "5000000000", "NULL"],
  double: ["1e3", "2.5::DOUBLE", "-1e-2", "0::DOUBLE"],
  decimal: ["1.5", "0.25", "-2.50", "10.0", "3.14159"],
  text: ["'Hamlet'", "'a'", "''", "'x%'", "'_'", "'é'", "'12'", "NULL"],
  boolean: ["TRUE", "FALSE", "NULL"],
  time: ["TIMESTAMP '2024-01-31 09:30:00'", "TIMESTAMP '2024-02-29'"],
  date: ["DATE '2024-01-31'", "DATE '2020-12-31'"],
  interval: ["INTERVAL '1 day'", "INTERVAL '90 minutes'", "INTERVAL '2 months'"],
};

export class RandomQueries {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  query(): string {
    const random = this.#random;
    if (random.chance(0.08)) return this.#setOperation();
    if (random.chance(0.1)) return this.#join();
    return random.chance(0.4) ? this.#grouped() : this.#plain();
  }

  #plain(): string {
    const items = this.#some(3, () => this.#item(this.#any(), 3));
    const distinct = this.#random.chance(0.15) ? "DISTINCT " : "";
    return `SELECT ${distinct}${items.join(", ")} FROM t${this.#where()}${distinct === "" ? this.#order() : ""}`;
  }

  #grouped(): string {
    const random = this.#random;
    const keys = this.#some(2, () => this.#expression(random.pick(["integer", "text", "boolean", "date"] as const), 1));
    const aggregates = this.#some(3, () => this.#aggregate());
    const group = random.chance(0.2) ? "" : ` GROUP BY ${random.chance(0.3) ? "ALL" : keys.join(", ")}`;
    const list = group === "" ? aggregates : [...keys, ...aggregates];
    const having = random.chance(0.25) ? ` HAVING ${this.#aggregate()} > 1` : "";
    return `SELECT ${list.map((item) => (random.chance(0.4) ? item : `${item} AS c${random.below(99)}`)).join(", ")} FROM t${this.#where()}${group}${having}`;
  }

  #join(): string {
    const mode = this.#random.pick(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
    const on = this.#random.pick([
      "x.a = y.b",
      "x.g = y.g",
      "x.a = y.a AND x.d < 2",
      "x.a < y.a",
      "x.s = y.s AND x.a <> y.a",
    ]);
    return `SELECT x.a AS p, y.a AS q, x.s, y.d * 2 AS r FROM t x ${mode} t y ON ${on} WHERE x.a IS NULL OR ${this.#random.pick(["TRUE", "x.a > 1", "y.a IS NOT NULL"])}`;
  }

  #setOperation(): string {
    const operators = ["UNION", "UNION ALL", "EXCEPT", "INTERSECT"];
    const kind = this.#any();
    const sides = this.#some(3, () => `SELECT ${this.#expression(kind, 1)} AS c FROM t${this.#where()}`);
    return sides.reduce((text, side) => `${text} ${this.#random.pick(operators)} ${side}`);
  }

  #where(): string {
    return this.#random.chance(0.5) ? ` WHERE ${this.#expression("boolean", 2)}` : "";
  }

  #order(): string {
    const random = this.#random;
    if (random.chance(0.6)) return "";
    const items = this.#some(
      2,
      // A constant is refused, and a number is a column.
      () =>
        `${random.chance(0.5) ? random.pick(["b", "s", "d", "f", "w", "h"]) : this.#composed(this.#any(), 1)}${random.pick(["", " DESC", " NULLS FIRST", " DESC NULLS LAST"])}`,
    );
    return ` ORDER BY ${items.join(", ")}, a${random.chance(0.5) ? ` LIMIT ${random.below(6)}` : ""}`;
  }

  #item(kind: Kind, depth: number): string {
    const expression = this.#expression(kind, depth);
    return this.#random.chance(0.6) ? expression : `${expression} AS c${this.#random.below(99)}`;
  }

  #aggregate(): string {
    const random = this.#random;
    const filter = random.chance(0.2) ? ` FILTER (WHERE ${this.#expression("boolean", 1)})` : "";
    const number = (): string => this.#expression(random.pick(["integer", "double", "decimal"] as const), 1);
    const call = random.pick([
      () => "count(*)",
      () => `count(${this.#expression(this.#any(), 1)})`,
      () => `count(DISTINCT ${this.#expression(this.#any(), 1)})`,
      () => `sum(${number()})`,
      () => `avg(${number()})`,
      () => `min(${this.#expression(this.#any(), 1)})`,
      () => `max(${this.#expression(this.#any(), 1)})`,
      () => `sum(DISTINCT ${this.#expression("integer", 1)})`,
      () => `bool_or(${this.#expression("boolean", 1)})`,
      () => `arg_max(${this.#expression(this.#any(), 0)}, a)`,
      () => `stddev(${number()})`,
      () => `var_pop(${number()})`,
    ]);
    return `${call()}${filter}`;
  }

  #any(): Kind {
    return this.#random.pick(kinds);
  }

  #some<Item>(most: number, make: () => Item): Item[] {
    return Array.from({ length: 1 + this.#random.below(most) }, make);
  }

  #expression(kind: Kind, depth: number): string {
    const random = this.#random;
    // Now and then a type that nobody asked for.
    const wanted = random.chance(0.03) ? this.#any() : kind;
    if (depth <= 0 || random.chance(0.25)) return this.#leaf(wanted);
    const text = this.#composed(wanted, depth - 1);
    return random.chance(0.3) ? `(${text})` : text;
  }

  #leaf(kind: Kind): string {
    const names = columns[kind];
    return names.length > 0 && this.#random.chance(0.7) ? this.#random.pick(names) : this.#random.pick(literals[kind]);
  }

  #composed(kind: Kind, depth: number): string {
    const random = this.#random;
    const make = (of: Kind): string => this.#expression(of, depth);
    if (random.chance(0.12)) return this.#general(kind, depth);
    switch (kind) {
      case "integer":
        return random.pick([
          () => `${make("integer")} ${random.pick(["+", "-", "*", "//", "%"])} ${make("integer")}`,
          () => `-${make("integer")}`,
          () => `abs(${make("integer")})`,
          () => `length(${make("text")})`,
          () => `${make("double")}::BIGINT`,
          () => `strpos(${make("text")}, ${make("text")})`,
          () => `date_part('${random.pick(["year", "month", "hour", "dow", "week", "doy"])}', ${make("time")})`,
          () => `round(${make("integer")}, ${random.pick(["0", "1", "-1"])})`,
          () => `sign(${make("double")})`,
          () => `${make("date")} - ${make("date")}`,
          () => `CAST(${make("boolean")} AS INTEGER)`,
        ])();
      case "double":
        return random.pick([
          () =>
            `${make("double")} ${random.pick(["+", "-", "*", "/", "%"])} ${make(random.pick(["double", "integer", "decimal"] as const))}`,
          () => `${make("integer")} / ${make("integer")}`,
          () => `round(${make("double")}, ${random.pick(["0", "1", "2", "-1"])})`,
          () => `floor(${make("double")})`,
          () => `ceil(${make("integer")})`,
          () => `sqrt(abs(${make("double")}))`,
          () => `${make("decimal")}::DOUBLE`,
          () => `epoch(${make("time")})`,
        ])();
      case "decimal":
        return random.pick([
          () =>
            `${make("decimal")} ${random.pick(["+", "-", "*", "%"])} ${make(random.pick(["decimal", "integer"] as const))}`,
          () => `round(${make("decimal")}, 1)`,
          () => `-${make("decimal")}`,
          () => `${make("decimal")}::DECIMAL(10, 2)`,
          () => `abs(${make("decimal")})`,
        ])();
      case "text":
        return random.pick([
          () => `${make("text")} || ${make(this.#any())}`,
          () => `${random.pick(["upper", "lower", "trim"])}(${make("text")})`,
          () => `substring(${make("text")}, ${1 + random.below(3)}, ${random.below(4)})`,
          () => `left(${make("text")}, ${random.below(5) - 1})`,
          () => `right(${make("text")}, ${random.below(5) - 1})`,
          () => `replace(${make("text")}, ${make("text")}, ${make("text")})`,
          () => `${make(this.#any())}::VARCHAR`,
          () => `concat(${make("text")}, ${make(this.#any())})`,
          () => `lpad(${make("text")}, ${random.below(6)}, 'ab')`,
          () => `dayname(${make("time")})`,
        ])();
      case "boolean":
        return this.#condition(depth);
      case "time":
        return random.pick([
          () => `${make("time")} ${random.pick(["+", "-"])} ${make("interval")}`,
          () =>
            `date_trunc('${random.pick(["day", "hour", "week", "month", "year", "quarter", "second"])}', ${make("time")})`,
          () => `time_bucket(INTERVAL '${random.pick(["15 minutes", "1 day", "1 month", "7 days"])}', ${make("time")})`,
          () => `${make("date")}::TIMESTAMP`,
        ])();
      case "date":
        return random.pick([() => `${make("time")}::DATE`, () => `${make("date")} + ${random.below(40)}`])();
      case "interval":
        return random.pick([
          () => `${make("time")} - ${make("time")}`,
          () => `${make("interval")} + ${make("interval")}`,
        ])();
    }
  }

  #condition(depth: number): string {
    const random = this.#random;
    const make = (of: Kind): string => this.#expression(of, depth);
    const kind = this.#any();
    const number = (): Kind => random.pick(["integer", "double", "decimal"] as const);
    return random.pick([
      () => `${make(kind)} ${random.pick(["=", "<>", "<", "<=", ">", ">="])} ${make(kind)}`,
      () => `${make(number())} ${random.pick(["=", "<", ">="])} ${make(number())}`,
      () => `${make("boolean")} ${random.pick(["AND", "OR"])} ${make("boolean")}`,
      () => `NOT ${make("boolean")}`,
      () => `${make(kind)} IS ${random.pick(["", "NOT "])}NULL`,
      () => `${make(kind)} IS ${random.pick(["", "NOT "])}DISTINCT FROM ${make(kind)}`,
      () => `${make("boolean")} IS ${random.pick(["", "NOT "])}${random.pick(["TRUE", "FALSE"])}`,
      () => `${make(kind)} ${random.pick(["", "NOT "])}IN (${make(kind)}, ${make(kind)})`,
      () => `${make(kind)} ${random.pick(["", "NOT "])}BETWEEN ${make(kind)} AND ${make(kind)}`,
      () => `${make("text")} ${random.pick(["", "NOT "])}${random.pick(["LIKE", "ILIKE"])} ${make("text")}`,
      () => `starts_with(${make("text")}, ${make("text")})`,
      () => `a IN (SELECT b FROM t)`,
    ])();
  }

  /** What every type has. */
  #general(kind: Kind, depth: number): string {
    const make = (): string => this.#expression(kind, depth);
    return this.#random.pick([
      () => `coalesce(${make()}, ${make()})`,
      () => `CASE WHEN ${this.#expression("boolean", depth)} THEN ${make()} ELSE ${make()} END`,
      () => `CASE ${make()} WHEN ${make()} THEN ${make()} END`,
      () => `nullif(${make()}, ${make()})`,
      () => `greatest(${make()}, ${make()})`,
      () => `least(${make()}, ${make()})`,
      () => `if(${this.#expression("boolean", depth)}, ${make()}, ${make()})`,
    ])();
  }
}
