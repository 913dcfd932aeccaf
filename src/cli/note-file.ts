/** Reading a note file for a command, with errors that name it. */
import { readFile, stat } from "node:fs/promises";
import { errorMessage, TidetableError } from "../errors.js";

/** More than any front-end opens. */
const bytesMax = 256 * 2 ** 20;

/** @param shown the path as the user gave it. @throws TidetableError NOTE_INVALID */
export async function readNoteFile(path: string, shown: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > bytesMax)
      throw new Error(`it has ${Math.round(size / 2 ** 20)} MiB; the limit is ${bytesMax / 2 ** 20} MiB`);
    return await readFile(path, "utf8");
  } catch (error) {
    throw new TidetableError("NOTE_INVALID", `${shown} cannot be read: ${errorMessage(error)}`, { cause: error });
  }
}
