/**
 * What is changed in a cell's code on its way through the compiler, as transformers of syntax trees: loops that can be
 * interrupted, names of earlier cells that the converter leaves dangling, module syntax that CommonJS lacks, imports
 * that a later cell may declare again. Pure.
 */
import type typescript from "typescript";
import { importedNames, type TypeScript } from "./cell-source.js";

/** The object through which compiled code reaches `import()` and `import.meta`. */
export const CELL_PARAMETER = "__tidetable__";

/** Whether a file holds what earlier cells have declared. */
export type IsEarlier = (file: typescript.SourceFile) => boolean;

/**
 * Each round of a loop and each end of an `await` looks whether the user has interrupted: after an `await` no signal
 * ends a loop, and nothing else keeps an interrupted function from going on when what it waited for has come. `{ name }`
 * of an earlier cell's variable becomes `{ name: exports.name }`; `import()` and `import.meta` go to the cell's own,
 * because CommonJS has neither.
 */
export function cellRewrites(ts: TypeScript, checker: typescript.TypeChecker, isEarlier: IsEarlier) {
  return (context: typescript.TransformationContext) => {
    const { factory } = context;
    const cell = () => factory.createIdentifier(CELL_PARAMETER);
    const call = (name: string, callArguments: readonly typescript.Expression[]) =>
      factory.createCallExpression(factory.createPropertyAccessExpression(cell(), name), undefined, callArguments);
    // Not a call and not atomic: this stands in the user's innermost loop.
    const stopped = () =>
      factory.createStrictInequality(
        factory.createElementAccessExpression(factory.createPropertyAccessExpression(cell(), "stop"), 0),
        factory.createNumericLiteral(0),
      );
    const watched = (body: typescript.Statement) =>
      factory.createBlock(
        [
          factory.createIfStatement(stopped(), factory.createExpressionStatement(call("interrupted", []))),
          ...(ts.isBlock(body) ? body.statements : [body]),
        ],
        true,
      );
    const visit = (node: typescript.Node): typescript.Node => {
      if (ts.isIterationStatement(node, false)) {
        const body = watched(ts.visitNode(node.statement, visit) as typescript.Statement);
        return ts.visitEachChild(node, (child) => (child === node.statement ? body : visit(child)), context);
      }
      if (ts.isAwaitExpression(node)) {
        return call("resumed", [ts.visitEachChild(node, visit, context)]);
      }
      if (
        ts.isShorthandPropertyAssignment(node) &&
        isEarlierSymbol(checker.getShorthandAssignmentValueSymbol(node), isEarlier)
      ) {
        const earlier = factory.createPropertyAccessExpression(factory.createIdentifier("exports"), node.name.text);
        const fallback = node.objectAssignmentInitializer;
        const value =
          fallback === undefined
            ? earlier
            : factory.createAssignment(earlier, ts.visitNode(fallback, visit) as typescript.Expression);
        return factory.createPropertyAssignment(factory.createIdentifier(node.name.text), value);
      }
      if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
        const specifier = ts.visitNodes(node.arguments, visit) as typescript.NodeArray<typescript.Expression>;
        return call("import", specifier);
      }
      if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) {
        return factory.createPropertyAccessExpression(cell(), "meta");
      }
      return ts.visitEachChild(node, visit, context);
    };
    return (file: typescript.SourceFile): typescript.SourceFile => ts.visitNode(file, visit) as typescript.SourceFile;
  };
}

/** Names of earlier cells become properties of `exports`. After everything else: types are gone by then. */
export function earlierNames(ts: TypeScript, checker: typescript.TypeChecker, isEarlier: IsEarlier) {
  return (context: typescript.TransformationContext) => {
    const { factory } = context;
    const visit = (node: typescript.Node): typescript.Node => {
      if (!ts.isIdentifier(node)) return ts.visitEachChild(node, visit, context);
      const original = ts.getOriginalNode(node);
      const isMember = ts.isPropertyAccessExpression(original.parent ?? node) && isNameOf(ts, original);
      if (isMember || !isEarlierSymbol(checker.getSymbolAtLocation(node), isEarlier)) return node;
      const property = factory.createPropertyAccessExpression(factory.createIdentifier("exports"), node.text);
      return ts.setSourceMapRange(property, ts.getSourceMapRange(node));
    };
    return (file: typescript.SourceFile): typescript.SourceFile => ts.visitEachChild(file, visit, context);
  };
}

function isNameOf(ts: TypeScript, node: typescript.Node): boolean {
  return ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
}

function isEarlierSymbol(symbol: typescript.Symbol | undefined, isEarlier: IsEarlier): boolean {
  return symbol?.declarations?.some((declaration) => isEarlier(declaration.getSourceFile())) ?? false;
}

