/** Values of a result as text, the same as in the tables that the kernel writes. Pure. */
import type { ResultValue } from "../../sql/result-json.js";
import type { LogicalType } from "../../sql/schema.js";
import { cellText } from "../../sql/table-values.js";

/** Null is marked as in plain text tables. */
export function valueText(type: LogicalType, value: ResultValue): string {
  if (value === null) return "null";
  // What the kernel has written as text stays as it is.
  if (typeof value === "string") return value;
  return cellText({ name: "", type, sqlType: "", data: { kind: "values", values: [value] } }, 0) ?? "null";
}
