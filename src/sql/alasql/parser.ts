/**
 * The one file that knows AlaSQL: its parser reads the translated text, and its tree is copied into ours (alasql/syntax.ts),
 * form by form. A form is known by exactly its fields; whatever is not known is refused. Nothing else of AlaSQL is ever
 * called: its executor builds programs from text, reads files and answers otherwise than DuckDB.
 */
import alasql from "alasql";
import { errorMessage } from "../../errors.js";
import { borrowedOperators, type Placeholder, type Translation, translate } from "./dialect.js";
import { booleanLiteral, nullLiteral } from "./literals.js";
import { bindOperators, type Item } from "./precedence.js";
import type {
  Call,
  CommonTable,
  Expression,
  Join,
  OrderItem,
  Over,
  Query,
  QueryBody,
  Select,
  SelectItem,
  TableReference,
} from "./syntax.js";
import { asArray, binaryOperators, fieldsOf, hasExactly, isNode, joinModes, type Node, setOperators } from "./tree.js";
import { invalidSql, notInEngine } from "./types.js";

export interface ParsedQuery {
  readonly query: Query;
  readonly parameterCount: number;
}

/** @throws TidetableError SQL_INVALID naming what is not in this engine, or where the text cannot be read. */
export function parseQuery(text: string): ParsedQuery {
  const translation = translate(text);
  const statements = parseTranslated(translation);
  try {
    const query = new TreeReader(translation).query(statements);
    return { query, parameterCount: translation.parameterCount };
  } catch (error) {
    if (error instanceof RangeError) throw notInEngine("A statement nested this deep");
    throw error;
  }
}

/** The version of the parser, for the status. */
export function parserVersion(): string {
  // The library's declarations leave it out.
  return String((alasql as unknown as { readonly version?: unknown }).version);
}

function parseTranslated(translation: Translation): unknown {
  let tree: unknown;
  try {
    tree = alasql.parse(translation.text);
  } catch (error) {
    throw unreadable(translation, errorMessage(error));
  }
  const statements = isNode(tree) ? tree.statements : undefined;
  if (!Array.isArray(statements) || statements.length !== 1) throw notInEngine("A text of several statements");
  return statements[0];
}

/** AlaSQL shows the place in the translated text; the token that stood there is what the user knows. */
function unreadable(translation: Translation, message: string): Error {
  const [, excerptLine = "", caretLine = ""] = message.split("\n");
  const caret = caretLine.indexOf("^");
  const cut = excerptLine.startsWith("...") ? 3 : 0;
  const excerpt = excerptLine.slice(cut).replace(/\.\.\.$/, "");
  const at = translation.text.indexOf(excerpt);
  const unique = at >= 0 && at === translation.text.lastIndexOf(excerpt) && caret >= 0;
  const token = unique ? translation.tokenAt(at + caret - cut) : undefined;
  const where = token === undefined || /got 'EOF'/.test(message) ? "at its end" : `at or near "${token.text}"`;
  return invalidSql(
    `The AlaSQL engine cannot read this statement ${where}. It reads plain SELECTs; for all of DuckDB's SQL run it with --engine duckdb.`,
  );
}

const selectFields = new Set(
  "columns distinct from joins where group having order limit offset union unionall except intersect".split(" "),
);

class TreeReader {
  readonly #translation: Translation;

  constructor(translation: Translation) {
    this.#translation = translation;
  }

