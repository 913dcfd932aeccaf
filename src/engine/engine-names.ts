/** The engines by the name that a cell and `TIDETABLE_ENGINE` give them. */
export const engineNames = ["duckdb", "alasql", "spark"] as const;

export type EngineName = (typeof engineNames)[number];
