/** Rules of Spark paragraphs: what run-all, a second run and Spark's own sessions do to a stream. Pure. */
import type { CheckedNote, CheckedParagraph, Finding, Rule } from "./check.js";
import { languageOf } from "./interpreters.js";

type Found = Omit<Finding, "rule">;

const broken = (where: string, message: string): Found => ({ severity: "broken", where, message });
const advice = (where: string, message: string): Found => ({ severity: "advice", where, message });

export const sparkRules: readonly Rule[] = [
  { name: "conf-first", find: confFirst },
  { name: "receivers", find: (note) => note.paragraphs.flatMap(receivers) },
  { name: "stream-rerun", find: (note) => note.paragraphs.flatMap(rerun) },
  { name: "run-all-first-batch", find: (note) => note.paragraphs.flatMap((paragraph) => firstBatch(paragraph, note)) },
  { name: "stop-enabled", find: stopEnabled },
  { name: "batch-view", find: (note) => note.paragraphs.flatMap(batchView) },
];

/** Without comments, so that a note may explain what it does not do. */
function codeOf({ text }: CheckedParagraph): string {
  return text.body.replace(/^[ \t]*(?:\/\/|#|--).*$/gm, "");
}

function isSpark({ text }: CheckedParagraph): boolean {
  return text.interpreter === undefined || /^(spark|sql|pyspark)(\.|$)/.test(text.interpreter);
}

function startsStream(paragraph: CheckedParagraph): boolean {
  return isSpark(paragraph) && /\bwriteStream\b/.test(codeOf(paragraph));
}

/** Properties count only before Spark is there. */
function confFirst({ paragraphs }: CheckedNote): readonly Found[] {
  const first = paragraphs.findIndex(
    (paragraph) =>
      isSpark(paragraph) && paragraph.text.interpreter !== undefined && languageOf(paragraph.text) !== "conf",
  );
  return paragraphs
    .filter(({ text, index }) => text.interpreter === "spark.conf" && first >= 0 && index > first)
    .map(({ where }) =>
      broken(where, "%spark.conf comes after a paragraph that starts Spark, and is then refused: put it first."),
    );
}

function receivers(paragraph: CheckedParagraph): readonly Found[] {
  if (!isSpark(paragraph) || !/streaming\.kafka\b|KafkaUtils\.create/.test(codeOf(paragraph))) return [];
  return [
    broken(
      paragraph.where,
      "Receivers of spark.streaming.kafka are in no Spark that Zeppelin takes: use spark.readStream.",
    ),
  ];
}

function rerun(paragraph: CheckedParagraph): readonly Found[] {
  if (!startsStream(paragraph) || /streams\.active[\s\S]*\bstop\(/.test(codeOf(paragraph))) return [];
  return [
    broken(
      paragraph.where,
      "Run again, it fails on its own query that still runs: stop the active query of that name first.",
    ),
  ];
}

/** Run-all does not wait for a stream; a query right after it shows an empty table. */
function firstBatch(paragraph: CheckedParagraph, note: CheckedNote): readonly Found[] {
  const queried = note.paragraphs.some(
    ({ index, enabled, text }) => index > paragraph.index && enabled && languageOf(text) === "sql",
  );
  const waits = /Thread\.sleep|time\.sleep|awaitTermination|processAllAvailable/.test(codeOf(paragraph));
  if (!startsStream(paragraph) || !queried || waits) return [];
  return [
    broken(
      paragraph.where,
      "In a run-all the SQL after it runs before the first batch and shows nothing: wait here until there are rows.",
    ),
  ];
}

function stopEnabled({ paragraphs }: CheckedNote): readonly Found[] {
  return paragraphs
    .filter((paragraph) => paragraph.enabled && stops(paragraph))
    .map(({ where }) =>
      broken(where, "A run-all ends with it and stops the stream at once: set config.enabled to false."),
    );
}

function stops(paragraph: CheckedParagraph): boolean {
  const code = codeOf(paragraph);
  if (languageOf(paragraph.text) === "jupyter") return /^\s*(?:await\s+)?\w+\.stop\(\)\s*;?\s*$/.test(code);
  return isSpark(paragraph) && !startsStream(paragraph) && /streams\.active[\s\S]*\bstop\(|\bquery\.stop\(/.test(code);
}

/** Batches run in a session of their own. */
function batchView(paragraph: CheckedParagraph): readonly Found[] {
  if (!isSpark(paragraph) || !/foreachBatch[\s\S]*createOrReplaceTempView/.test(codeOf(paragraph))) return [];
  return [
    advice(
      paragraph.where,
      "A view made inside foreachBatch is not seen by %spark.sql: make it of the outer session, or a global one.",
    ),
  ];
}