  query(node: unknown): Query {
    const withs = isNode(node) && Array.isArray(node.withs) ? node.withs : [];
    if (withs.length > 0) {
      const { select } = node as Node;
      return { ...this.#selectQuery(select), withs: withs.map((entry) => this.#commonTable(entry)) };
    }
    return this.#selectQuery(node);
  }

  #commonTable(node: unknown): CommonTable {
    if (!isNode(node)) throw unknownForm();
    const columns = Array.isArray(node.columns) ? node.columns : [];
    return {
      name: this.#nameOf(node.name),
      columns: columns.map((column) => this.#nameOf(isNode(column) ? column.columnid : undefined)),
      query: this.#selectQuery(node.select),
    };
  }

  /** ORDER BY and LIMIT of a set operation stand at its first SELECT; those of the others would need parentheses. */
  #selectQuery(node: unknown): Query {
    const select = this.#selectNode(node);
    return {
      kind: "query",
      withs: [],
      body: this.#body(select),
      order: asArray(select.order).map((item) => this.#orderItem(item)),
      limit: this.#optional(select.limit),
      offset: this.#optional(select.offset),
    };
  }

  /** AlaSQL hangs each SELECT under the one before it; SQL reads from left to right, INTERSECT first. */
  #body(first: Node): QueryBody {
    const parts: { operator: "UNION" | "UNION ALL" | "EXCEPT" | "INTERSECT" | undefined; body: QueryBody }[] = [];
    let node: Node | undefined = first;
    let operator: (typeof parts)[number]["operator"];
    while (node !== undefined) {
      if (node !== first && (node.order ?? node.limit ?? node.offset) !== undefined) throw unknownForm();
      const body = this.#select(node);
      const last = parts.at(-1);
      if (operator === "INTERSECT" && last !== undefined) {
        last.body = { kind: "set", operator, left: last.body, right: body };
      } else {
        parts.push({ operator, body });
      }
      const followers = setOperators.filter(([field]) => node?.[field] !== undefined);
      if (followers.length > 1) throw unknownForm();
      const [field, name] = followers[0] ?? [];
      operator = name;
      node = field === undefined ? undefined : this.#selectNode(node[field]);
    }
    const [start, ...rest] = parts;
    if (start === undefined) throw unknownForm();
    return rest.reduce<QueryBody>(
      (left, part) => ({ kind: "set", operator: part.operator ?? "UNION", left, right: part.body }),
      start.body,
    );
  }

