/** In place of a notebook that cannot be opened: what is wrong with it, and the way to the others. Writes nothing. */
import { PageConfig } from "@jupyterlab/coreutils";
import type { ServiceManager } from "@jupyterlab/services";
import { element, messageOf } from "./dom.js";
import { FilesClient } from "./files-client.js";
import { FilesPanel } from "./files-panel.js";

/** @throws what the server says about a file that is no notebook, before anything is made of it */
export async function requireNotebook(services: ServiceManager, path: string): Promise<void> {
  await services.contents.get(path, { content: false });
}

export function showOpenFailure(services: ServiceManager, error: unknown): void {
  const path = PageConfig.getOption("notebookPath");
  const files = new FilesPanel(new FilesClient(services), {
    path: () => path,
    content: () => undefined,
    save: async () => {},
  });
  const main = element(
    "main",
    "tt-failure",
    element("h1", "", `${path.split("/").at(-1) ?? path} cannot be opened`),
    element("p", "", sentence(messageOf(error), path)),
    element(
      "p",
      "tt-quiet",
      "The file is as it was: nothing has been written. Choose another notebook, or upload one.",
    ),
    files.node,
  );
  document.getElementById("opening")?.remove();
  document.body.append(main);
  document.body.dataset.failed = "true";
  void files.refresh();
}

/** A file keeps the name that it has. */
function sentence(text: string, path: string): string {
  return text.startsWith(path) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}
