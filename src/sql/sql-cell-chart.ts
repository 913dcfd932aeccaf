/** Which chart a SQL cell shows below its table. Pure. */
import { type Chart, chooseChart } from "../charts/chart.js";
import { TidetableError } from "../errors.js";
import type { QueryResult } from "./schema.js";
import type { SqlCellOptions } from "./sql-cell-options.js";

/**
 * The chart of a SQL cell: the asked one, or the one that the result's shape asks for.
 * @throws TidetableError CHART_INVALID for `--chart` on a result that has no such chart.
 */
export function cellChart(result: QueryResult, options: SqlCellOptions): Chart | undefined {
  if (options.chart === "none") return undefined;
  // One row is a figure, not a shape: unasked, a chart of one point says less than the table.
  if (options.chart === undefined && result.rowCount < 2) return undefined;
  const choice = chooseChart(result, options.chart === undefined ? {} : { mark: options.chart });
  if ("chart" in choice) return choice.chart;
  if (options.chart === undefined) return undefined;
  throw new TidetableError("CHART_INVALID", `--chart ${options.chart}: ${choice.reason}.`);
}
