/** Folders that are there whole or not at all: built beside their place, marked complete, then renamed into it. */
import { readFileSync, statSync } from "node:fs";
import { readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "../folders.mjs";
import { withLock } from "./lock.mjs";

/** The marker in a complete folder; it holds the size and the time of the files that `isComplete` looks at. */
export const COMPLETE = ".complete";

/**
 * What a step of the set-up is given.
 * @typedef {object} StepContext
 * @property {NodeJS.ProcessEnv} env
 * @property {string} cwd the folder that commands run in, unless they need another
 * @property {AbortSignal} signal
 * @property {(what: string) => void} report says what it is doing now
 */

/**
 * A folder that set-up makes.
 * @typedef {object} Installation
 * @property {string} root
 * @property {readonly string[]} files the files, relative to the root, without which it cannot work
 */

/**
 * Whether a folder is whole: its marker is there, and its files are those that the marker names. A few `stat`s, no more.
 * @param {Installation} installation
 * @returns {boolean}
 */
export function isComplete({ root, files }) {
  try {
    return readFileSync(join(root, COMPLETE), "utf8") === fingerprint(root, files);
  } catch {
    return false;
  }
}

/**
 * Makes a folder unless it is whole. Clones that need the same one at the same time wait for the first.
 * @param {Installation} installation
 * @param {StepContext} context
 * @param {(folder: string) => Promise<void>} build fills an empty folder, which is then renamed: nothing in it may depend on
 *   its name
 */
export async function installOnce(installation, context, build) {
  if (isComplete(installation)) return;
  const { root, files } = installation;
  const onWait = (/** @type {number | undefined} */ owner) => {
    context.report(
      owner === process.pid ? "waiting for another step" : `waiting for another set-up, process ${owner ?? "unknown"}`,
    );
  };
  await withLock(`${root}.lock`, { signal: context.signal, onWait }, async () => {
    if (isComplete(installation)) return;
    await removeLeftovers(root);
    const folder = `${root}.tmp-${process.pid}`;
    try {
      makeFolder(folder);
      await build(folder);
      await writeFile(join(folder, COMPLETE), fingerprint(folder, files));
      await rm(root, { recursive: true, force: true });
      await rename(folder, root);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

/**
 * Removes what set-ups that were killed left beside a folder. The caller has the folder's lock.
 * @param {string} root
 */
async function removeLeftovers(root) {
  const prefix = `${basename(root)}.tmp-`;
  for (const name of await readdir(dirname(root))) {
    if (name.startsWith(prefix)) await rm(join(dirname(root), name), { recursive: true, force: true });
  }
}

/**
 * @param {string} root
 * @param {readonly string[]} files
 */
function fingerprint(root, files) {
  return files
    .map((file) => {
      const { size, mtimeMs } = statSync(join(root, file));
      return `${file} ${size} ${mtimeMs}\n`;
    })
    .join("");
}
