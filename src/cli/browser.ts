/** Opens the user's browser where there is one, and stays silent where there is none: the URL is printed anyway. */
import { spawn } from "node:child_process";

export function openBrowser(url: string, environment: Readonly<Record<string, string | undefined>>): void {
  const command = opener(environment);
  if (command === undefined) return;
  const child = spawn(command.file, [...command.arguments, url], { stdio: "ignore", detached: true });
  // No opener installed is not an error of the workbench.
  child.on("error", () => undefined);
  child.unref();
}

function opener(environment: Readonly<Record<string, string | undefined>>) {
  if (process.platform === "darwin") return { file: "open", arguments: [] };
  if (process.platform === "win32") return { file: "cmd", arguments: ["/c", "start", ""] };
  if (environment.CI === "true" || !(environment.DISPLAY || environment.WAYLAND_DISPLAY)) return undefined;
  return { file: "xdg-open", arguments: [] };
}
