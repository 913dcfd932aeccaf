/** The syntax tree that the AlaSQL engine evaluates: the allow-list as types. What cannot be written here does not run. */
import type { SqlType, Value } from "./types.js";

export type BinaryOperator =
  | "OR"
  | "AND"
  | "="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "IS DISTINCT FROM"
  | "IS NOT DISTINCT FROM"
  | "LIKE"
  | "NOT LIKE"
  | "ILIKE"
  | "NOT ILIKE"
  | "||"
  | "+"
  | "-"
  | "*"
  | "/"
  | "//"
  | "%";

export type Expression =
  | Literal
  | { readonly kind: "parameter"; readonly index: number }
  | ColumnReference
  | { readonly kind: "unary"; readonly operator: "-" | "+" | "NOT"; readonly operand: Expression }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: "is";
      readonly negated: boolean;
      readonly what: "NULL" | "TRUE" | "FALSE";
      readonly operand: Expression;
    }
  | {
      readonly kind: "between";
      readonly negated: boolean;
      readonly operand: Expression;
      readonly low: Expression;
      readonly high: Expression;
    }
  | {
      readonly kind: "in";
      readonly negated: boolean;
      readonly operand: Expression;
      readonly items: readonly Expression[] | Query;
    }
  | {
      readonly kind: "case";
      readonly operand: Expression | undefined;
      readonly branches: ReadonlyArray<{ readonly when: Expression; readonly result: Expression }>;
      readonly otherwise: Expression | undefined;
    }
  | { readonly kind: "cast"; readonly operand: Expression; readonly type: SqlType; readonly tolerant: boolean }
  | Call
  | { readonly kind: "scalarQuery"; readonly query: Query }
  | { readonly kind: "exists"; readonly query: Query };

export interface Literal {
  readonly kind: "literal";
  readonly value: Value;
  readonly type: SqlType;
  /** As DuckDB names a column that holds it; undefined: it has to be given a name. */
  readonly shown: string | undefined;
  /** Text takes the type of what it is compared with. */
  readonly isText: boolean;
}

export interface ColumnReference {
  readonly kind: "column";
  readonly table: string | undefined;
  readonly name: string;
}

export interface Call {
  readonly kind: "call";
  /** In small letters. */
  readonly name: string;
  readonly parameters: readonly Expression[];
  /** `count(*)`. */
  readonly star: boolean;
  readonly distinct: boolean;
  readonly filter: Expression | undefined;
  readonly over: Over | undefined;
}

export interface Over {
  readonly partition: readonly Expression[];
  readonly order: readonly OrderItem[];
}

export interface OrderItem {
  readonly expression: Expression;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export interface SelectItem {
  readonly expression: Expression | { readonly kind: "star"; readonly table: string | undefined };
  readonly alias: string | undefined;
}

export type TableReference =
  | { readonly kind: "table"; readonly name: string; readonly alias: string | undefined }
  | { readonly kind: "query"; readonly query: Query; readonly alias: string | undefined };

export interface Join {
  readonly mode: "INNER" | "LEFT" | "RIGHT" | "FULL" | "CROSS";
  readonly table: TableReference;
  readonly on: Expression | undefined;
  readonly using: readonly string[];
}

export interface Select {
  readonly kind: "select";
  readonly distinct: boolean;
  readonly items: readonly SelectItem[];
  readonly from: readonly TableReference[];
  readonly joins: readonly Join[];
  readonly where: Expression | undefined;
  /** Absent: no GROUP BY. `ALL`: every selected expression without an aggregate. */
  readonly group: readonly Expression[] | "ALL" | undefined;
  readonly having: Expression | undefined;
}

export interface SetOperation {
  readonly kind: "set";
  readonly operator: "UNION" | "UNION ALL" | "EXCEPT" | "INTERSECT";
  readonly left: QueryBody;
  readonly right: QueryBody;
}

export type QueryBody = Select | SetOperation;

export interface CommonTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly query: Query;
}

export interface Query {
  readonly kind: "query";
  readonly withs: readonly CommonTable[];
  readonly body: QueryBody;
  readonly order: readonly OrderItem[];
  readonly limit: Expression | undefined;
  readonly offset: Expression | undefined;
}
