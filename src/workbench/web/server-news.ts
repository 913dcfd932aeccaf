/** What the server says about a kernel that this page cannot reach. */
import { PageConfig, URLExt } from "@jupyterlab/coreutils";
import { type Kernel, ServerConnection } from "@jupyterlab/services";

export type ServerNews =
  /** Nobody answers. */
  | { readonly kind: "silent" }
  /** A workbench that was started since and does not know this page. */
  | { readonly kind: "stranger" }
  /** A workbench that was started since and lets this page in. */
  | { readonly kind: "anew"; readonly instance: string }
  | { readonly kind: "running" }
  /** `reason` is in words, without a full stop; empty when there is none. */
  | { readonly kind: "stopped"; readonly reason: string };

/** A kernel that this page had, even one whose connection is disposed. */
export type KnownKernel = Pick<Kernel.IKernelConnection, "serverSettings" | "id">;

const answerWaitMsMax = 5000;
const instanceOption = "instance";

export async function askServer({ serverSettings, id }: KnownKernel): Promise<ServerNews> {
  const ask = async (path: string) => {
    const init = { signal: AbortSignal.timeout(answerWaitMsMax) };
    return ServerConnection.makeRequest(URLExt.join(serverSettings.baseUrl, path), init, serverSettings);
  };
  try {
    const status = await ask("api/status");
    if (status.status === 401 || status.status === 403) return { kind: "stranger" };
    const { instance } = (await status.json()) as { instance?: unknown };
    if (typeof instance === "string" && instance !== PageConfig.getOption(instanceOption)) {
      return { kind: "anew", instance };
    }
    const response = await ask(`api/kernels/${encodeURIComponent(id)}`);
    const model = (await response.json()) as { execution_state?: unknown; reason?: unknown };
    if (response.ok && model.execution_state !== "dead") return { kind: "running" };
    return { kind: "stopped", reason: typeof model.reason === "string" ? model.reason.replace(/\.$/, "") : "" };
  } catch {
    // No answer, or none that can be read: either way there is no workbench to talk to.
    return { kind: "silent" };
  }
}

/** The page has a kernel of this run of the workbench now. */
export function belongTo(instance: string): void {
  PageConfig.setOption(instanceOption, instance);
}
