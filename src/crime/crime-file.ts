/**
 * The portal's CSV, read row by row: the whole data set has eight million rows. Owns how a file is told to be none of the
 * portal's; what a row is, crime.ts says.
 */
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { parse } from "csv-parse";
import { errorMessage, TidetableError } from "../errors.js";
import { type Crime, type PortalRow, readCrime, requiredColumns } from "./crime.js";

/** The file's rows, each a crime or why it is none, in their order. @throws TidetableError CONFIG_INVALID. */
export async function* readCrimes(path: string): AsyncGenerator<Crime | { readonly refused: string }> {
  const rows = parse({ bom: true, columns: (header: readonly string[]) => checkedHeader(path, header) });
  // Whatever fails ends the rows, and so whoever reads them hears of it; after `pipe` nobody would, and the process ends.
  pipeline(createReadStream(path), rows, () => undefined);
  try {
    for await (const row of rows) yield readCrime(row as PortalRow);
  } catch (error) {
    if (error instanceof TidetableError) throw error;
    throw new TidetableError("CONFIG_INVALID", `${path} cannot be read as CSV: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

function checkedHeader(path: string, header: readonly string[]): string[] {
  const missing = requiredColumns.filter((column) => !header.includes(column));
  if (missing.length === 0) return [...header];
  throw new TidetableError(
    "CONFIG_INVALID",
    `${path} has no column ${missing.map((column) => `"${column}"`).join(", ")}. Its first row names its columns, as in the export of "Crimes - 2001 to Present" from data.cityofchicago.org.`,
  );
}
