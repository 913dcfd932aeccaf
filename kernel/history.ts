/** What was run in this kernel, for consoles that ask for it. In memory, the newest entries only. */
import type { HistoryEntry, HistoryRequest } from "./wire/history.js";

const ENTRIES_MAX = 10_000;
const THIS_SESSION = 1;

export class History {
  readonly #entries: HistoryEntry[] = [];

  add(line: number, input: string, output: string | undefined): void {
    this.#entries.push({ session: THIS_SESSION, line, input, output });
    if (this.#entries.length > ENTRIES_MAX) this.#entries.shift();
  }

  select(request: HistoryRequest): HistoryEntry[] {
    switch (request.access) {
      case "tail":
        return last(this.#entries, request.count);
      case "range":
        return request.session === 0 || request.session === THIS_SESSION
          ? this.#entries.filter((entry) => entry.line >= request.start && entry.line < request.stop)
          : [];
      case "search": {
        const glob = globPattern(request.pattern);
        const found = this.#entries.filter((entry) => glob.test(entry.input));
        const newestOfEach = new Map(found.map((entry) => [entry.input, entry]));
        const wanted = request.unique ? found.filter((entry) => newestOfEach.get(entry.input) === entry) : found;
        return last(wanted, request.count);
      }
    }
  }
}

function last<T>(entries: readonly T[], count: number): T[] {
  return count <= 0 ? [] : entries.slice(-Math.min(count, entries.length));
}

function globPattern(glob: string): RegExp {
  const escaped = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, "[\\s\\S]*")
    .replace(/\?/g, "[\\s\\S]");
  return new RegExp(`^${escaped}$`);
}
