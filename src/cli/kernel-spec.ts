/** `tidetable kernel install` and `kernel uninstall`: the command line around kernel/install.ts. */
import { installKernelSpec, uninstallKernelSpec } from "../../kernel/install.js";
import type { CommandContext } from "./command.js";
import { parseOptions, UsageError } from "./command.js";

const options = {
  user: { type: "boolean" },
  prefix: { type: "string" },
  "sys-prefix": { type: "boolean" },
  name: { type: "string" },
} as const;

export async function kernelInstall(context: CommandContext): Promise<number> {
  const installed = await installKernelSpec(target(context));
  context.print(`Installed the kernel "${installed.name}" in ${installed.directory}`);
  context.print("Start JupyterLab and choose Tidetable (TypeScript), or run a notebook with: jupyter execute NOTEBOOK");
  context.print(
    `In Zeppelin, add ${installed.name}:typescript to zeppelin.interpreter.jupyter.kernels of the interpreter jupyter,`,
  );
  context.print(
    "and put export PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python into conf/zeppelin-env.sh (docs/zeppelin.md).",
  );
  return 0;
}

export async function kernelUninstall(context: CommandContext): Promise<number> {
  const removed = await uninstallKernelSpec(target(context));
  context.print(
    removed.existed
      ? `Removed ${removed.directory}`
      : `There is no kernel "${removed.name}" in ${removed.directory}; nothing to do.`,
  );
  return 0;
}

function target(context: CommandContext) {
  const { values } = parseOptions(context.arguments, options);
  const chosen = [values.user, values.prefix !== undefined, values["sys-prefix"]].filter(Boolean).length;
  if (chosen > 1) throw new UsageError("takes one of --user, --prefix DIR, --sys-prefix");
  return {
    location:
      values.prefix !== undefined
        ? ({ kind: "prefix", directory: values.prefix } as const)
        : values["sys-prefix"]
          ? ({ kind: "sys-prefix" } as const)
          : ({ kind: "user" } as const),
    name: values.name ?? "tidetable",
    environment: context.environment,
  };
}
