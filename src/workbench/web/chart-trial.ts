/**
 * Tries a stranger's chart out before the page draws it: a specification is data, but one can be written that draws for ever, and the
 * page has one thread. In a worker it has two seconds, and so many marks.
 */
import { PageConfig } from "@jupyterlab/coreutils";

export interface TrialQuestion {
  readonly spec: object;
  readonly mode: "vega" | "vega-lite";
}

export type TrialAnswer =
  | { readonly isReady: true }
  | { readonly marks: number }
  /** Not drawn by the page either: what fails in the worker might not fail there, and was not tried then. */
  | { readonly problem: string };

export const marksMax = 5_000;
const drawingMsMax = 2_000;
const loadingMsMax = 20_000;
const idleMsMax = 10_000;

let worker: Worker | undefined;
let ending: number | undefined;
let turn: Promise<unknown> = Promise.resolve();

/** Why the page should not draw it; undefined when it may. One after the other. */
export function chartRefusal(question: TrialQuestion): Promise<string | undefined> {
  const answered = turn.then(() => tryOut(question));
  turn = answered.catch(() => undefined);
  return answered;
}

async function tryOut(question: TrialQuestion): Promise<string | undefined> {
  window.clearTimeout(ending);
  try {
    worker ??= await start();
    const answer = await within(drawingMsMax, worker, () => worker?.postMessage(question));
    if ("problem" in answer) return `it cannot be drawn (${answer.problem})`;
    return "marks" in answer && answer.marks > marksMax
      ? `it has ${answer.marks.toLocaleString("en-US")} marks, and charts of others are drawn up to ${marksMax.toLocaleString("en-US")}`
      : undefined;
  } catch {
    end();
    return `drawing it takes longer than ${drawingMsMax / 1000} seconds`;
  } finally {
    ending = window.setTimeout(end, idleMsMax);
  }
}

async function start(): Promise<Worker> {
  const started = new Worker(PageConfig.getOption("chartTrial"), { type: "module" });
  try {
    // What it is made of is loaded before the clock starts.
    await within(loadingMsMax, started, () => {});
    return started;
  } catch (error) {
    started.terminate();
    throw error;
  }
}

function within(waitMs: number, from: Worker, ask: () => void): Promise<TrialAnswer> {
  return new Promise((done, fail) => {
    const late = window.setTimeout(() => fail(new Error("no answer in time")), waitMs);
    from.onmessage = ({ data }: MessageEvent<TrialAnswer>) => {
      window.clearTimeout(late);
      done(data);
    };
    from.onerror = () => {
      window.clearTimeout(late);
      fail(new Error("the worker failed"));
    };
    ask();
  });
}

function end(): void {
  worker?.terminate();
  worker = undefined;
}
