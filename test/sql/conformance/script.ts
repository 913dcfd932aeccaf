/**
 * The sqllogictest format, read and written: records of lines, separated by blank lines. Documented at
 * https://www.sqlite.org/sqllogictest/doc/trunk/about.wiki and, for rows with tabs, https://duckdb.org/docs/dev/sqllogictest/intro.
 *
 *     statement ok | statement error          SQL on the next lines
 *     query <types> [nosort | rowsort]        SQL, then `----`, then one row a line, values separated by tabs
 *     skipif <engine> | onlyif <engine>       before either
 *
 * Ours beyond the format: `stream <name> [json | text] [keep <rows>]` opens a stream's table, `records <name>
 * [partition <n>]` writes the lines below it as one batch, and `---- a BIGINT<tab>b VARCHAR` also fixes the columns.
 */

export interface SqlRecord {
  readonly kind: "statement" | "query";
  readonly line: number;
  readonly skipIf: string | undefined;
  readonly onlyIf: string | undefined;
  readonly expectsError: boolean;
  readonly types: string;
  readonly sort: "nosort" | "rowsort";
  readonly sql: string;
  /** `name TYPE`, one for each column. */
  readonly columns: readonly string[] | undefined;
  readonly rows: readonly string[];
}

export interface StreamRecord {
  readonly kind: "stream";
  readonly line: number;
  readonly name: string;
  readonly format: "json" | "text";
  readonly keepRows: number;
}

export interface BatchRecord {
  readonly kind: "records";
  readonly line: number;
  readonly name: string;
  readonly partition: number;
  readonly values: readonly string[];
}

export interface CommentRecord {
  readonly kind: "comment";
  readonly line: number;
  readonly lines: readonly string[];
}

export type ScriptRecord = SqlRecord | StreamRecord | BatchRecord | CommentRecord;

export function parseScript(text: string): readonly ScriptRecord[] {
  const records: ScriptRecord[] = [];
  const lines = text.split("\n");
  let start = 0;
  for (let at = 0; at <= lines.length; at++) {
    if (at < lines.length && lines[at] !== "") continue;
    if (at > start) records.push(parseRecord(lines.slice(start, at), start + 1));
    start = at + 1;
  }
  return records;
}

function parseRecord(lines: readonly string[], line: number): ScriptRecord {
  const rest = [...lines];
  if (rest.every((entry) => entry.startsWith("#"))) return { kind: "comment", line, lines: rest };
  let skipIf: string | undefined;
  let onlyIf: string | undefined;
  for (;;) {
    const [word, engine] = rest[0]?.split(" ") ?? [];
    if (word === "skipif") skipIf = engine;
    else if (word === "onlyif") onlyIf = engine;
    else break;
    rest.shift();
  }
  const [head = "", ...body] = rest;
  const [kind, ...words] = head.split(" ");
  switch (kind) {
    case "stream":
      return parseStream(words, line);
    case "records": {
      const partition = words.includes("partition") ? Number(words[words.indexOf("partition") + 1]) : 0;
      return { kind, line, name: words[0] ?? "", partition, values: body };
    }
    case "statement":
      if (words[0] !== "ok" && words[0] !== "error") break;
      return {
        ...sqlRecord(body),
        kind,
        line,
        skipIf,
        onlyIf,
        expectsError: words[0] === "error",
        types: "",
        sort: "nosort",
      };
    case "query": {
      const sort = words[1] === "rowsort" ? "rowsort" : "nosort";
      return { ...sqlRecord(body), kind, line, skipIf, onlyIf, expectsError: false, types: words[0] ?? "", sort };
    }
  }
  throw new Error(`line ${line}: "${head}" is no record of a script`);
}

function parseStream(words: readonly string[], line: number): StreamRecord {
  const keep = words.includes("keep") ? Number(words[words.indexOf("keep") + 1]) : 1_000_000;
  return {
    kind: "stream",
    line,
    name: words[0] ?? "",
    format: words.includes("text") ? "text" : "json",
    keepRows: keep,
  };
}

function sqlRecord(body: readonly string[]): Pick<SqlRecord, "sql" | "columns" | "rows"> {
  const border = body.findIndex((entry) => entry.startsWith("----"));
  if (border < 0) return { sql: body.join("\n"), columns: undefined, rows: [] };
  const header = body[border]?.slice(5) ?? "";
  return {
    sql: body.slice(0, border).join("\n"),
    columns: header === "" ? undefined : header.split("\t"),
    rows: body.slice(border + 1),
  };
}

export function printScript(records: readonly ScriptRecord[]): string {
  return `${records.map((record) => printRecord(record).join("\n")).join("\n\n")}\n`;
}

function printRecord(record: ScriptRecord): readonly string[] {
  switch (record.kind) {
    case "comment":
      return record.lines;
    case "stream": {
      const keep = record.keepRows === 1_000_000 ? "" : ` keep ${record.keepRows}`;
      return [`stream ${record.name}${record.format === "text" ? " text" : ""}${keep}`];
    }
    case "records":
      return [
        `records ${record.name}${record.partition === 0 ? "" : ` partition ${record.partition}`}`,
        ...record.values,
      ];
    default:
      return printSql(record);
  }
}

function printSql(record: SqlRecord): readonly string[] {
  const conditions = [
    ...(record.skipIf === undefined ? [] : [`skipif ${record.skipIf}`]),
    ...(record.onlyIf === undefined ? [] : [`onlyif ${record.onlyIf}`]),
  ];
  if (record.kind === "statement") {
    return [...conditions, `statement ${record.expectsError ? "error" : "ok"}`, record.sql];
  }
  const sort = record.sort === "nosort" ? "" : ` ${record.sort}`;
  const header = record.columns === undefined ? "" : ` ${record.columns.join("\t")}`;
  return [...conditions, `query ${record.types}${sort}`, record.sql, `----${header}`, ...record.rows];
}
