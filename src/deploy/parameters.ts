/**
 * Parameters of a deployment file: `${NAME}` inside its texts, as `envsubst` fills them too. What differs from cluster to
 * cluster (the image, the host name) is given when the file is used and stands in none of its versions. Pure.
 */

const parameter = /\$\{([A-Z][A-Z0-9_]*)\}/g;

export interface Filled {
  readonly text: string;
  /** Named in the text, and not given. */
  readonly missing: readonly string[];
  /** Given, and named nowhere. */
  readonly unknown: readonly string[];
}

/** Values go in as JSON text, so that one with a quote cannot end the string that it stands in. */
export function fillParameters(text: string, values: Readonly<Record<string, string>>): Filled {
  const named = new Set([...text.matchAll(parameter)].map(([, name]) => name ?? ""));
  return {
    text: text.replaceAll(parameter, (whole, name: string) =>
      Object.hasOwn(values, name) ? JSON.stringify(values[name]).slice(1, -1) : whole,
    ),
    missing: [...named].filter((name) => !Object.hasOwn(values, name)),
    unknown: Object.keys(values).filter((name) => !named.has(name)),
  };
}
