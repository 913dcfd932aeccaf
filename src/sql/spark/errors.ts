/** Spark's errors in a notebook's words: the sentence, the place in the text, the nearest name. Pure. */
import { TidetableError } from "../../errors.js";
import { probablyMeant } from "../identifiers.js";
import { SparkError } from "../spark-connect/errors.js";

/** What the message says of the text that was run is said as it is; names are those that the notebook knows. */
export function toNotebookError(error: unknown, server: string, names: readonly string[]): unknown {
  if (!(error instanceof SparkError) || (error.code !== "SQL_INVALID" && error.code !== "SQL_FAILED")) return error;
  const hint = hintFor(error, names);
  // What follows the sentence about a table tells how to set Spark up otherwise.
  const said = error.errorClass === "TABLE_OR_VIEW_NOT_FOUND" ? error.message.split(". ", 1)[0] : error.message;
  const message = `${said}${hint === undefined ? "" : `\n${hint}`}`;
  const engine = isOfTheDialect(error)
    ? `\nThis notebook runs on Spark (${server}), whose SQL differs from DuckDB's in places: docs/engines.md lists them.`
    : "";
  return new TidetableError(error.code, `${message}${engine}`, { cause: error });
}

function hintFor(error: SparkError, names: readonly string[]): string | undefined {
  if (error.errorClass !== "TABLE_OR_VIEW_NOT_FOUND") return undefined;
  const wanted = error.messageParameters.relationName?.replaceAll("`", "");
  if (wanted === undefined) return undefined;
  const meant = probablyMeant(wanted, names);
  if (meant !== undefined) return `Did you mean "${meant}"?`;
  return names.length === 0 ? "No table is there yet; open one with: await stream(…)." : `Tables: ${names.join(", ")}.`;
}

/** What another engine would have taken, as likely as not. */
function isOfTheDialect({ errorClass = "" }: SparkError): boolean {
  return /^(PARSE_|UNRESOLVED_ROUTINE|WRONG_NUM_ARGS|UNSUPPORTED_|DATATYPE_MISSING_SIZE|NON_TIME_WINDOW)/.test(
    errorClass,
  );
}
