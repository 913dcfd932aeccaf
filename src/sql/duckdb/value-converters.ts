/**
 * What each DuckDB type is on our side, with one converter for each logical type, and the way back for bound values.
 * A logical type without a converter does not compile. Nothing here runs SQL.
 */
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DOUBLE,
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimeNSValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBType,
  DuckDBTypeId,
  DuckDBUnionValue,
  type DuckDBValue,
  DuckDBVariantValue,
  HUGEINT,
  LIST,
  SQLNULL,
  TIMESTAMP,
  VARCHAR,
} from "@duckdb/node-api";
import { TidetableError } from "../../errors.js";
import type { LogicalType, SqlValue } from "../schema.js";

/** The logical type of a DuckDB type. */
export function logicalTypeOf(typeId: DuckDBTypeId): LogicalType {
  switch (typeId) {
    case DuckDBTypeId.BOOLEAN:
      return "boolean";
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.UTINYINT:
    case DuckDBTypeId.USMALLINT:
    case DuckDBTypeId.UINTEGER:
      return "integer";
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UBIGINT:
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UHUGEINT:
    case DuckDBTypeId.BIGNUM:
    case DuckDBTypeId.INTEGER_LITERAL:
      return "bigint";
    case DuckDBTypeId.FLOAT:
    case DuckDBTypeId.DOUBLE:
      return "double";
    case DuckDBTypeId.DECIMAL:
      return "decimal";
    case DuckDBTypeId.BLOB:
      return "blob";
    case DuckDBTypeId.DATE:
      return "date";
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
    case DuckDBTypeId.TIMESTAMP_NS:
    case DuckDBTypeId.TIMESTAMP_TZ:
      return "timestamp";
    case DuckDBTypeId.TIME:
    case DuckDBTypeId.TIME_NS:
      return "time";
    case DuckDBTypeId.INTERVAL:
      return "interval";
    case DuckDBTypeId.LIST:
    case DuckDBTypeId.ARRAY:
    case DuckDBTypeId.STRUCT:
    case DuckDBTypeId.MAP:
    case DuckDBTypeId.UNION:
    case DuckDBTypeId.VARIANT:
      return "nested";
    // These have a text form that says everything.
    case DuckDBTypeId.VARCHAR:
    case DuckDBTypeId.STRING_LITERAL:
    case DuckDBTypeId.ENUM:
    case DuckDBTypeId.UUID:
    case DuckDBTypeId.BIT:
    case DuckDBTypeId.TIME_TZ:
    case DuckDBTypeId.GEOMETRY:
    case DuckDBTypeId.SQLNULL:
    case DuckDBTypeId.ANY:
    case DuckDBTypeId.INVALID:
      return "text";
  }
}

/** One JS representation per logical type, as `schema.ts` describes them. */
export interface LogicalValues {
  boolean: boolean;
  integer: number;
  bigint: bigint;
  double: number;
  decimal: string;
  text: string;
  blob: Uint8Array;
  date: number;
  timestamp: number;
  time: number;
  interval: string;
  nested: unknown;
}

type Converters = { readonly [Type in LogicalType]: (value: Exclude<DuckDBValue, null>) => LogicalValues[Type] };

/** From a value as DuckDB's client reads it to the logical type's own representation. */
export const converters: Converters = {
  boolean: (value) => value === true,
  integer: Number,
  bigint: (value) => (typeof value === "bigint" ? value : BigInt(String(value))),
  double: Number,
  decimal: String,
  text: String,
  blob: (value) => (value instanceof DuckDBBlobValue ? Uint8Array.from(value.bytes) : Buffer.from(String(value))),
  date: (value) => (value instanceof DuckDBDateValue ? dateMs(value) : Number.NaN),
  timestamp: instantMs,
  time: (value) => {
    if (value instanceof DuckDBTimeValue) return Number(value.micros);
    return value instanceof DuckDBTimeNSValue ? Number(value.nanos) / 1000 : Number.NaN;
  },
  interval: String,
  nested: plainValue,
};

function dateMs(value: DuckDBDateValue): number {
  if (value.isFinite) return value.days * 86_400_000;
  return value.days > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
}

/** Microseconds since the epoch as milliseconds; DuckDB spells infinity as the ends of the range. */
export function microsToMs(micros: bigint): number {
  if (micros === DuckDBTimestampValue.PosInf.micros) return Number.POSITIVE_INFINITY;
  if (micros === DuckDBTimestampValue.NegInf.micros) return Number.NEGATIVE_INFINITY;
  return Number(micros) / 1000;
}

