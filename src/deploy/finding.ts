/** What a check of a deployment file found. Shapes only. */

export interface Finding {
  /** `wrong`: the cluster refuses it, or it cannot work. `advice`: it works, not as well as it could. */
  readonly severity: "wrong" | "advice";
  /** Path within the file: `container.portMappings[0].labels.VIP_0`; empty for the whole of it. */
  readonly where: string;
  /** What is wrong, and what to write instead. */
  readonly message: string;
}

export function wrong(where: string, message: string): Finding {
  return { severity: "wrong", where, message };
}

export function advice(where: string, message: string): Finding {
  return { severity: "advice", where, message };
}
