/** What the values of a stream's records may be. decoder.ts reads them; this file is the names alone. */

export interface CsvOptions {
  /** One character; default ",". */
  readonly delimiter?: string;
}

export type RecordFormat = "json" | "text" | "raw" | "csv" | { readonly csv: CsvOptions };
