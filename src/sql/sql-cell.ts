/**
 * The `%%sql` cell: options, values bound, statements run in order, and what is shown of each: a chart, a table, a named
 * result. Knows the engine by its port and the notebook by its cell; the pure parts stand in their own files.
 */
import type { CellMagic, CellOutput, MagicCell, MimeBundle } from "../cell-output.js";
import { chartBundle } from "../charts/mime-bundle.js";
import { drawChart } from "../charts/vega-lite.js";
import type { EngineClient } from "../engine/engine-client.js";
import { errorMessage, TidetableError } from "../errors.js";
import { completeSql } from "./complete.js";
import { ResultRows } from "./result-rows.js";
import { rowTypeText } from "./row-type.js";
import type { QueryResult, SqlValue } from "./schema.js";
import { cellChart } from "./sql-cell-chart.js";
import { runLiveStatement } from "./sql-cell-live.js";
import { parseSqlCellOptions, type SqlCellOptions } from "./sql-cell-options.js";
import { StatementProgress } from "./sql-cell-progress.js";
import { type BoundStatement, readStatements, type SqlStatement, tokenizeSql } from "./sql-text.js";
import { toSqlValue } from "./sql-value.js";
import { tableBundle } from "./table-bundle.js";

export interface SqlCellContext {
  readonly engine: () => EngineClient;
  readonly insideZeppelin: boolean;
  readonly catalog: Parameters<typeof completeSql>[2];
}

/** Rows carried from the engine where no limit is given: enough for any chart, cheap as columns. */
const rowLimitShown = 2000;
const rowLimitNamed = 10_000;

export function sqlMagic(context: SqlCellContext): CellMagic {
  return {
    name: "sql",
    summary: "runs SQL over the stream tables: %%sql [name] [--live] [--chart mark] [--every 1s] [--limit n]",
    run: (argumentLine, body, cell) => runSqlCell(context, argumentLine, body, cell),
    complete: (body, cursor) => completeSql(body, cursor, context.catalog),
  };
}

async function runSqlCell(context: SqlCellContext, argumentLine: string, body: string, cell: MagicCell): Promise<void> {
  const options = parseSqlCellOptions(argumentLine);
  const statements = readStatements(`${options.sqlOnFirstLine}\n${body}`);
  const last = statements.at(-1);
  if (last === undefined) {
    throw new TidetableError("SQL_INVALID", "the cell holds no SQL. Write a statement below its first line.");
  }
  if (options.name !== undefined) refuseOwnName(options.name, last);
  for (const statement of statements.slice(0, -1)) {
    const { result, show } = await runStatement(context, options, await bind(statement, cell), rowLimitShown, cell);
    show([tableOf(context, result, {})]);
  }
  const bound = await bind(last, cell);
  if (options.live) return runLive(context, options, bound, cell);
  const rowLimit = options.limit ?? (options.name === undefined ? rowLimitShown : rowLimitNamed);
  const { result, show } = await runStatement(context, options, bound, rowLimit, cell);
  show(resultBundles(context, result, options));
  if (options.name !== undefined) await leaveNamed(context, options.name, bound, new ResultRows(result), cell);
}

/** A named live result is a variable that always holds the newest version. */
async function runLive(
  context: SqlCellContext,
  options: SqlCellOptions,
  bound: BoundStatement,
  cell: MagicCell,
): Promise<void> {
  const { insideZeppelin } = context;
  const rowLimit = options.limit ?? rowLimitShown;
  let rows: ResultRows | undefined;
  await runLiveStatement({ engine: context.engine(), insideZeppelin, options, bound, rowLimit, cell }, (result) => {
    if (rows === undefined) rows = new ResultRows(result);
    else rows.replace(result);
  });
  if (options.name !== undefined && rows !== undefined) await leaveNamed(context, options.name, bound, rows, cell);
}

