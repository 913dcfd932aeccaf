/**
 * A table that is drawn again in place where there is a terminal; where there is none (a file, a pipe) each row is a line
 * when its state changes. Owns no data.
 */
import type { ServiceRow } from "./status-table.js";
import { statusTable } from "./status-table.js";

export interface LiveTable {
  show(rows: readonly ServiceRow[]): void;
  /** Leaves what is there, so that lines can follow. */
  end(): void;
}

export function liveTable(out: NodeJS.WriteStream): LiveTable {
  return out.isTTY ? terminalTable(out) : changesOnly(out);
}

/** Of a terminal that does not say how wide it is, as one without a window. */
const usualColumns = 80;

function terminalTable(out: NodeJS.WriteStream): LiveTable {
  let drawnLines = 0;
  return {
    show(rows) {
      const lines = statusTable(rows)
        .split("\n")
        .map((line) => line.slice(0, Math.max(20, (out.columns || usualColumns) - 1)));
      const up = drawnLines > 0 ? `\u001b[${drawnLines}A` : "";
      // Each line is cleared as it is written; what was below is cleared once.
      out.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join("")}\u001b[J`);
      drawnLines = lines.length;
    },
    end() {
      drawnLines = 0;
    },
  };
}

function changesOnly(out: NodeJS.WriteStream): LiveTable {
  const known = new Map<string, string>();
  return {
    show(rows) {
      for (const { service, number, state, address } of rows) {
        const name = number === undefined ? service : `${service} ${number}`;
        if (known.get(name) === state) continue;
        known.set(name, state);
        out.write(`${name}: ${state}${address === "" ? "" : ` at ${address}`}\n`);
      }
    },
    end() {},
  };
}