function instantMs(value: Exclude<DuckDBValue, null>): number {
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue) return microsToMs(value.micros);
  if (value instanceof DuckDBTimestampMillisecondsValue) return Number(value.millis);
  if (value instanceof DuckDBTimestampSecondsValue) return Number(value.seconds) * 1000;
  if (value instanceof DuckDBTimestampNanosecondsValue) return Number(value.nanos) / 1_000_000;
  return Number.NaN;
}

/** Nested values as plain arrays and objects without a prototype; maps with text keys as objects, others as pairs. */
function plainValue(value: DuckDBValue): unknown {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(plainValue);
  if (value instanceof DuckDBStructValue) return plainObject(Object.entries(value.entries));
  if (value instanceof DuckDBMapValue) {
    const { entries } = value;
    if (!entries.every((entry) => typeof entry.key === "string")) {
      return entries.map((entry) => [plainValue(entry.key), plainValue(entry.value)]);
    }
    return plainObject(entries.map((entry) => [String(entry.key), entry.value]));
  }
  if (value instanceof DuckDBUnionValue || value instanceof DuckDBVariantValue) return plainValue(value.value);
  if (value instanceof DuckDBBlobValue) return converters.blob(value);
  return String(value);
}

function plainObject(entries: ReadonlyArray<readonly [string, DuckDBValue]>): object {
  const object: Record<string, unknown> = Object.create(null);
  for (const [name, value] of entries) object[name] = plainValue(value);
  return object;
}

export interface BoundValue {
  readonly value: DuckDBValue;
  readonly type: DuckDBType;
}

const BIGINT_LIMIT = 2n ** 63n;
const HUGEINT_LIMIT = 2n ** 127n;

/**
 * A value for a `?` placeholder.
 * @throws TidetableError SQL_INVALID for what SQL has no exact value for.
 */
export function toBoundValue(value: SqlValue, position: number): BoundValue {
  if (value === null) return { value: null, type: SQLNULL };
  switch (typeof value) {
    case "boolean":
      return { value, type: BOOLEAN };
    case "string":
      return { value: value.toWellFormed(), type: VARCHAR };
    case "bigint":
      return boundInteger(value, position);
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0)
        ? { value: BigInt(value), type: BIGINT }
        : { value, type: DOUBLE };
    default:
      return boundObject(value, position);
  }
}

function boundInteger(value: bigint, position: number): BoundValue {
  if (value >= -BIGINT_LIMIT && value < BIGINT_LIMIT) return { value, type: BIGINT };
  if (value > -HUGEINT_LIMIT && value < HUGEINT_LIMIT) return { value, type: HUGEINT };
  throw new TidetableError("SQL_INVALID", `value ${position} is ${value}, beyond 128 bits; bind it as text instead.`);
}

function boundObject(value: Date | Uint8Array | readonly SqlValue[], position: number): BoundValue {
  if (value instanceof Date) {
    const ms = value.getTime();
    if (Number.isNaN(ms)) throw new TidetableError("SQL_INVALID", `value ${position} is an invalid Date.`);
    return { value: new DuckDBTimestampValue(BigInt(ms) * 1000n), type: TIMESTAMP };
  }
  if (value instanceof Uint8Array) return { value: new DuckDBBlobValue(value), type: BLOB };
  return boundList(value, position);
}

function boundList(values: readonly SqlValue[], position: number): BoundValue {
  const items = values.map((item) => toBoundValue(item, position));
  const present = items.filter((item) => item.type !== SQLNULL);
  const type = present.reduce<DuckDBType>((common, item) => commonType(common, item.type, position), SQLNULL);
  return { value: new DuckDBListValue(items.map((item) => inType(item, type))), type: LIST(type) };
}

/** Mixed integers and fractions become DOUBLE, as in a JavaScript array; other mixtures have no common meaning. */
function commonType(first: DuckDBType, second: DuckDBType, position: number): DuckDBType {
  if (first === SQLNULL || String(first) === String(second)) return second;
  const types = [first, second];
  if (types.includes(DOUBLE) && types.includes(BIGINT)) return DOUBLE;
  if (types.includes(HUGEINT) && types.includes(BIGINT)) return HUGEINT;
  throw new TidetableError(
    "SQL_INVALID",
    `value ${position} is an array that mixes ${first} and ${second}; give all items one type.`,
  );
}

function inType(item: BoundValue, type: DuckDBType): DuckDBValue {
  return type === DOUBLE && typeof item.value === "bigint" ? Number(item.value) : item.value;
}
