/**
 * The structure, enforced: reads every import of kernel/ and src/ and fails on a direction that ARCHITECTURE.md
 * forbids. A rule says what a room must not reach, and why.
 */
import { deepEqual } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

interface Import {
  readonly file: string;
  /** A file of ours relative to the root, or the name of a package. */
  readonly target: string;
  readonly typeOnly: boolean;
}

const imports = [...sourceFiles("kernel"), ...sourceFiles("src"), ...sourceFiles("zeppelin")].flatMap(importsOf);

const io =
  /^(node:)?(fs|fs\/promises|net|http|https|http2|child_process|worker_threads|timers|timers\/promises|dgram|tls|os)$|^(zeromq|kafkajs|ws|@duckdb\/.*|hono|@hono\/.*)$/;

/** What a result is, how its values read, how it is drawn, and what a statement names: the page does it as the kernel does. */
const pureForPage =
  /^src\/(charts\/.*|sql\/(schema|result-json|table-values|sql-vocabulary|sql-text|statement-tables))\.ts$/;

interface Rule {
  readonly name: string;
  readonly forbids: (edge: Import) => boolean;
}

const rules: readonly Rule[] = [
  {
    name: "kernel/ knows nothing of src/, except where main.ts composes",
    forbids: (edge) =>
      edge.file.startsWith("kernel/") && edge.file !== "kernel/main.ts" && edge.target.startsWith("src/"),
  },
  {
    name: "src/ reaches into kernel/ only to install its kernelspec",
    forbids: (edge) =>
      edge.file.startsWith("src/") &&
      edge.target.startsWith("kernel/") &&
      edge.target !== "kernel/install.ts" &&
      !(edge.file.startsWith("src/workbench/") && edge.target.startsWith("kernel/wire/")),
  },
  {
    name: "only a socket/ folder imports zeromq",
    forbids: (edge) => edge.target === "zeromq" && !/\/socket\//.test(edge.file),
  },
  {
    name: "only src/streaming/kafka/ imports kafkajs, and compression its codecs",
    forbids: (edge) => edge.target.startsWith("kafkajs") && !/^src\/streaming\/(kafka\/|compression)/.test(edge.file),
  },
  {
    name: "only src/sql/duckdb/ imports DuckDB",
    forbids: (edge) => edge.target.startsWith("@duckdb/") && !/^src\/sql\/duckdb\//.test(edge.file),
  },
  {
    name: "gRPC and Arrow stay in the Spark Connect client, which knows no streams and no engine process",
    forbids: (edge) =>
      (/^(@grpc\/|apache-arrow)/.test(edge.target) && !/^src\/sql\/(spark-connect\/|spark\/carry)/.test(edge.file)) ||
      (edge.file.startsWith("src/sql/spark-connect/") && /^src\/(streaming|engine|cells)\//.test(edge.target)),
  },
  {
    name: "only the parser's file imports AlaSQL: nothing else of it is ever called",
    forbids: (edge) => edge.target === "alasql" && edge.file !== "src/sql/alasql/parser.ts",
  },
  {
    name: "the pure rooms do no IO: wire/, record-batch, decode, charts/, schema, zeppelin/",
    forbids: (edge) =>
      /^(kernel\/wire\/|zeppelin\/|src\/charts\/|src\/streaming\/(record|record-batch|decode|lag)\.ts|src\/sql\/schema\.ts)/.test(
        edge.file,
      ) &&
      io.test(edge.target) &&
      !edge.typeOnly,
  },
  {
    name: "the data's path runs forward: streaming knows no engine process, charts or page",
    forbids: (edge) =>
      edge.file.startsWith("src/streaming/") && /^src\/(engine|charts|cells|workbench|cli)\//.test(edge.target),
  },
  {
    name: "sql/ knows no page and no command line; charts/ knows only results",
    forbids: (edge) =>
      (edge.file.startsWith("src/sql/") && /^src\/(workbench|cli)\//.test(edge.target)) ||
      (edge.file.startsWith("src/charts/") && /^src\/(streaming|engine|workbench|cli)\//.test(edge.target)),
  },
  {
    name: "deploy/ checks what it is given: no IO, and of the rest of src/ only how names are compared",
    forbids: (edge) =>
      edge.file.startsWith("src/deploy/") &&
      (io.test(edge.target) ||
        (edge.target.startsWith("src/") &&
          !edge.target.startsWith("src/deploy/") &&
          edge.target !== "src/sql/identifiers.ts")),
  },
  {
    name: "only Tweeter's store and cassandra() import cassandra-driver",
    forbids: (edge) => edge.target === "cassandra-driver" && !/^src\/(tweeter\/cassandra-|cassandra\/)/.test(edge.file),
  },
  {
    name: "sinks/ know only what they are given and errors; only the bucket's file imports aws4fetch",
    forbids: (edge) =>
      (edge.target === "aws4fetch" && edge.file !== "src/sinks/s3.ts") ||
      (edge.file.startsWith("src/sinks/") &&
        /^(src|kernel|zeppelin)\//.test(edge.target) &&
        !/^src\/(sinks\/.*|errors\.ts)$/.test(edge.target)),
  },
  {
    name: "what is written and what is answered is worked out without IO: line-protocol, influxdb-answer, s3-answer",
    forbids: (edge) => /^src\/sinks\/(line-protocol|influxdb-answer|s3-answer)\.ts$/.test(edge.file) && !edge.typeOnly,
  },
  {
    name: "crime/ is a sample: only commands, and the session that feeds its log, know it; its cores do no IO",
    forbids: (edge) =>
      (edge.target.startsWith("src/crime/") && !/^src\/(crime\/|cli\/|session\.ts)/.test(edge.file)) ||
      (/^src\/crime\/(crime|city|crime-generator|heat-map|portal-time)\.ts$/.test(edge.file) && io.test(edge.target)),
  },
  {
    name: "zeppelin/ stands alone: notes in, notes out, in a page as well as in a command",
    forbids: (edge) => edge.file.startsWith("zeppelin/") && !edge.target.startsWith("zeppelin/"),
  },
  {
    name: "the workbench talks to kernels by protocol alone: no engine, no SQL, no streams; the page draws with the pure rooms",
    forbids: (edge) =>
      edge.file.startsWith("src/workbench/") &&
      /^src\/(engine|sql|streaming|charts|tweeter|cells)\//.test(edge.target) &&
      !(edge.file.startsWith("src/workbench/web/") && pureForPage.test(edge.target)),
  },
];

describe("architecture", () => {
  for (const rule of rules) {
    it(rule.name, () => {
      const broken = imports.filter(rule.forbids).map((edge) => `${edge.file} imports ${edge.target}`);
      deepEqual(broken, []);
    });
  }

  it("has no import cycle between files", () => {
    deepEqual(findCycles(), []);
  });

  it("says at the top why a file is longer than 400 lines", () => {
    const long = [
      ...sourceFiles("kernel"),
      ...sourceFiles("src"),
      ...sourceFiles("zeppelin"),
      ...sourceFiles("test"),
      ...sourceFiles("scripts"),
    ].filter((file) => {
      const text = readFileSync(join(root, file), "utf8");
      return text.split("\n").length > 400 && !/long(er)? (because|than)/i.test(text.slice(0, 1200));
    });
    deepEqual(long, []);
  });
});

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .filter((file) => !file.includes("node_modules"));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, false);
  const found: Import[] = [];
  const visit = (node: ts.Node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined) {
      const typeOnly = ts.isImportDeclaration(node) ? isTypeOnly(node.importClause) : node.isTypeOnly;
      add((node.moduleSpecifier as ts.StringLiteral).text, typeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const argument = node.arguments[0];
      if (argument !== undefined && ts.isStringLiteral(argument)) add(argument.text, false);
    }
    ts.forEachChild(node, visit);
  };
  const add = (specifier: string, typeOnly: boolean) => {
    const target = specifier.startsWith(".")
      ? relative(root, resolve(root, dirname(file), specifier.replace(/\.js$/, ".ts"))).replaceAll("\\", "/")
      : specifier;
    found.push({ file, target, typeOnly });
  };
  visit(source);
  return found;
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const named = clause.namedBindings;
  return (
    clause.name === undefined &&
    named !== undefined &&
    ts.isNamedImports(named) &&
    named.elements.every((element) => element.isTypeOnly)
  );
}

/** Cycles of imports that exist at run time, each reported once by its files in order. */
function findCycles(): string[] {
  const edges = new Map<string, string[]>();
  for (const { file, target, typeOnly } of imports) {
    if (!typeOnly && /^(kernel|src|zeppelin)\//.test(target)) edges.set(file, [...(edges.get(file) ?? []), target]);
  }
  const cycles: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: string[]) => {
    const at = path.indexOf(file);
    if (at >= 0) {
      cycles.push([...path.slice(at), file].join(" → "));
      return;
    }
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) walk(file, []);
  return cycles;
}
