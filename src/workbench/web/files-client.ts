/** The workbench's calls about files, beside those that JupyterLab's own client makes. */
import { URLExt } from "@jupyterlab/coreutils";
import { ServerConnection, type ServiceManager } from "@jupyterlab/services";

export interface ListedFile {
  readonly path: string;
  readonly name: string;
  readonly isFolder: boolean;
  /** Id of the session whose kernel runs for it. */
  readonly sessionId: string | undefined;
}

export class FilesClient {
  readonly #services: ServiceManager.IManager;

  constructor(services: ServiceManager.IManager) {
    this.#services = services;
  }

  async list(folder: string): Promise<readonly ListedFile[]> {
    const [listed] = await Promise.all([
      this.#services.contents.get(folder, { content: true }),
      this.#services.sessions.refreshRunning(),
    ]);
    const sessions = new Map([...this.#services.sessions.running()].map(({ path, id }) => [path, id]));
    const entries = listed.content as ReadonlyArray<{ path: string; name: string; type: string }>;
    return entries.map(({ path, name, type }) => ({
      path,
      name,
      isFolder: type === "directory",
      sessionId: sessions.get(path),
    }));
  }

  /** @returns its path */
  async create(folder: string): Promise<string> {
    return (await this.#services.contents.newUntitled({ path: folder, type: "notebook" })).path;
  }

  async duplicate(path: string): Promise<string> {
    return (await this.#services.contents.copy(path, folderOf(path))).path;
  }

  /** An open document of this path follows. */
  async rename(path: string, name: string): Promise<string> {
    return (await this.#services.contents.rename(path, inFolder(folderOf(path), name))).path;
  }

  /** @returns by which it can be brought back */
  async discard(path: string): Promise<string> {
    const { discarded } = await this.#call<{ discarded: string }>(path, "DELETE");
    return discarded;
  }

  async recover(path: string, discarded: string): Promise<void> {
    await this.#call(path, "POST", { recover: discarded });
  }

  /** Under this name, or the first free one like it. */
  async upload(folder: string, name: string, content: unknown): Promise<string> {
    const stem = name.replace(/\.ipynb$/, "");
    for (let number = 1; ; number++) {
      const path = inFolder(folder, `${stem}${number === 1 ? "" : ` ${number}`}.ipynb`);
      try {
        await this.#call(path, "PUT", { type: "notebook", isNew: true, content });
        return path;
      } catch (error) {
        const isTaken = error instanceof ServerConnection.ResponseError && error.response.status === 409;
        if (!isTaken || number >= 100) throw error;
      }
    }
  }

  async read(path: string): Promise<unknown> {
    return (await this.#services.contents.get(path, { content: true })).content;
  }

  async stopKernel(sessionId: string): Promise<void> {
    await this.#services.sessions.shutdown(sessionId);
  }

  async #call<Answer>(path: string, method: string, body?: object): Promise<Answer> {
    const { serverSettings } = this.#services;
    const url = URLExt.join(serverSettings.baseUrl, "api/contents", URLExt.encodeParts(path));
    const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await ServerConnection.makeRequest(url, init, serverSettings);
    if (!response.ok) throw await ServerConnection.ResponseError.create(response);
    return (await response.json()) as Answer;
  }
}

export function folderOf(path: string): string {
  return path.split("/").slice(0, -1).join("/");
}

function inFolder(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}
