/** Folders for what commands write. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { codeOf, SetupError } from "./errors.ts";

/**
 * Makes a folder, and the folders above it.
 * @throws SetupError if it cannot be made; `flag` names another place
 */
export async function makeFolder(folder: string, flag: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new SetupError(`Cannot make the folder ${folder} (${codeOf(error)}): choose another place with ${flag}.`);
  });
}

/**
 * Makes the folder for manifests whose place was not given.
 * @returns its path
 * @throws SetupError if it cannot be made
 */
export async function defaultFolder(): Promise<string> {
  const folder = path.resolve("out");
  await makeFolder(folder, "--manifest");
  return path.relative("", folder);
}
