/** Makes the folder for the files of a run of `npm start`. */
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../lib/files.ts";

/**
 * Makes a folder for a new run in `out`: `run-1`, `run-2` and so on, so that no run overwrites the files of another.
 * @returns its path
 */
export async function makeRunFolder(out: string): Promise<string> {
  makeFolder(out);
  const taken = (await readdir(out)).map((name) => Number(/^run-(\d{1,9})$/.exec(name)?.[1] ?? 0));
  for (let number = Math.max(0, ...taken) + 1; ; number++) {
    const folder = join(out, `run-${number}`);
    try {
      await mkdir(folder);
      return folder;
    } catch (error) {
      // Another command has just made it.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
