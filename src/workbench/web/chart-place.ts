/** A chart that the reader chose for a result. */
import { ChartDrawing } from "./chart-drawing.js";

export type ChartPlace = ChartDrawing;

export function createChartPlace(): ChartPlace {
  return new ChartDrawing(document.createElement("div"));
}
