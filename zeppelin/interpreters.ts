/** What the interpreters of Zeppelin are to the converter and to the checks. Facts only. Pure. */
import { type ParagraphText, splitParagraphText } from "./paragraph-text.js";

export type Language = "markdown" | "sql" | "jupyter" | "python" | "r" | "scala" | "conf" | "other" | "default";

const sqlNames =
  /^(sql|spark\.sql|jdbc(\..+)?|hive(\..+)?|psql(\..+)?|postgresql|mysql(\..+)?|phoenix(\..+)?|ksql|flink\.(b|s)?sql|influxdb|ignite\.ignitesql|presto|trino|duckdb)$/;

export function languageOf(text: ParagraphText): Language {
  const name = text.interpreter;
  if (name === undefined) return "default";
  if (/^md(\..+)?$/.test(name)) return "markdown";
  if (sqlNames.test(name)) return "sql";
  if (name === "jupyter" || name.startsWith("jupyter.")) return "jupyter";
  if (/^(python(\.(python|ipython))?|ipython)$/.test(name)) return "python";
  if (/^(r|ir)(\.(r|ir|shiny))?$/.test(name)) return "r";
  if (/^(spark(\.spark)?|flink(\.flink)?)$/.test(name)) return "scala";
  if (/\.conf$/.test(name)) return "conf";
  return "other";
}

/** The interpreters for which the server itself replaces `${name=default}` before the text runs. */
export function hasSimpleForms(text: ParagraphText): boolean {
  const form = text.properties.form?.toLowerCase();
  if (form !== undefined) return form === "simple";
  const language = languageOf(text);
  return language === "sql" || language === "markdown" || /^(sh|angular|html)(\..+)?$/.test(text.interpreter ?? "");
}

/** The kernel that a Jupyter front-end would run this paragraph in; undefined where there is none. */
export function kernelOf(text: ParagraphText): string | undefined {
  switch (languageOf(text)) {
    case "jupyter":
      return text.properties.kernel ?? text.interpreter?.split(".")[1];
    case "python":
      return "python3";
    case "r":
      return "ir";
    default:
      return undefined;
  }
}

/** One notebook has one kernel: that of the first paragraph that names one. SQL alone runs in ours. */
export function notebookKernel(texts: readonly string[]): string {
  for (const text of texts) {
    const kernel = kernelOf(splitParagraphText(text));
    if (kernel !== undefined && kernel !== "") return kernel;
  }
  return "tidetable";
}

/** Interpreters that left Zeppelin, by the first release without them. */
export const goneInterpreters: Readonly<Record<string, { since: string; instead: string }>> = {
  dep: { since: "0.9", instead: "put spark.jars.packages into a %spark.conf paragraph" },
  "spark.dep": { since: "0.9", instead: "put spark.jars.packages into a %spark.conf paragraph" },
  ksql: { since: "0.11", instead: "use %spark.sql on a streaming table, or %jupyter(kernel=tidetable)" },
  pig: { since: "0.11", instead: "use %spark" },
  ignite: { since: "0.11", instead: "use %jdbc" },
  scio: { since: "0.10", instead: "use %spark" },
  beam: { since: "0.12", instead: "use %spark" },
  hive: { since: "0.7", instead: "use %jdbc(hive)" },
  psql: { since: "0.7", instead: "use %jdbc" },
  tajo: { since: "0.7", instead: "use %jdbc" },
};
