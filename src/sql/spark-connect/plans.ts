/** Plans as messages: SQL with values bound into it, tables, streams' sources, views. Shapes only; nothing is sent here. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { TidetableError } from "../../errors.js";
import type { SqlValue } from "../schema.js";
import { tokenizeSql } from "../sql-text.js";
import type {
  CommandSchema,
  DataTypeSchema,
  Expression_LiteralSchema,
  PlanSchema,
  RelationSchema,
} from "./connect_pb.js";

export type Relation = MessageInitShape<typeof RelationSchema>;
export type Command = MessageInitShape<typeof CommandSchema>;
export type Plan = MessageInitShape<typeof PlanSchema>;
type Literal = MessageInitShape<typeof Expression_LiteralSchema>;
type Type = MessageInitShape<typeof DataTypeSchema>;

/** Bound to `?` in order, or to `:name`. */
export type SqlArguments = readonly SqlValue[] | Readonly<Record<string, SqlValue>>;

export function sqlRelation(query: string, values: SqlArguments = []): Relation {
  const named = isList(values) ? byPlace(query, values) : { query, values: Object.entries(values) };
  const namedArguments = Object.fromEntries(
    named.values.map(([name, value], index) => [
      name,
      expression(value, isList(values) ? `value ${index + 1}` : `:${name}`),
    ]),
  );
  return { relType: { case: "sql", value: { query: named.query, namedArguments } } };
}

/**
 * Each `?` gets a name. Spark 4.1.1 binds values by place in another order than they stand once there are five of them,
 * and says nothing (seen in test/spark/client-tests.ts).
 */
function byPlace(
  query: string,
  values: readonly SqlValue[],
): { readonly query: string; readonly values: ReadonlyArray<readonly [string, SqlValue]> } {
  let used = 0;
  let inBackQuotes = false;
  const texts = tokenizeSql(query).map(({ kind, text }) => {
    if (kind !== "symbol") return text;
    if (text === "`") inBackQuotes = !inBackQuotes;
    return text === "?" && !inBackQuotes && used < values.length ? `:_value_${used++}` : text;
  });
  return { query: texts.join(""), values: values.slice(0, used).map((value, index) => [`_value_${index}`, value]) };
}

export function tableRelation(name: string): Relation {
  const table = { unparsedIdentifier: name };
  return { relType: { case: "read", value: { readType: { case: "namedTable", value: table } } } };
}

/** A source such as `kafka`, read once or as a stream. */
export function sourceRelation(source: {
  readonly format: string;
  readonly options: Readonly<Record<string, string>>;
  readonly schema?: string;
  readonly paths?: readonly string[];
  readonly streaming: boolean;
}): Relation {
  const { format, options, schema, paths = [], streaming } = source;
  const dataSource = {
    format,
    options: { ...options },
    paths: [...paths],
    ...(schema === undefined ? {} : { schema }),
  };
  return {
    relType: { case: "read", value: { readType: { case: "dataSource", value: dataSource }, isStreaming: streaming } },
  };
}

/** Rows that travel with the plan, as one Arrow stream. */
export function localRelation(data: Uint8Array, schema: string): Relation {
  return { relType: { case: "localRelation", value: { data, schema } } };
}

/** The same rows, counted on their way: the figures come with a stream's progress under `name`. */
export function countedRelation(input: Relation, name: string, metrics: readonly string[]): Relation {
  return {
    relType: {
      case: "collectMetrics",
      value: {
        input,
        name,
        metrics: metrics.map((text) => ({ exprType: { case: "expressionString", value: { expression: text } } })),
      },
    },
  };
}

export function rootPlan(relation: Relation): Plan {
  return { opType: { case: "root", value: relation } };
}

export function commandPlan(command: Command): Plan {
  return { opType: { case: "command", value: command } };
}

export function viewCommand(name: string, input: Relation, options: { readonly global?: boolean } = {}): Command {
  return {
    commandType: {
      case: "createDataframeView",
      value: { input, name, isGlobal: options.global ?? false, replace: true },
    },
  };
}

function isList(values: SqlArguments): values is readonly SqlValue[] {
  return Array.isArray(values);
}

function expression(value: SqlValue, label: string) {
  return { exprType: { case: "literal" as const, value: literal(value, label) } };
}

const EMPTY = {};

/** @throws TidetableError SQL_INVALID for what Spark has no exact value for. */
export function literal(value: SqlValue, label: string): Literal {
  if (value === null) return { literalType: { case: "null", value: { kind: { case: "null", value: EMPTY } } } };
  switch (typeof value) {
    case "boolean":
      return { literalType: { case: "boolean", value } };
    case "string":
      return { literalType: { case: "string", value: value.toWellFormed() } };
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0)
        ? { literalType: { case: "long", value: BigInt(value) } }
        : { literalType: { case: "double", value } };
    case "bigint":
      return bigintLiteral(value, label);
    default:
      if (value instanceof Date) return dateLiteral(value, label);
      if (value instanceof Uint8Array) return { literalType: { case: "binary", value } };
      return arrayLiteral(value, label);
  }
}

const LONG_LIMIT = 2n ** 63n;
const DECIMAL_DIGITS_MAX = 38;

function bigintLiteral(value: bigint, label: string): Literal {
  if (value >= -LONG_LIMIT && value < LONG_LIMIT) return { literalType: { case: "long", value } };
  const digits = String(value < 0n ? -value : value).length;
  if (digits > DECIMAL_DIGITS_MAX)
    throw invalid(`${label} is ${value}, beyond Spark's 38 digits; bind it as text instead.`);
  return { literalType: { case: "decimal", value: { value: String(value), precision: digits, scale: 0 } } };
}

/** Without time zone, as DuckDB binds a Date: the same instant in UTC. */
function dateLiteral(value: Date, label: string): Literal {
  const ms = value.getTime();
  if (Number.isNaN(ms)) throw invalid(`${label} is an invalid Date.`);
  return { literalType: { case: "timestamp", value: BigInt(ms) * 1000n } };
}

function arrayLiteral(values: readonly SqlValue[], label: string): Literal {
  const isFractional = values.some((value) => typeof value === "number" && !Number.isSafeInteger(value));
  const elements = values.map((value) =>
    isFractional && typeof value === "number"
      ? ({ literalType: { case: "double", value } } as Literal)
      : literal(value, label),
  );
  const cases = new Set(elements.map((element) => element.literalType?.case).filter((name) => name !== "null"));
  if (cases.size > 1)
    throw invalid(`${label} is an array that mixes ${[...cases].join(" and ")}; give all items one type.`);
  const [only = "null"] = cases;
  return { literalType: { case: "array", value: { elementType: typeNamed(only, label), elements } } };
}

function typeNamed(name: string, label: string): Type {
  switch (name) {
    case "null":
    case "boolean":
    case "string":
    case "long":
    case "double":
    case "binary":
    case "timestamp":
      return { kind: { case: name, value: EMPTY } };
    case "decimal":
      return { kind: { case: "decimal", value: { precision: DECIMAL_DIGITS_MAX, scale: 0 } } };
    default:
      throw invalid(`${label} is an array of ${name}; bind its items one by one.`);
  }
}

function invalid(message: string): TidetableError {
  return new TidetableError("SQL_INVALID", message);
}
