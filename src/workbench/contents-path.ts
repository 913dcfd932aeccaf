/**
 * Where a path of the page lies on the disk: inside one folder, or nowhere. Neither `..`, nor an encoded path, nor a
 * link leads out of it. Reads no file.
 */
import { realpath } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { inHeldFolder } from "./held-folder.js";

/** A request that cannot be met, with the HTTP status that says so. The message is for the user. */
export class ContentsError extends Error {
  override readonly name = "ContentsError";
  readonly status: 400 | 404 | 409 | 413;

  constructor(status: 400 | 404 | 409 | 413, message: string) {
    super(message);
    this.status = status;
  }
}

export class Root {
  readonly directory: string;

  static async open(directory: string): Promise<Root> {
    return new Root(await realpath(directory));
  }

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** The real place of something that is there. Links are followed first and judged by where they lead. */
  async locate(path: string): Promise<string> {
    const real = await realpath(join(this.directory, ...partsOf(path))).catch(() => undefined);
    if (real === undefined) throw notFound(path);
    const inside = relative(this.directory, real);
    if (inside === ".." || inside.startsWith(`..${sep}`)) throw notFound(path);
    return real;
  }

  /** Uses something that is there, in its folder as it was found. */
  async reach<Outcome>(path: string, use: (file: string) => Promise<Outcome>): Promise<Outcome> {
    return inFolderOf(await this.locate(path), path, use);
  }

  /** Uses a folder that is there. */
  async reachFolder<Outcome>(path: string, use: (folder: string) => Promise<Outcome>): Promise<Outcome> {
    return held(await this.locate(path), path, use);
  }

  /** Uses the place of something that may not be there yet, in a folder that is. */
  async reachPlace<Outcome>(path: string, use: (file: string) => Promise<Outcome>): Promise<Outcome> {
    return inFolderOf(await this.#place(path), path, use);
  }

  /** What is there and is a link is refused. */
  async #place(path: string): Promise<string> {
    const parts = partsOf(path);
    const name = parts.at(-1);
    if (name === undefined) throw notInside(path);
    const file = join(await this.locate(parts.slice(0, -1).join("/")), name);
    const real = await realpath(file).catch(() => file);
    if (real !== file) throw new ContentsError(400, `${JSON.stringify(path)} is a link; it is not written through.`);
    return file;
  }
}

function inFolderOf<Outcome>(file: string, path: string, use: (file: string) => Promise<Outcome>): Promise<Outcome> {
  return held(dirname(file), path, (folder) => use(join(folder, basename(file))));
}

async function held<Outcome>(
  folder: string,
  path: string,
  use: (folder: string) => Promise<Outcome>,
): Promise<Outcome> {
  let isHeld = false;
  try {
    return await inHeldFolder(folder, (reached) => {
      isHeld = true;
      return use(reached);
    });
  } catch (error) {
    // It was there a moment ago.
    throw isHeld ? error : notFound(path);
  }
}

export function notFound(path: string): ContentsError {
  return new ContentsError(404, `there is no ${JSON.stringify(path)} in the workbench's folder.`);
}

function notInside(path: string): ContentsError {
  return new ContentsError(400, `${JSON.stringify(path)} is not a path inside the workbench's folder.`);
}

function partsOf(path: string): string[] {
  const parts = path === "" ? [] : path.split("/");
  if (!parts.every(isPlainName)) throw notInside(path);
  return parts;
}

/** One part of a path that means itself on every system: no dots at its front, no separators, no control characters. */
function isPlainName(part: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return part.length > 0 && part.length <= 255 && !part.startsWith(".") && !/[\u0000-\u001f\u007f\\/:]/.test(part);
}
