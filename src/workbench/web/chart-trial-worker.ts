/**
 * Draws a stranger's chart on nothing, in a worker that can be ended: what takes for ever, takes it here. Answers how many marks
 * it would be. A built entry of its own.
 */
import { loader, parse, type Spec, View } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { compile, type TopLevelSpec } from "vega-lite";
import type { TrialAnswer, TrialQuestion } from "./chart-trial.js";

interface Marks {
  readonly items?: ReadonlyArray<Marks>;
}

self.onmessage = ({ data }: MessageEvent<TrialQuestion>) => {
  tryOut(data).then(
    (marks) => answer({ marks }),
    (error: unknown) => answer({ problem: error instanceof Error ? error.message : String(error) }),
  );
};
answer({ isReady: true });

async function tryOut({ spec, mode }: TrialQuestion): Promise<number> {
  const compiled = mode === "vega-lite" ? compile(spec as unknown as TopLevelSpec).spec : (spec as unknown as Spec);
  const view = new View(parse(compiled, undefined, { ast: true }), {
    renderer: "none",
    expr: expressionInterpreter,
    loader: refusing,
  });
  try {
    await view.runAsync();
    return count((view.scenegraph() as unknown as { readonly root: Marks }).root);
  } finally {
    view.finalize();
  }
}

const refuse = () => Promise.reject(new Error("nothing is loaded from an address"));
const refusing = { ...loader(), load: refuse, sanitize: refuse, http: refuse, file: refuse };

/** Groups count by what is in them. */
function count({ items = [] }: Marks): number {
  return items.reduce((sum, item) => sum + (item.items === undefined ? 1 : count(item)), 0);
}

function answer(message: TrialAnswer): void {
  self.postMessage(message);
}
