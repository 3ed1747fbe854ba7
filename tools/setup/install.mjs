/** Installs folders atomically: fills a temporary folder next to the target, marks it complete, and renames it. */
import { readFileSync, statSync } from "node:fs";
import { readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "../folders.mjs";
import { withLock } from "../lock.mjs";

/** The marker file in a complete folder. It contains the size and the time of the files that `isComplete` checks. */
export const complete = ".complete";

/**
 * The context of a step of setup.
 * @typedef {object} StepContext
 * @property {NodeJS.ProcessEnv} env
 * @property {string} cwd the default working folder of commands
 * @property {AbortSignal} signal
 * @property {(state: string) => void} report shows the step's current state
 */

/**
 * A folder that setup installs.
 * @typedef {object} Installation
 * @property {string} root
 * @property {readonly string[]} files required files, relative to the root
 */

/**
 * Returns whether a folder is complete: it has its marker, and its files match the marker. Takes only a few `stat` calls.
 * @param {Installation} installation
 * @returns {boolean}
 */
export function isComplete({ root, files }) {
  try {
    return readFileSync(join(root, complete), "utf8") === fingerprint(root, files);
  } catch {
    return false;
  }
}

/**
 * Installs a folder unless it is complete. Other processes and steps that need the same folder wait.
 * @param {Installation} installation
 * @param {StepContext} context
 * @param {(folder: string) => Promise<void>} build fills an empty folder, which is then renamed, so its content
 *   must not depend on the folder's name
 */
export async function installOnce(installation, context, build) {
  if (isComplete(installation)) return;
  const { root, files } = installation;
  const onWait = (/** @type {number | undefined} */ owner) => {
    context.report(
      owner === process.pid ? "waiting for another step" : `waiting for another setup, process ${owner ?? "unknown"}`,
    );
  };
  await withLock(`${root}.lock`, { signal: context.signal, onWait }, async () => {
    if (isComplete(installation)) return;
    await cleanUp(root);
    const folder = `${root}.tmp-${process.pid}`;
    try {
      makeFolder(folder);
      await build(folder);
      await writeFile(join(folder, complete), fingerprint(folder, files));
      await rm(root, { recursive: true, force: true });
      await rename(folder, root);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

/**
 * Removes temporary folders of killed setups. The caller must have the folder's lock.
 * @param {string} root
 */
async function cleanUp(root) {
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
