/** Makes folders for the output of commands. */
import { relative, resolve } from "node:path";
import { codeOf } from "../../lib/errors.ts";
import * as files from "../../lib/files.ts";
import { writeRemedy } from "../../lib/remedies.ts";
import { SetupError } from "../src/errors.ts";

/**
 * Makes a folder, and the folders above it.
 * @throws SetupError if it cannot be made; `flag` chooses another one
 */
export function makeFolder(folder: string, flag: string): void {
  try {
    files.makeFolder(resolve(folder));
  } catch (error) {
    throw new SetupError(
      `Cannot make the folder ${folder} (${codeOf(error)}): ${writeRemedy(error, `choose another one with ${flag}`)}.`,
    );
  }
}

/**
 * Makes the folder for journals without a given path.
 * @returns its path
 * @throws SetupError if it cannot be made
 */
export function defaultFolder(): string {
  const folder = resolve("out");
  makeFolder(folder, "--journal");
  return relative("", folder);
}
