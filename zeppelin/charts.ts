/** A paragraph's chart setting, `config.results["0"].graph`, to and from the mark of a `%%sql` cell. Pure. */
import type { JsonObject, JsonValue } from "./json.js";
import { isJsonArray, isJsonObject } from "./json.js";

/** Zeppelin's names for what our cells call bar, line, area, pie and scatter. */
const modes: Readonly<Record<string, string>> = {
  multiBarChart: "bar",
  lineChart: "line",
  stackedAreaChart: "area",
  pieChart: "pie",
  scatterChart: "scatter",
  table: "none",
};

export function graphOf(config: JsonObject, result = 0): JsonObject | undefined {
  const results = config.results;
  const entry = isJsonArray(results) ? results[result] : isJsonObject(results) ? results[String(result)] : undefined;
  return isJsonObject(entry) && isJsonObject(entry.graph) ? entry.graph : undefined;
}

/** Undefined for a mode that our cells have no mark for. */
export function markOf(graph: JsonObject): string | undefined {
  return typeof graph.mode === "string" && Object.hasOwn(modes, graph.mode) ? modes[graph.mode] : undefined;
}

export function modeOf(mark: string): string | undefined {
  return Object.entries(modes).find(([, name]) => name === mark)?.[0];
}

export function withGraphMode(config: JsonObject, mode: string): JsonObject {
  const graph = graphOf(config);
  if (graph?.mode === mode) return config;
  return withGraph(config, { ...(graph ?? {}), mode });
}

export function withGraph(config: JsonObject, graph: JsonObject): JsonObject {
  const results = isJsonObject(config.results) ? config.results : {};
  const first = isJsonObject(results["0"]) ? results["0"] : {};
  return { ...config, results: { ...results, "0": { ...first, graph } } };
}

/** A whole setting: one column along the axis, one summed. Zeppelin needs keys, groups and values together. */
export function chartSetting(mode: string, key: string, value: string): JsonObject {
  return {
    mode,
    height: 300,
    optionOpen: false,
    setting: {
      [mode]: mode === "multiBarChart" ? { xLabelStatus: "rotate", rotate: { degree: "-45" }, stacked: false } : {},
    },
    commonSetting: {},
    keys: [{ name: key, index: 0, aggr: "sum" }],
    groups: [],
    values: [{ name: value, index: 1, aggr: "sum" }],
  };
}

/** Column names that a setting names, by role. */
export function chartColumns(graph: JsonObject): readonly string[] {
  return ["keys", "groups", "values"].flatMap((role) => {
    const columns: JsonValue | undefined = graph[role];
    return isJsonArray(columns)
      ? columns.flatMap((column) => (isJsonObject(column) && typeof column.name === "string" ? [column.name] : []))
      : [];
  });
}
