/** Writes files and makes folders, so that a full disk leaves no partial file. */
import { rename, rm, writeFile } from "node:fs/promises";

export { makeFolder } from "../tools/folders.mjs";

/**
 * Writes a file completely or not at all: into a draft next to it, which then takes its name.
 * @param mode permissions of the file
 * @throws Error with the file's name, and the system's error as its cause
 */
export async function writeWhole(file: string, content: string, mode = 0o666): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(draft, content, { mode });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`Cannot write ${file}: ${code ?? String(error)}`, { cause: error });
  }
}
