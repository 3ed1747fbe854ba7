/** Makes folders. */
import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder and the missing ones above it, unless it exists. Node's recursive mkdir (24.21) never ends if a file system answers ENOENT
 * below a folder that exists, as /proc does.
 * @param {string} folder
 * @param {number} [mode] permissions of each folder that it makes
 * @throws {NodeJS.ErrnoException} of the mkdir that failed, with its path
 */
export function makeFolder(folder, mode) {
  if (isFolder(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent, mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // Another process may have made it in the meantime.
    if (!isFolder(folder)) throw error;
  }
}

/**
 * Makes a folder, unless it exists, and checks that this user may write into it.
 * @param {string} folder
 * @throws {NodeJS.ErrnoException} with the path that cannot be made or written
 */
export function makeWritable(folder) {
  makeFolder(folder);
  accessSync(folder, constants.W_OK);
}

/** @param {string} place */
function isFolder(place) {
  try {
    return statSync(place).isDirectory();
  } catch {
    return false;
  }
}
