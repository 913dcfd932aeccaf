/** What the server tells a viewer's page, and that page reads: types alone, for both sides. */

export type ViewCell =
  | { readonly kind: "text"; readonly source: string }
  | { readonly kind: "outputs"; readonly outputs: readonly unknown[] };

export type ViewEvent =
  | { readonly kind: "display"; readonly id: string; readonly data: unknown; readonly metadata: unknown }
  | { readonly kind: "saved" }
  /** Nothing has happened; the connection is alive. */
  | { readonly kind: "alive" };
