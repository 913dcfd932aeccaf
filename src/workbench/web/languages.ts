/**
 * What the page can colour: TypeScript, JavaScript, SQL, JSON and Markdown. JupyterLab's own list of a hundred
 * languages would be most of the bundle.
 */
import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { markdown } from "@codemirror/lang-markdown";
import type { LanguageSupport } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import {
  EditorExtensionRegistry,
  EditorLanguageRegistry,
  EditorThemeRegistry,
  type IEditorLanguage,
  parseMathIPython,
  ybinding,
} from "@jupyterlab/codemirror";
import { explainOnHover } from "./hover.js";
import { duckdbSql, sqlCells } from "./sql-cells.js";

export function createLanguages(): EditorLanguageRegistry {
  const registry = new EditorLanguageRegistry();
  const typescript = () => javascript({ typescript: true });
  const languages: ReadonlyArray<Omit<IEditorLanguage, "load"> & { load: () => LanguageSupport }> = [
    {
      name: "typescript",
      displayName: "TypeScript",
      // `ts` is what people write on the fences of Markdown.
      alias: ["ts"],
      mime: ["application/typescript", "text/typescript", "text/x-typescript"],
      extensions: ["ts", "tsx"],
      load: typescript,
    },
    {
      name: "javascript",
      displayName: "JavaScript",
      alias: ["js"],
      mime: ["text/javascript", "application/javascript"],
      extensions: ["js"],
      load: () => javascript(),
    },
    { name: "sql", displayName: "SQL", mime: ["text/x-sql", "application/sql"], extensions: ["sql"], load: duckdbSql },
    { name: "json", displayName: "JSON", mime: ["application/json"], extensions: ["json"], load: () => json() },
    {
      name: "ipythongfm",
      displayName: "Markdown",
      alias: ["markdown"],
      mime: ["text/x-ipythongfm", "text/x-markdown"],
      extensions: ["md"],
      load: () => markdown({ extensions: [parseMathIPython()], codeLanguages: languageOfFence }),
    },
  ];
  const languageOfFence = (info: string) => {
    const found = registry.findBest(info);
    return found?.support?.language.parser === undefined ? null : found.support.language;
  };
  for (const { load, ...language } of languages)
    registry.addLanguage({ ...language, support: load(), load: async () => load() });
  return registry;
}

export function createEditorExtensions(): EditorExtensionRegistry {
  const registry = new EditorExtensionRegistry();
  const themes = new EditorThemeRegistry();
  for (const theme of EditorThemeRegistry.getDefaultThemes()) themes.addTheme(theme);
  for (const extension of EditorExtensionRegistry.getDefaultExtensions({ themes })) registry.addExtension(extension);
  registry.addExtension({
    name: "shared-model",
    factory: ({ model }) => {
      const sharedModel = model.sharedModel as unknown as SharedText;
      return EditorExtensionRegistry.createImmutableExtension(
        ybinding({ ytext: sharedModel.ysource, undoManager: sharedModel.undoManager ?? undefined }),
      );
    },
  });
  registry.addExtension({
    name: "sql-cells",
    factory: () => EditorExtensionRegistry.createImmutableExtension(sqlCells()),
  });
  registry.addExtension({
    name: "name-for-screen-readers",
    factory: ({ model }) =>
      EditorExtensionRegistry.createImmutableExtension(
        EditorView.contentAttributes.of({
          "aria-label": isText(model.mimeType) ? "Text of the cell" : "Code of the cell",
        }),
      ),
  });
  registry.addExtension({
    name: "explain-on-hover",
    factory: ({ model }) =>
      isText(model.mimeType) ? null : EditorExtensionRegistry.createImmutableExtension(explainOnHover()),
  });
  return registry;
}

function isText(mimeType: string): boolean {
  return mimeType.includes("markdown") || mimeType.includes("gfm");
}

/** What JupyterLab's cell models carry beside their published interface, as its own editor plugin reads it. */
interface SharedText {
  readonly ysource: Parameters<typeof ybinding>[0]["ytext"];
  readonly undoManager: Parameters<typeof ybinding>[0]["undoManager"] | null;
}
