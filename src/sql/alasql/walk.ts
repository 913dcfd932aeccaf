/** What an expression of the tree holds. Pure. */
import { isAggregate } from "./binder.js";
import type { Expression } from "./syntax.js";

export function isQuery(expression: Expression): boolean {
  const { kind } = expression;
  return kind === "scalarQuery" || kind === "exists" || (kind === "in" && "kind" in expression.items);
}

export function holdsColumn(expression: Expression): boolean {
  return expression.kind === "column" || isQuery(expression) || partsOf(expression).some(holdsColumn);
}

export function holdsQuery(expression: Expression): boolean {
  return isQuery(expression) || partsOf(expression).some(holdsQuery);
}

export function holdsAggregate(expression: Expression): boolean {
  return (
    partsOf(expression).some((part) => (part.kind === "call" && isAggregate(part)) || holdsAggregate(part)) ||
    (expression.kind === "call" && isAggregate(expression))
  );
}

function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "literal":
    case "parameter":
    case "column":
    case "scalarQuery":
    case "exists":
      return [];
    case "unary":
    case "is":
    case "cast":
      return [expression.operand];
    case "binary":
      return [expression.left, expression.right];
    case "between":
      return [expression.operand, expression.low, expression.high];
    case "in":
      return "kind" in expression.items ? [expression.operand] : [expression.operand, ...expression.items];
    case "case": {
      const branches = expression.branches.flatMap(({ when, result }) => [when, result]);
      return [expression.operand, ...branches, expression.otherwise].filter((part) => part !== undefined);
    }
    case "call": {
      const over = expression.over;
      const windows = over === undefined ? [] : [...over.partition, ...over.order.map((item) => item.expression)];
      return [...expression.parameters, ...(expression.filter === undefined ? [] : [expression.filter]), ...windows];
    }
  }
}