async function bind(statement: SqlStatement, cell: MagicCell): Promise<BoundStatement> {
  const parameters: SqlValue[] = [];
  for (const expression of statement.expressions) {
    const label = `\${${expression}}`;
    parameters.push(toSqlValue(await evaluate(expression, label, cell), label));
  }
  return { text: statement.text, parameters };
}

async function evaluate(expression: string, label: string, cell: MagicCell): Promise<unknown> {
  try {
    return await cell.evaluate(expression);
  } catch (error) {
    throw new TidetableError("SQL_INVALID", `${label}: ${errorMessage(error)}`, { cause: error });
  }
}

interface Answered {
  readonly result: QueryResult;
  /** Puts the outputs of the result below the cell, the first one where the progress stood. */
  readonly show: (bundles: readonly MimeBundle[]) => void;
}

async function runStatement(
  context: SqlCellContext,
  { engine }: SqlCellOptions,
  { text, parameters }: BoundStatement,
  rowLimit: number,
  cell: CellOutput,
): Promise<Answered> {
  // Zeppelin appends what is updated.
  const progress = context.insideZeppelin ? undefined : new StatementProgress(cell);
  try {
    const result = await context.engine().query(text, {
      parameters,
      rowLimit,
      signal: cell.signal,
      ...(engine === undefined ? {} : { engine }),
      ...(progress === undefined ? {} : { onProgress: (made) => progress.update(made) }),
    });
    return { result, show: (bundles) => showAll(bundles, cell, progress) };
  } catch (error) {
    progress?.stopped();
    throw error;
  }
}

function showAll(bundles: readonly MimeBundle[], cell: CellOutput, progress: StatementProgress | undefined): void {
  for (const [index, bundle] of bundles.entries()) {
    if (index === 0 && progress !== undefined) progress.answer(bundle);
    else cell.display(bundle);
  }
}

function resultBundles(context: SqlCellContext, result: QueryResult, options: SqlCellOptions): readonly MimeBundle[] {
  const chart = context.insideZeppelin ? undefined : cellChart(result, options);
  const drawn = chart === undefined ? undefined : drawChart(result, chart);
  const cut = drawn?.cut === undefined ? {} : { remark: drawn.cut };
  const table = tableOf(context, result, { ...limited(options), ...cut });
  // The chart answers at a glance, so it comes first; the table below it is for reading.
  return drawn === undefined ? [table] : [chartBundle(drawn), table];
}

function tableOf(
  context: SqlCellContext,
  result: QueryResult,
  options: { readonly shownRowsMax?: number; readonly remark?: string },
): MimeBundle {
  return tableBundle(result, { insideZeppelin: context.insideZeppelin, ...options });
}

function limited(options: SqlCellOptions): { readonly shownRowsMax?: number } {
  return options.limit === undefined ? {} : { shownRowsMax: options.limit };
}

/**
 * The result stays in a variable with typed rows. The query stays as a view, which reads its tables anew each time; one
 * with values bound into it stays as a table of its rows.
 */
async function leaveNamed(
  context: SqlCellContext,
  name: string,
  bound: BoundStatement,
  rows: ResultRows,
  cell: MagicCell,
): Promise<void> {
  cell.define(name, rows, `import("tidetable").QueryRows<${rowTypeText(rows.result)}>`);
  await context.engine().createView(name, bound.text, bound.parameters);
}

/** A view that reads itself could never run; the engine would say so only at its next use. */
function refuseOwnName(name: string, statement: SqlStatement): void {
  const code = tokenizeSql(statement.text).filter((token) => token.kind !== "space" && token.kind !== "comment");
  const readsItself = code.some((token, index) => {
    const before = code[index - 1]?.text.toLowerCase();
    const table = token.kind === "quoted" ? token.text.slice(1, -1) : token.text;
    return (before === "from" || before === "join") && table.toLowerCase() === name.toLowerCase();
  });
  if (readsItself) {
    throw new TidetableError(
      "SQL_INVALID",
      `the query reads ${name}, the name it is to leave its result in. Take another name.`,
    );
  }
}
