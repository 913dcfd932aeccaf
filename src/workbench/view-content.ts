/**
 * A notebook as a viewer gets it: texts and outputs. No code, no metadata, no error with its paths, nothing that its owner
 * has hidden. Pure.
 */
import type { NotebookContent } from "./notebook-file.js";
import type { ViewCell } from "./view-messages.js";

type Fields = Readonly<Record<string, unknown>>;

export function viewContent(notebook: NotebookContent): readonly ViewCell[] {
  return notebook.cells.flatMap((cell: unknown): ViewCell[] => {
    const { cell_type, source, outputs, metadata } = fields(cell);
    if (cell_type === "markdown") return [{ kind: "text", source: joined(source) }];
    if (cell_type !== "code" || isHidden(fields(metadata)) || !Array.isArray(outputs)) return [];
    const shown = outputs.flatMap(viewOutput);
    return shown.length === 0 ? [] : [{ kind: "outputs", outputs: shown }];
  });
}

function viewOutput(output: unknown): unknown[] {
  const { output_type, name, text, data, metadata } = fields(output);
  switch (output_type) {
    case "stream":
      return name === "stdout" ? [{ output_type, name, text }] : [];
    case "error":
      return [{ output_type: "stream", name: "stdout", text: "This cell has ended with an error.\n" }];
    case "display_data":
    case "execute_result":
      return [{ output_type: "display_data", data, metadata }];
    default:
      return [];
  }
}

function isHidden(metadata: Fields): boolean {
  return metadata.collapsed === true || fields(metadata.jupyter).outputs_hidden === true;
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function joined(value: unknown): string {
  return Array.isArray(value) ? value.join("") : String(value ?? "");
}