/** Imports become getters on the namespace; without `configurable`, no later cell could declare such a name again. */
export function configurableImports(ts: TypeScript) {
  return (context: typescript.TransformationContext) => {
    const { factory } = context;
    const configurable = factory.createPropertyAssignment("configurable", factory.createTrue());
    const visit = (statement: typescript.Statement): typescript.Statement => {
      if (!ts.isExpressionStatement(statement)) return statement;
      // `exports.name = void 0`, ahead of everything: the name may be a variable of an earlier cell, still in use there.
      if (isEmptyingOfExports(ts, statement)) return factory.createEmptyStatement();
      if (!ts.isCallExpression(statement.expression)) return statement;
      const call = statement.expression;
      const [target, name, descriptor] = call.arguments;
      const definesExport =
        ts.isPropertyAccessExpression(call.expression) &&
        call.expression.name.text === "defineProperty" &&
        target !== undefined &&
        ts.isIdentifier(target) &&
        target.text === "exports";
      if (!definesExport || name === undefined || descriptor === undefined) return statement;
      if (!ts.isObjectLiteralExpression(descriptor)) return statement;
      const open = factory.updateObjectLiteralExpression(descriptor, [configurable, ...descriptor.properties]);
      return factory.updateExpressionStatement(
        statement,
        factory.updateCallExpression(call, call.expression, call.typeArguments, [target, name, open]),
      );
    };
    return (file: typescript.SourceFile): typescript.SourceFile =>
      factory.updateSourceFile(file, file.statements.map(visit));
  };
}

function isEmptyingOfExports(ts: TypeScript, { expression, pos }: typescript.ExpressionStatement): boolean {
  const madeByCompiler = pos < 0;
  if (!madeByCompiler || !ts.isBinaryExpression(expression)) return false;
  let value = expression.right;
  while (ts.isBinaryExpression(value)) value = value.right;
  return ts.isVoidExpression(value);
}

/**
 * Leaves only imported names to be exported, and hands the last expression's value to the run of the cell it belongs to.
 * What a cell declares is handed out by its bindings; an assignment to `exports` beside each assignment to a variable
 * would make every loop many times slower.
 */
export function resultAndImports(ts: TypeScript) {
  return (context: typescript.TransformationContext) => {
    const { factory } = context;
    const asResult = (statement: typescript.ExpressionStatement) => {
      const result = factory.createPropertyAccessExpression(factory.createIdentifier(CELL_PARAMETER), "result");
      const assignment = factory.createAssignment(result, statement.expression);
      return ts.setTextRange(factory.createExpressionStatement(assignment), statement);
    };
    return (file: typescript.SourceFile): typescript.SourceFile => {
      const imported = new Set<string>();
      for (const statement of file.statements) {
        if (ts.isImportDeclaration(statement)) for (const name of importedNames(ts, statement)) imported.add(name);
      }
      const own = file.statements.slice(0, -1);
      const last = own.at(-1);
      if (last !== undefined && ts.isExpressionStatement(last)) own[own.length - 1] = asResult(last);
      return factory.updateSourceFile(file, [...own, ...file.statements.slice(-1).map(importsOnly)]);

      function importsOnly(statement: typescript.Statement): typescript.Statement {
        if (!ts.isExportDeclaration(statement)) return statement;
        const clause = statement.exportClause;
        if (clause === undefined || !ts.isNamedExports(clause)) return statement;
        const kept = clause.elements.filter((element) => imported.has(element.name.text));
        const { modifiers, isTypeOnly, moduleSpecifier, attributes } = statement;
        const exports = factory.updateNamedExports(clause, kept);
        return factory.updateExportDeclaration(statement, modifiers, isTypeOnly, exports, moduleSpecifier, attributes);
      }
    };
  };
}

/**
 * Of what is written down about a cell's types, exports each declaration by itself, and no imported name. Later cells
 * stand inside and need no export; but the type of a variable may be one whose name was declared anew since.
 */
export function exportedOneByOne(ts: TypeScript) {
  return (context: typescript.TransformationContext) =>
    (node: typescript.SourceFile | typescript.Bundle): typescript.SourceFile | typescript.Bundle => {
      if (!ts.isSourceFile(node)) return node;
      const { factory } = context;
      const exported = (statement: typescript.Statement): typescript.Statement => {
        if (!ts.canHaveModifiers(statement) || ts.isImportDeclaration(statement)) return statement;
        const others =
          statement.modifiers?.filter((modifier): modifier is typescript.Modifier => ts.isModifier(modifier)) ?? [];
        const modifiers = [factory.createModifier(ts.SyntaxKind.ExportKeyword), ...others];
        return factory.replaceModifiers(statement, modifiers) as unknown as typescript.Statement;
      };
      const kept = node.statements.filter((statement) => !ts.isExportDeclaration(statement)).map(exported);
      return factory.updateSourceFile(node, kept, true);
    };
}
