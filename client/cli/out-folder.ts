/** Makes folders for the output of commands. */
import { mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../../lib/errors.ts";
import { SetupError, writeRemedy } from "../src/errors.ts";

/**
 * Makes a folder, and the folders above it.
 * @throws SetupError if it cannot be made; `flag` chooses another one
 */
export function makeFolder(folder: string, flag: string): void {
  try {
    makeMissing(path.resolve(folder));
  } catch (error) {
    throw new SetupError(
      `Cannot make the folder ${folder} (${codeOf(error)}): ${writeRemedy(error, `choose another one with ${flag}`)}.`,
    );
  }
}

/**
 * Makes missing folders like recursive mkdir, but ends: Node's (24.21) never does if a file system answers ENOENT below
 * a folder that exists, as /proc does.
 */
function makeMissing(folder: string): void {
  if (isFolder(folder)) return;
  const parent = path.dirname(folder);
  if (parent !== folder) makeMissing(parent);
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have made it in the meantime.
    if (!isFolder(folder)) throw error;
  }
}

function isFolder(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * Makes the folder for journals without a given path.
 * @returns its path
 * @throws SetupError if it cannot be made
 */
export function defaultFolder(): string {
  const folder = path.resolve("out");
  makeFolder(folder, "--manifest");
  return path.relative("", folder);
}
