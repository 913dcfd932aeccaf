/**
 * The workbench's page in Chromium, beside a stock JupyterLab that serves the same notebook in the same run. Figures that
 * JupyterLab has no counterpart for stand beside their goal. `PAGE_BENCH_MINUTES` shortens the ten minutes of the ten charts.
 */

import type { Measure } from "./measure.js";
import { endKernels, openBrowserBench } from "./page/browser.js";
import { measureCharts } from "./page/charts.js";
import { measureCrowd } from "./page/crowd.js";
import { measureFreshness } from "./page/freshness.js";
import { measureOpening } from "./page/opening.js";

export async function measures(): Promise<Measure[]> {
  const bench = await openBrowserBench();
  const found: Measure[] = [];
  try {
    for (const part of [measureOpening, measureCrowd, measureFreshness, measureCharts]) {
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
