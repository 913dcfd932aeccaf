/** From a producer of Kafka to the pixels of a live query on the page, at 1,000 tweets a second. */
import { startKafka } from "../../scripts/components/kafka.js";
import { openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import { notebookText } from "../../test/support/notebook.js";
import { type Measure, percentile } from "../measure.js";
import { runPython } from "../support/python.js";
import { againstGoal, type BrowserBench, kernelIdle, openPage } from "./browser.js";

const TOPIC = "paced";
const RATE = 1_000;
const RECORDS = 20_000;
const WARM_UP_MS = 6_000;
const GOAL_MS = 400;

/** Looks at each frame what is shown, and notes when the newest record that is in it has another time. */
const watch = `(() => {
  window.shown = [];
  let before = "";
  const look = () => {
    const text = document.querySelector(".tt-result tbody td:last-child")?.textContent ?? "";
    if (text !== before && /\\d/.test(text)) {
      before = text;
      // What this frame shows is seen when it has been painted.
      const sentMs = Number(text.replace(/[^\\d.]/g, ""));
      requestAnimationFrame(() => window.shown.push({ sentMs, atMs: performance.timeOrigin + performance.now() }));
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()`;

export async function measureFreshness({ browser, ours, python }: BrowserBench): Promise<Measure[]> {
  const kafka = await startKafka({ nodes: 1 });
  const bench = { brokers: kafka.bootstrap, python };
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  try {
    const producer = await openKafkaProducer({ brokers: kafka.bootstrap });
    await producer.ensureTopic(TOPIC, { partitions: 4 });
    await producer.close();
    await runPython(bench, "produce_paced.py", [TOPIC, 100, RATE]);
    const { page } = await openPage(context);
    const cells = [
      `import { stream } from "tidetable"; const paced = await stream("${TOPIC}", { source: { brokers: ${JSON.stringify(kafka.bootstrap.join(","))} } })`,
      `%%sql --live --every 250ms --chart none\nSELECT count(*) AS n, max("sentUs") // 1000 AS sent FROM ${TOPIC}`,
    ];
    await page.goto(await ours.add("freshness.ipynb", notebookText(cells)));
    await kernelIdle(page, ours);
    await page.locator('.tt-header [data-command="run-all"]').click();
    await page.locator(".tt-result tbody td").first().waitFor({ timeout: 60_000 });
    await page.evaluate(watch);
    await runPython(bench, "produce_paced.py", [TOPIC, RECORDS, RATE]);
    await page.waitForTimeout(2_000);
    const shown = (await page.evaluate("window.shown")) as Shown[];
    const latenciesMs = latenciesOf(shown);
    const name = `produced to seen on the page at ${RATE.toLocaleString("en")}/s`;
    return [
      againstGoal(`${name}, median`, "ms", [percentile(latenciesMs, 0.5)], GOAL_MS),
      againstGoal(`${name}, 95 of 100`, "ms", [percentile(latenciesMs, 0.95)], GOAL_MS),
    ];
  } finally {
    await context.close();
    await kafka.stop();
  }
}

interface Shown {
  /** When the newest record that is shown was sent. */
  readonly sentMs: number;
  readonly atMs: number;
}

/** A record is seen with the first picture that holds it; one was sent each millisecond. */
function latenciesOf(shown: readonly Shown[]): number[] {
  const first = shown.findIndex(({ sentMs }) => sentMs > (shown[1]?.sentMs ?? 0) + WARM_UP_MS);
  const latenciesMs: number[] = [];
  for (const [index, { sentMs, atMs }] of shown.entries()) {
    const before = shown[index - 1];
    if (index < first || before === undefined) continue;
    for (let sent = before.sentMs + 1; sent <= sentMs; sent++) latenciesMs.push(atMs - sent);
  }
  return latenciesMs;
}
