/** The services of a pipeline as a table for the terminal, as cluster tools print one. Pure. */

export type ServiceState = "waiting" | "starting" | "healthy" | "unhealthy" | "stopping" | "ended";

export interface ServiceRow {
  readonly service: string;
  /** Of several alike, counted from 1. */
  readonly number?: number;
  readonly state: ServiceState;
  readonly address: string;
  readonly detail: string;
}

const marks: Readonly<Record<ServiceState, string>> = {
  waiting: "·",
  starting: "…",
  healthy: "✓",
  unhealthy: "✗",
  stopping: "↓",
  ended: "✗",
};

export function statusTable(rows: readonly ServiceRow[]): string {
  const table = [
    ["SERVICE", "STATE", "ADDRESS", ""],
    ...rows.map(({ service, number, state, address, detail }) => [
      number === undefined ? service : `${service} ${number}`,
      `${marks[state]} ${state}`,
      address,
      detail,
    ]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((cells) => (cells[column] ?? "").length)));
  return table
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Everything that is to run runs. */
export function allHealthy(rows: readonly ServiceRow[]): boolean {
  return rows.length > 0 && rows.every(({ state }) => state === "healthy");
}
