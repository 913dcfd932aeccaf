/**
 * Which chart a result asks for: mark and encoding from the meaning of its columns. A category and a number make bars,
 * time and a number a line, time and a category and a number coloured lines, two numbers a scatter plot. Knows nothing of Vega. Pure.
 */
import { type Column, cellValue, type LogicalType, type QueryResult } from "../sql/schema.js";

export const marks = ["bar", "line", "area", "pie", "scatter"] as const;
export type Mark = (typeof marks)[number];

/** Column indexes of a result by the role they play. */
export interface Chart {
  readonly mark: Mark;
  /** Bars and slices: the category. Lines and points: the horizontal axis. */
  readonly x: number;
  readonly y: number;
  readonly color?: number;
}

export interface ChartRequest {
  /** Absent: the result's shape decides, and a result with no clear shape gets no chart. */
  readonly mark?: Mark;
  /** Column names that take a role whatever their type. */
  readonly x?: string;
  readonly y?: string;
  readonly color?: string;
}

/** A chart, or why there is none. */
export type ChartChoice = { readonly chart: Chart } | { readonly reason: string };

export function chooseChart(result: QueryResult, request: ChartRequest = {}): ChartChoice {
  const asked = [request.x, request.y, request.color].filter((name): name is string => name !== undefined);
  for (const name of asked) {
    if (indexOf(result, name) === -1) {
      return { reason: `the result has no column "${name}"; it has ${namesOf(result)}` };
    }
  }
  if (request.mark === undefined && asked.length === 0) return chooseByShape(result);
  return chooseForMark(result, request.mark ?? markFor(result, request), request);
}

type Role = "time" | "category" | "number" | "none";

function roleOf(type: LogicalType): Role {
  switch (type) {
    case "date":
    case "timestamp":
      return "time";
    case "text":
    case "boolean":
      return "category";
    case "integer":
    case "bigint":
    case "double":
    case "decimal":
      return "number";
    case "time":
    case "interval":
    case "blob":
    case "nested":
      return "none";
  }
}

/** Unasked, a chart is drawn only for a result that is plainly one: two or three columns, each with its role. */
function chooseByShape(result: QueryResult): ChartChoice {
  const shape = result.columns.map((column) => roleOf(column.type));
  const at = (role: Role, nth = 0) =>
    shape.map((r, index) => (r === role ? index : -1)).filter((i) => i >= 0)[nth] ?? -1;
  const y = at("number");
  switch ([...shape].sort().join(" ")) {
    case "number time":
      return { chart: { mark: "line", x: at("time"), y } };
    case "category number time":
      return { chart: { mark: "line", x: at("time"), y, color: at("category") } };
    case "category number":
      // Rows that repeat a category are records, not totals: bars over them would lie on each other.
      return isDistinct(result.columns[at("category")], result.rowCount)
        ? { chart: { mark: "bar", x: at("category"), y } }
        : { reason: "a category stands in more than one row" };
    case "category category number":
      return { chart: { mark: "bar", x: at("category"), y, color: at("category", 1) } };
    case "number number":
      return { chart: { mark: "scatter", x: y, y: at("number", 1) } };
    default:
      return { reason: `columns ${describe(result)} have no clear chart` };
  }
}

function chooseForMark(result: QueryResult, mark: Mark, request: ChartRequest): ChartChoice {
  const free = new Set(result.columns.keys());
  for (const name of [request.x, request.y, request.color]) {
    if (name !== undefined) free.delete(indexOf(result, name));
  }
  const take = (name: string | undefined, roles: readonly Role[]): number => {
    if (name !== undefined) return indexOf(result, name);
    const index = roles
      .map((role) => [...free].find((at) => roleAt(result, at) === role))
      .find((at) => at !== undefined);
    if (index === undefined) return -1;
    free.delete(index);
    return index;
  };
  // A number is the axis only where another one is left to be the height.
  const numbers = [...free].filter((index) => roleAt(result, index) === "number").length;
  const spareNumber: Role[] = numbers >= (request.y === undefined ? 2 : 1) ? ["number"] : [];
  const x = take(request.x, axisRoles(mark, spareNumber));
  const y = take(request.y, ["number"]);
  if (x === -1 || y === -1)
    return {
      reason: `a ${mark} chart needs a number and something to set it against; the result has ${describe(result)}`,
    };
  if (roleAt(result, y) !== "number") {
    return {
      reason: `"${result.columns[y]?.name}" is ${result.columns[y]?.sqlType}, and the height of a ${mark} is a number`,
    };
  }
  const color = mark === "pie" ? -1 : take(request.color, ["category"]);
  return { chart: { mark, x, y, ...(color === -1 ? {} : { color }) } };
}

function axisRoles(mark: Mark, spareNumber: readonly Role[]): readonly Role[] {
  switch (mark) {
    case "bar":
    case "pie":
      return ["category", "time", ...spareNumber];
    case "line":
    case "area":
      return ["time", ...spareNumber, "category"];
    case "scatter":
      return [...spareNumber, "time", "category"];
  }
}

function markFor(result: QueryResult, request: ChartRequest): Mark {
  const named = request.x === undefined ? undefined : roleAt(result, indexOf(result, request.x));
  const roles = result.columns.map((column) => roleOf(column.type));
  const axis = named ?? (roles.includes("time") ? "time" : roles.includes("category") ? "category" : "number");
  return axis === "time" ? "line" : axis === "category" ? "bar" : "scatter";
}

function roleAt(result: QueryResult, index: number): Role {
  const column = result.columns[index];
  return column === undefined ? "none" : roleOf(column.type);
}

function indexOf(result: QueryResult, name: string): number {
  return result.columns.findIndex((column) => column.name === name);
}

function isDistinct(column: Column | undefined, rowCount: number): boolean {
  if (column === undefined) return false;
  const values = new Set<unknown>();
  for (let row = 0; row < rowCount; row += 1) values.add(cellValue(column, row));
  return values.size === rowCount;
}

function namesOf(result: QueryResult): string {
  return result.columns.map((column) => column.name).join(", ");
}

function describe(result: QueryResult): string {
  return result.columns.map((column) => `${column.name} (${column.sqlType})`).join(", ");
}
