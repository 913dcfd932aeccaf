import { deepEqual, equal } from "node:assert/strict";
import ts from "typescript";
import { readCellSource } from "../../kernel/language/cell-source.js";
import { Declarations } from "../../kernel/language/declarations.js";

describe("a cell's own text", () => {
  const rows: ReadonlyArray<[string, string[], string[]]> = [
    ["let a = 1, { b, c: [d] } = f(); const e = 2", ["a", "b", "d", "e"], ["e"]],
    ["interface A {} type B = A; import type { C } from 'c'", [], []],
    ["class A {} function f() { var inner } enum E { X } const enum I { X }", ["A", "f", "E"], []],
    ["for (var i = 0;;) { var j; let k }", ["i", "j"], []],
    ["using r = open(); await using s = open()", [], []],
    ["declare const outside: string", [], []],
    ["namespace N { export const v = 1 } namespace T { export type X = 1 }", ["N"], []],
    ["export const a = 1; export default class B {} export { a as z }", ["a", "B"], ["a"]],
  ];
  for (const [code, names, constants] of rows) {
    it(code, () => {
      const source = readCellSource(ts, code);
      deepEqual([source.names, [...source.constants], source.syntaxErrors.length], [names, constants, 0]);
      // Places stay what they are.
      equal(source.text.slice(0, code.length).length, code.length);
    });
  }

  for (const [code, awaits] of [
    ["await x", true],
    ["for await (const x of y);", true],
    ["await using x = y", true],
    ["async () => { await x }", false],
    ["const text = 'await'", false],
  ] as const) {
    it(`${code} ${awaits ? "awaits" : "does not await"}`, () => equal(readCellSource(ts, code).awaits, awaits));
  }
});

describe("declarations of earlier cells", () => {
  const open = () => new Declarations(ts, (index) => `/nb/names-${index}.d.ts`);
  const texts = (declarations: Declarations) =>
    declarations.chain.map((file) => declarations.textOf(file)?.split("\n")[0]);

  it("are a chain, oldest first", () => {
    const declarations = open();
    declarations.add("export declare let a: number;\n");
    declarations.add("export interface B {}\n");
    deepEqual(texts(declarations), ["export declare let a: number;", "export interface B {}"]);
  });

  it("said again they are not said twice, unless something came between", () => {
    const declarations = open();
    declarations.add("export declare let a: B;\n");
    declarations.add("export declare let c: number;\n");
    const { version } = declarations;
    declarations.add("export declare let a: B;\n");
    equal(declarations.version, version);
    declarations.add("export interface B {}\n");
    declarations.add("export declare let a: B;\n");
    deepEqual(texts(declarations).slice(-2), ["export interface B {}", "export declare let a: B;"]);
  });

  it("are given up when hidden, a type not while something speaks of it", () => {
    const declarations = open();
    declarations.add("export interface B { x: 1 }\n");
    declarations.add("export declare let a: B;\n");
    declarations.add("export interface B { y: 1 }\n");
    equal(declarations.chain.length, 3);
    declarations.add("export declare let a: number;\n");
    deepEqual(texts(declarations), ["export interface B { y: 1 }", "export declare let a: number;"]);
  });

  it("leave out names that were not reached, and keep types", () => {
    const declarations = open();
    declarations.add(
      "export declare const a: 1, b: 2;\nexport interface C {}\nexport declare class D {}\n",
      new Set(["b", "D"]),
    );
    equal(
      declarations.textOf(declarations.chain[0] ?? ""),
      "export declare const a: 1;\nexport interface C {\n}\n\nexport {};\n",
    );
  });

  it("of a thousand edits of one cell stay few", () => {
    const declarations = open();
    for (let edit = 0; edit < 1000; edit++) {
      declarations.add(`export interface B { v: ${edit} }\n`);
      declarations.add(`export declare let a: B;\nexport declare let b${edit % 5}: typeof a;\n`);
    }
    equal(declarations.chain.length < 25, true, String(declarations.chain.length));
  });
});
