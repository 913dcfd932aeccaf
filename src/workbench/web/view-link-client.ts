/** Asks the workbench for a view-only link to a notebook, or to withdraw all of them. */
import { URLExt } from "@jupyterlab/coreutils";
import { ServerConnection, type ServiceManager } from "@jupyterlab/services";
import type { DashboardLinks } from "./dashboard.js";

/** @param path of the notebook, as it is called by then */
export function viewLinkClient({ serverSettings }: ServiceManager.IManager, path: () => string): DashboardLinks {
  const ask = async (init: RequestInit) => {
    const url = URLExt.join(serverSettings.baseUrl, "api/view-links");
    const answer = await ServerConnection.makeRequest(url, init, serverSettings);
    if (!answer.ok) throw await ServerConnection.ResponseError.create(answer);
    return answer;
  };
  return {
    make: async () => {
      const answer = await ask({ method: "POST", body: JSON.stringify({ path: path() }) });
      return ((await answer.json()) as { url: string }).url;
    },
    withdraw: async () => {
      await ask({ method: "DELETE" });
    },
  };
}
