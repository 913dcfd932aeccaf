/**
 * The workbench's files as JupyterLab's components use them. A save says which version of the file the page knows; where another
 * page or program was faster by a moment, the file stays and the page asks, as for any file that has changed.
 */
import { type Contents, Drive } from "@jupyterlab/services";

export class KnowingDrive extends Drive {
  readonly #hashes = new Map<string, string>();

  override async get(path: string, options?: Contents.IFetchOptions): Promise<Contents.IModel> {
    return this.#note(path, await super.get(path, options));
  }

  override async save(path: string, options: Partial<Contents.IModel> = {}): Promise<Contents.IModel> {
    const known = this.#hashes.get(path);
    const told: Partial<Contents.IModel> & { known_hash?: string } =
      known === undefined ? options : { ...options, known_hash: known };
    return this.#note(path, await super.save(path, told));
  }

  #note(path: string, model: Contents.IModel): Contents.IModel {
    if (typeof model.hash === "string") this.#hashes.set(path, model.hash);
    return model;
  }
}
