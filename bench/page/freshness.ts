/** From a producer of Kafka to the pixels of a live query on the page, at 1,000 tweets a second. */
import { startKafka } from "../../scripts/components/kafka.js";
import { resultMime } from "../../src/sql/result-json.js";
import { openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import { contentOf, fromWebSocketMessage, headerOf } from "../../src/workbench/kernel-messages.js";
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
    const told = new Map<number, number>();
    page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => noteTold(payload, told)));
    const cells = [
      `import { stream } from "tidetable"; const paced = await stream("${TOPIC}", { source: { brokers: ${JSON.stringify(kafka.bootstrap.join(","))} } })`,
      `%%sql --live --chart none\nSELECT count(*) AS n, max("sentUs") // 1000 AS sent FROM ${TOPIC}`,
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
    console.log(wayOf(shown, told));
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

/** When the kernel told the page of each newest record. */
function noteTold(payload: string | Buffer, told: Map<number, number>): void {
  const message = typeof payload === "string" ? undefined : fromWebSocketMessage(payload);
  if (message === undefined || headerOf(message.parts).msg_type !== "update_display_data") return;
  const { date } = JSON.parse(Buffer.from(message.parts[0] ?? []).toString("utf8")) as { readonly date: string };
  const data = contentOf(message.parts).data as Readonly<Record<string, { readonly rows?: readonly unknown[][] }>>;
  told.set(Number(data[resultMime]?.rows?.[0]?.[1]), Date.parse(date));
}

/** Where the time goes: to the kernel's message, from there to the pixels, and what passes between two of them. */
function wayOf(shown: readonly Shown[], told: ReadonlyMap<number, number>): string {
  const parts = { "newest record to message": [], "message to pixels": [], "between two": [] } as Record<
    string,
    number[]
  >;
  for (const [index, { sentMs, atMs }] of shown.entries()) {
    const toldMs = told.get(sentMs);
    const before = shown[index - 1];
    if (toldMs === undefined || before === undefined) continue;
    parts["newest record to message"]?.push(toldMs - sentMs);
    parts["message to pixels"]?.push(atMs - toldMs);
    parts["between two"]?.push(atMs - before.atMs);
  }
  const texts = Object.entries(parts).map(([name, ms]) => {
    const at = (part: number) => Math.round(percentile(ms, part));
    return `${name} ${at(0.5)} ms (95 of 100: ${at(0.95)}, longest ${at(1)})`;
  });
  return `${shown.length} pictures: ${texts.join(", ")}`;
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
