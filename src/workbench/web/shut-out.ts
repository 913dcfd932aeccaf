/** Shuts out every other browser and every link: asks the workbench for new secrets, and keeps this page in by its new cookie. */
import { URLExt } from "@jupyterlab/coreutils";
import { ServerConnection, type ServiceManager } from "@jupyterlab/services";
import { tellShutOut } from "./connection-news.js";

export async function shutOutOthers({ serverSettings }: ServiceManager.IManager): Promise<void> {
  const url = URLExt.join(serverSettings.baseUrl, "api/access");
  const answer = await ServerConnection.makeRequest(url, { method: "DELETE" }, serverSettings);
  if (!answer.ok) throw await ServerConnection.ResponseError.create(answer);
  tellShutOut();
}
