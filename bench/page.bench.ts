/**
 * The workbench's page in Chromium, beside a stock JupyterLab that serves the same notebook in the same run. Figures that
 * JupyterLab has no counterpart for stand beside their goal. `PAGE_BENCH_MINUTES` shortens the ten minutes of the ten charts;
 * `PAGE_BENCH_PARTS=freshness,charts` runs some parts only, for who works on them, and keeps no result.
 */

import type { Measure } from "./measure.js";
import { endKernels, openBrowserBench } from "./page/browser.js";
import { measureCharts } from "./page/charts.js";
import { measureCrowd } from "./page/crowd.js";
import { measureFreshness } from "./page/freshness.js";
import { measureOpening } from "./page/opening.js";

const allParts = { opening: measureOpening, crowd: measureCrowd, freshness: measureFreshness, charts: measureCharts };

const wanted = process.env.PAGE_BENCH_PARTS?.split(",");

export const isWhole = wanted === undefined;

export async function measures(): Promise<Measure[]> {
  const parts = Object.entries(allParts).filter(([name]) => wanted?.includes(name) ?? true);
  const bench = await openBrowserBench();
  const found: Measure[] = [];
  try {
    for (const [, part] of parts) {
      const next = await part(bench);
      for (const { name, unit, ours, peer } of next)
        console.log(`${name}: ${ours.toFixed(1)} ${unit}, beside ${peer.toFixed(1)}`);
      found.push(...next);
      await Promise.all([endKernels(bench.ours), endKernels(bench.lab)]);
    }
    return found;
  } finally {
    await bench.close();
  }
}