  #selectNode(node: unknown): Node {
    if (!isNode(node) || !Array.isArray(node.columns)) throw unknownForm();
    const unknown = fieldsOf(node).find((field) => !selectFields.has(field));
    if (unknown !== undefined) throw notInEngine(unknown.toUpperCase());
    return node;
  }

  #select(node: Node): Select {
    const from = asArray(node.from).map((entry) => this.#table(entry));
    const joins = asArray(node.joins).map((entry) => this.#join(entry));
    if (from.length > 1 && joins.length > 0) throw notInEngine("A comma and JOIN in one FROM");
    return {
      kind: "select",
      distinct: node.distinct === true,
      items: asArray(node.columns).map((column) => this.#selectItem(column)),
      from,
      joins,
      where: this.#optional(node.where),
      group: this.#group(asArray(node.group)),
      having: this.#optional(node.having),
    };
  }

  #group(nodes: readonly unknown[]): Select["group"] {
    if (nodes.length === 0) return undefined;
    const marks = nodes.flatMap((node) => {
      const placeholder = this.#placeholderOf(node);
      return placeholder?.kind === "mark" ? [placeholder.mark] : [];
    });
    if (marks.length === 0) return nodes.map((node) => this.#expression(node));
    if (nodes.length > 1) throw notInEngine("GROUP BY ALL beside other expressions");
    return marks[0] === "GROUP ALL" ? "ALL" : undefined;
  }

  #selectItem(node: unknown): SelectItem {
    if (!isNode(node)) throw unknownForm();
    const alias = node.as === undefined ? undefined : this.#nameOf(node.as);
    if (node.columnid === "*") {
      if (alias !== undefined) throw notInEngine("A name for *");
      return { expression: { kind: "star", table: this.#optionalName(node.tableid) }, alias };
    }
    return { expression: this.#expression(node), alias };
  }

  #table(node: unknown): TableReference {
    if (!isNode(node)) throw unknownForm();
    const alias = node.as === undefined ? undefined : this.#nameOf(node.as);
    if (Array.isArray(node.columns)) return { kind: "query", query: this.#selectQuery(node), alias };
    if (!hasExactly(node, ["tableid"], ["databaseid"])) throw notInEngine("This kind of table in FROM");
    const schema = this.#optionalName(node.databaseid);
    if (schema !== undefined && schema.toLowerCase() !== "main") throw notInEngine(`The schema ${schema}`);
    return { kind: "table", name: this.#nameOf(node.tableid), alias };
  }

  #join(node: unknown): Join {
    if (!isNode(node) || !hasExactly(node, ["joinmode"], ["table", "select", "on", "using"]))
      throw notInEngine("This JOIN");
    const mode = joinModes.get(String(node.joinmode));
    if (mode === undefined) throw notInEngine(`${String(node.joinmode)} JOIN`);
    const table = node.table ?? node.select;
    const alias = node.as ?? (isNode(table) ? table.as : undefined);
    const using = asArray(node.using).map((column) => this.#nameOf(isNode(column) ? column.columnid : undefined));
    const on = this.#optional(node.on);
    if (mode !== "CROSS" && on === undefined && using.length === 0)
      throw invalidSql("A JOIN needs ON or USING; without one it is a CROSS JOIN.");
    return { mode, table: this.#table(isNode(table) ? { ...table, as: alias } : table), on, using };
  }

  #orderItem(node: unknown): OrderItem {
    if (!isNode(node) || !hasExactly(node, ["expression", "direction"], ["nullsOrder"])) throw unknownForm();
    return {
      expression: this.#expression(node.expression),
      descending: node.direction === "DESC",
      // See #nullsOrder in alasql/dialect.ts.
      nullsFirst: node.nullsOrder === "LAST",
    };
  }

  #optional(node: unknown): Expression | undefined {
    return node === undefined ? undefined : this.#expression(node);
  }

  #expression(node: unknown): Expression {
    if (isNode(node) && hasExactly(node, ["expression"], [])) return this.#expression(node.expression);
    const items: Item[] = [];
    this.#flatten(node, items);
    return bindOperators(items);
  }

  /** Operands and operators in the order in which they were written. */
  #flatten(node: unknown, items: Item[]): void {
    if (!isNode(node)) throw unknownForm();
    if (typeof node.op === "string") {
      if (hasExactly(node, ["op", "left", "right"], [])) {
        this.#flattenBinary(node, items);
        return;
      }
      if (hasExactly(node, ["op", "left", "right1", "right2"], [])) {
        this.#flatten(node.left, items);
        items.push({ kind: "operator", operator: node.op });
        this.#flatten(node.right1, items);
        items.push({ kind: "operator", operator: "AND" });
        this.#flatten(node.right2, items);
        return;
      }
      if (hasExactly(node, ["op", "right"], []) && ["-", "+", "NOT"].includes(node.op)) {
        items.push({ kind: "operator", operator: node.op });
        this.#flatten(node.right, items);
        return;
      }
      throw notInEngine(`The operator ${node.op}`);
    }
    items.push(this.#operand(node));
  }

  #flattenBinary(node: Node, items: Item[]): void {
    const operator = String(node.op);
    this.#flatten(node.left, items);
    if (operator === "IN" || operator === "NOT IN") {
      const list = Array.isArray(node.right)
        ? node.right.map((entry) => this.#expression(entry))
        : this.#selectQuery(node.right);
      if (Array.isArray(list) && list.length === 0) throw invalidSql("IN needs at least one value.");
      items.push({ kind: "in", negated: operator === "NOT IN", items: list });
      return;
    }
    const meaning = borrowedOperators.get(operator) ?? operator;
    if (!binaryOperators.has(meaning)) throw notInEngine(`The operator ${meaning}`);
    items.push({ kind: "operator", operator: meaning });
    this.#flatten(node.right, items);
  }

  #operand(node: Node): Item {
    const placeholder = this.#placeholderOf(node);
    if (placeholder !== undefined) return placeholderItem(placeholder);
    if (hasExactly(node, ["right"], [])) return { kind: "operand", expression: this.#expression(node.right) };
    return { kind: "operand", expression: this.#atom(node) };
  }

  #atom(node: Node): Expression {
    if (typeof node.columnid === "string" && hasExactly(node, ["columnid"], ["tableid"])) {
      if (node.columnid === "*")
        throw invalidSql("* stands for all columns, and only in the list of SELECT or in count(*).");
      return { kind: "column", table: this.#optionalName(node.tableid), name: this.#nameOf(node.columnid) };
    }
    if (typeof node.value === "boolean" && hasExactly(node, ["value"], [])) return booleanLiteral(node.value);
    if (fieldsOf(node).length === 0) return nullLiteral;
    if (Array.isArray(node.whens) && hasExactly(node, ["whens"], ["expression", "elses"])) return this.#case(node);
    if (Array.isArray(node.columns)) return { kind: "scalarQuery", query: this.#selectQuery(node) };
    if (isNode(node.value) && Array.isArray(node.value.columns)) {
      return { kind: "exists", query: this.#selectQuery(node.value) };
    }
    if (typeof node.funcid === "string" && hasExactly(node, ["funcid"], ["args", "over"])) {
      return this.#call(this.#nameOf(node.funcid), asArray(node.args), false, node.over);
    }
    if (
      typeof node.aggregatorid === "string" &&
      hasExactly(node, ["aggregatorid", "expression"], ["distinct", "over"])
    ) {
      return this.#call(node.aggregatorid, [node.expression], node.distinct === true, node.over);
    }
    throw unknownForm();
  }

  #call(name: string, nodes: readonly unknown[], distinct: boolean, over: unknown): Expression {
    if (name === "CAST" || name === "TRY_CAST") return this.#cast(name, nodes);
    const star = nodes.length === 1 && isNode(nodes[0]) && nodes[0].columnid === "*";
    const call: Call = {
      kind: "call",
      name: name.toLowerCase(),
      parameters: star ? [] : nodes.map((node) => this.#expression(node)),
      star,
      distinct,
      filter: undefined,
      over: over === undefined ? undefined : this.#over(over),
    };
    return call;
  }

  #cast(name: "CAST" | "TRY_CAST", nodes: readonly unknown[]): Expression {
    const [operand, type] = nodes;
    const placeholder = this.#placeholderOf(type);
    if (nodes.length !== 2 || placeholder?.kind !== "type") throw unknownForm();
    return { kind: "cast", operand: this.#expression(operand), type: placeholder.type, tolerant: name === "TRY_CAST" };
  }

  #over(node: unknown): Over {
    if (!isNode(node) || !hasExactly(node, [], ["partition", "order"])) throw notInEngine("This window");
    return {
      partition: asArray(node.partition).map((entry) => this.#expression(entry)),
      order: asArray(node.order).map((entry) => this.#orderItem(entry)),
    };
  }

  #case(node: Node): Expression {
    return {
      kind: "case",
      operand: this.#optional(node.expression),
      branches: asArray(node.whens).map((branch) => {
        if (!isNode(branch)) throw unknownForm();
        return { when: this.#expression(branch.when), result: this.#expression(branch.then) };
      }),
      otherwise: this.#optional(node.elses),
    };
  }

  #placeholderOf(node: unknown): Placeholder | undefined {
    if (!isNode(node) || typeof node.param !== "number" || !hasExactly(node, ["param"], [])) return undefined;
    return this.#translation.placeholders[node.param];
  }

  #optionalName(id: unknown): string | undefined {
    return id === undefined ? undefined : this.#nameOf(id);
  }

  /** `i7` → the name that the user wrote. The aggregates that stay words have no index. */
  #nameOf(id: unknown): string {
    const index = /^i(\d+)$/.exec(String(id))?.[1];
    const name = index === undefined ? undefined : this.#translation.names[Number(index)];
    if (name === undefined) throw unknownForm();
    return name;
  }
}

function placeholderItem(placeholder: Placeholder): Item {
  switch (placeholder.kind) {
    case "literal":
    case "parameter":
      return { kind: "operand", expression: placeholder };
    case "type":
      return { kind: "type", type: placeholder.type };
    case "mark":
      throw unknownForm();
  }
}

function unknownForm(): Error {
  return notInEngine("A form of this statement");
}
