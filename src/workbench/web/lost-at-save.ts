/** What the last save of a Zeppelin note could not put into its file, as the server says; nothing for a notebook. */
import type { ServiceManager } from "@jupyterlab/services";

export function onLostAtSave(
  services: ServiceManager.IManager,
  path: () => string,
  tell: (lost: readonly string[]) => void,
): void {
  services.contents.fileChanged.connect((_, { type, newValue }) => {
    if (type !== "save" || newValue?.path !== path()) return;
    const lost = "lost" in newValue && Array.isArray(newValue.lost) ? newValue.lost : [];
    tell(lost.filter((line) => typeof line === "string"));
  });
}
