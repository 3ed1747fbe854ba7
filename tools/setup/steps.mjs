/** Runs the steps of a set-up side by side, and stops the others when one fails. */
import { statfsSync } from "node:fs";
import { repoRoot } from "../paths.mjs";
import { isDiskFull, MachineError, messageOf, SetupError, Stopped, unwritablePlace } from "./errors.mjs";

/** What everything takes on a disk, measured on linux x64 with empty caches, in GB. */
const NEEDED_GB = 9;

/** Commands run here and not in the caller's folder, where uv would read uv.toml and Python would import modules. */
const NEUTRAL_FOLDER = "/";

/**
 * One thing that a fresh machine lacks.
 * @typedef {object} Step
 * @property {string} name as `--only` takes it
 * @property {string} title as progress shows it
 * @property {() => boolean} isReady whether there is nothing to do; fast, it runs at every start
 * @property {(context: import("./install.mjs").StepContext) => Promise<void>} install
 */

/**
 * Installs what is missing. When it settles, nothing that it started runs on.
 * @param {readonly Step[]} steps
 * @param {{ env: NodeJS.ProcessEnv, signal: AbortSignal, progress: import("./progress.mjs").Progress, cacheRoot: string }} options
 * @throws {SetupError} with the reason of the step that failed first
 * @throws {Stopped} if the signal came first
 */
export async function installMissing(steps, { env, signal, progress, cacheRoot }) {
  const failed = new AbortController();
  /** @type {SetupError | undefined} */
  let failure;
  await Promise.all(
    steps.map(async (step) => {
      progress.start(step.title);
      try {
        await step.install({
          env,
          cwd: NEUTRAL_FOLDER,
          signal: AbortSignal.any([signal, failed.signal]),
          report: (what) => {
            progress.report(step.title, what);
          },
        });
        progress.end(step.title, "done");
      } catch (error) {
        progress.end(step.title, error instanceof Stopped ? "stopped" : "failed");
        if (failure === undefined && !(error instanceof Stopped)) failure = asSetupError(error, cacheRoot, step.title);
        failed.abort();
      }
    }),
  );
  if (failure !== undefined) throw failure;
  if (signal.aborted) throw new Stopped();
}

/**
 * What to tell about an error: with a remedy, if it is the machine's.
 * @param {unknown} error
 * @param {string} cacheRoot
 * @param {string} [title] the step's
 * @returns {SetupError}
 */
export function asSetupError(error, cacheRoot, title) {
  if (error instanceof MachineError) return error;
  const message = title === undefined ? messageOf(error) : `${title}: ${messageOf(error)}`;
  if (isDiskFull(error)) {
    return new MachineError(
      `The disk is full. The environments and the CLI need about ${NEEDED_GB} GB, the caches of npm, uv and Go included; ` +
        `${freeSpace(cacheRoot)}, ${freeSpace(repoRoot)}. Free some, or name a folder on another disk in ASYNC_VIDEO_INFERENCE_CACHE.\n${message}`,
    );
  }
  const place = unwritablePlace(error);
  if (place !== undefined) {
    return new MachineError(
      `Set-up cannot write to ${place}. ` +
        (place.startsWith(cacheRoot) || cacheRoot.startsWith(place.slice(0, place.lastIndexOf(" (")))
          ? "Name a folder that you can write to in ASYNC_VIDEO_INFERENCE_CACHE."
          : /\((EEXIST|ENOTDIR)\)$/.test(place)
            ? "A file or a broken link has the name of a folder: remove it, and run the command again."
            : "Clone the repository to a folder that you can write to."),
    );
  }
  return error instanceof SetupError ? error : new SetupError(message);
}

/** @param {string} folder */
function freeSpace(folder) {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return `${folder} has ${((bavail * bsize) / 1e9).toFixed(1)} GB left`;
  } catch (error) {
    return `how much is left could not be found out (${messageOf(error)})`;
  }
}
