/**
 * The tutorial that comes with Tidetable as the user's own files: the page saves what was run, and what was shipped
 * stays as it was shipped.
 */
import { constants } from "node:fs";
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Copies each notebook that is not there yet. @returns the folder of the copies */
export async function workingCopies(shippedDirectory: string, dataDirectory: string): Promise<string> {
  const directory = join(dataDirectory, "notebooks");
  await mkdir(directory, { recursive: true });
  for (const name of await readdir(shippedDirectory)) {
    if (!name.endsWith(".ipynb")) continue;
    // One that is there is the user's, whatever has become of it.
    await copyFile(join(shippedDirectory, name), join(directory, name), constants.COPYFILE_EXCL).catch(
      (error: unknown) => {
        if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      },
    );
  }
  return directory;
}
