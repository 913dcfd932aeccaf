/**
 * A folder held by an open handle: what is done in it is done in it, whatever its name leads to by then. So who may write
 * beside it cannot put a link in its place between two looks. Only Linux has names for open handles; elsewhere the path is used.
 */
import { constants } from "node:fs";
import { open, readlink } from "node:fs/promises";

/**
 * @param folder a real path, without links
 * @param use is given the path by which the folder is reached meanwhile
 * @throws Error when another folder, or a link, stands there by now
 */
export async function inHeldFolder<Outcome>(folder: string, use: (held: string) => Promise<Outcome>): Promise<Outcome> {
  if (process.platform !== "linux") return use(folder);
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const held = `/proc/self/fd/${handle.fd}`;
    if ((await readlink(held)) !== folder) throw new Error(`${folder} is another folder by now`);
    return await use(held);
  } finally {
    await handle.close();
  }
}
