/** The first line of a `%%sql` cell: `[name] [--live] [--chart mark] [--every 1s] [--limit n] [--engine e]`. Pure. */
import { type Mark, marks } from "../charts/chart.js";
import { type EngineName, engineNames } from "../engine/engine-names.js";
import { TidetableError } from "../errors.js";
import { statementKeywords } from "./sql-vocabulary.js";

export interface SqlCellOptions {
  /** Leaves the result in a variable and a view of this name. */
  readonly name?: string;
  readonly live: boolean;
  /** Absent: a chart is shown where the result's shape asks for one. */
  readonly chart?: Mark | "none";
  /** Shortest time between two versions of a live result. Absent: as often as the front-end shows them. */
  readonly everyMs?: number;
  /** Rows to carry and show at the most. */
  readonly limit?: number;
  /** Absent: the notebook's own. */
  readonly engine?: EngineName;
  /** SQL that stands on the first line already, as in `%%sql SELECT 1`. */
  readonly sqlOnFirstLine: string;
}

export const everyMsMin = 100;
const limitMax = 100_000;
const usage = "%%sql [name] [--live] [--chart bar|line|area|pie|scatter|none] [--every 1s] [--limit n] [--engine e]";

/** @throws TidetableError SQL_INVALID naming the option, its value and what it may be. */
export function parseSqlCellOptions(argumentLine: string): SqlCellOptions {
  const options: { -readonly [Key in keyof SqlCellOptions]: SqlCellOptions[Key] } = {
    live: false,
    sqlOnFirstLine: "",
  };
  let rest = argumentLine.trim();
  while (rest !== "") {
    const [argument = ""] = rest.split(/\s/, 1);
    if (startsSql(argument)) {
      options.sqlOnFirstLine = rest;
      break;
    }
    rest = rest.slice(argument.length).trimStart();
    if (!argument.startsWith("-")) {
      options.name = parseName(argument, options.name);
      continue;
    }
    const equals = argument.indexOf("=");
    const flag = equals === -1 ? argument : argument.slice(0, equals);
    const takeValue = () => {
      if (equals !== -1) return argument.slice(equals + 1);
      const [value = ""] = rest.split(/\s/, 1);
      rest = rest.slice(value.length).trimStart();
      return value;
    };
    switch (flag) {
      case "--live":
        if (equals !== -1) throw invalid(`--live takes no value; it was given "${argument.slice(equals + 1)}".`);
        options.live = true;
        break;
      case "--chart":
        options.chart = parseChart(takeValue());
        break;
      case "--every":
        options.everyMs = parseDuration(takeValue());
        break;
      case "--limit":
        options.limit = parseLimit(takeValue());
        break;
      case "--engine":
        options.engine = parseEngine(takeValue());
        break;
      default:
        throw invalid(`${flag} is no option of a SQL cell. The first line reads: ${usage}`);
    }
  }
  return options;
}

function startsSql(argument: string): boolean {
  return statementKeywords.has(argument.toLowerCase()) || /^[("';]|^--\s*$|^\/\*/.test(argument);
}

function parseName(argument: string, earlier: string | undefined): string {
  if (earlier !== undefined) {
    throw invalid(
      `a SQL cell has one name; this one has "${earlier}" and "${argument}". The first line reads: ${usage}`,
    );
  }
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(argument) || reservedNames.has(argument)) {
    throw invalid(
      `"${argument}" cannot name a result: it becomes a variable and a view. Use letters, digits and _, for example top_tweeters.`,
    );
  }
  return argument;
}

/** Words that cannot be a variable in TypeScript; SQL's own are caught before as the beginning of a statement. */
const reservedNames = new Set(
  (
    "await break case catch class const continue debugger default delete do else enum export extends false finally for " +
    "function if import in instanceof interface let new null return static super switch this throw true try typeof var " +
    "void while with yield arguments eval undefined"
  ).split(" "),
);

function parseChart(value: string): Mark | "none" {
  const found = [...marks, "none" as const].find((mark) => mark === value);
  if (found === undefined) throw invalid(`--chart ${quote(value)} is unknown; it may be ${marks.join(", ")} or none.`);
  return found;
}

function parseDuration(value: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(value) ?? [];
  const ms = Number(amount) * { ms: 1, s: 1000, m: 60_000 }[(unit ?? "ms") as "ms" | "s" | "m"];
  if (!(ms >= everyMsMin)) {
    throw invalid(`--every ${quote(value)} is no duration; write for example 500ms, 1s or 1m, 100ms at the least.`);
  }
  return ms;
}

function parseLimit(value: string): number {
  const limit = /^[\d_]+$/.test(value) ? Number(value.replaceAll("_", "")) : Number.NaN;
  if (!(limit >= 1 && limit <= limitMax)) {
    throw invalid(`--limit ${quote(value)} is no number of rows; write one from 1 to ${limitMax}.`);
  }
  return limit;
}

/** Whether the notebook has it is known where the engine runs. */
function parseEngine(value: string): EngineName {
  const found = engineNames.find((name) => name === value);
  if (found === undefined) throw invalid(`--engine ${quote(value)} is unknown; it may be ${engineNames.join(" or ")}.`);
  return found;
}

function quote(value: string): string {
  return value === "" ? "(nothing)" : `"${value}"`;
}

function invalid(message: string): TidetableError {
  return new TidetableError("SQL_INVALID", message);
}
