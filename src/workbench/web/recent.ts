/** The notebooks that were opened last in this browser. */
const key = "tidetable-recent";
const keptMax = 6;

export function recentNotebooks(): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(kept) ? kept.filter((path): path is string => typeof path === "string").slice(0, keptMax) : [];
  } catch {
    // Something else wrote there; the list begins anew.
    return [];
  }
}

export function noteOpened(path: string): void {
  keep([path, ...recentNotebooks().filter((other) => other !== path)]);
}

export function noteMoved(from: string, to: string): void {
  keep(recentNotebooks().map((path) => (path === from ? to : path)));
}

export function noteGone(path: string): void {
  keep(recentNotebooks().filter((other) => other !== path));
}

function keep(paths: readonly string[]): void {
  localStorage.setItem(key, JSON.stringify([...new Set(paths)].slice(0, keptMax)));
}
