/** Which rows of a vector that DuckDB has filled are NULL. */
import bindings, { type Vector } from "@duckdb/node-bindings";

/** Undefined where none is: DuckDB then keeps no bits. */
export function nullsOf(vector: Vector, count: number): ((row: number) => boolean) | undefined {
  const validity: Uint8Array | null = bindings.vector_get_validity(vector, Math.ceil(count / 64) * 8);
  return validity ? (row) => (((validity[row >> 3] as number) >> (row & 7)) & 1) === 0 : undefined;
}
