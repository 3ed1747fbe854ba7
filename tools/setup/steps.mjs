/** Runs the steps of setup in parallel, and stops the others if one fails. */
import { statfsSync } from "node:fs";
import { repoRoot } from "../paths.mjs";
import { isDiskFull, MachineError, messageOf, SetupError, Stopped, unwritablePath } from "./errors.mjs";

/** Disk space of a complete setup in GB, measured on linux x64 with empty caches. */
const neededGb = 9;

/** Working folder of commands. In the caller's folder, uv would read uv.toml and Python would import modules. */
const neutralFolder = "/";

/**
 * A step that installs one dependency.
 * @typedef {object} Step
 * @property {string} name the name for `--only`
 * @property {string} title the name in the progress output
 * @property {() => boolean} isReady returns whether it is installed; must be fast, because it runs at every start
 * @property {(context: import("./install.mjs").StepContext) => Promise<void>} install
 */

/**
 * Runs steps. When it settles, none of their processes is running.
 * @param {readonly Step[]} steps
 * @param {{ env: NodeJS.ProcessEnv, signal: AbortSignal, progress: import("./progress.mjs").Progress, cacheRoot: string }} options
 * @throws {SetupError} with the reason of the first step that failed
 * @throws {Stopped} if the signal stopped the steps
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
          cwd: neutralFolder,
          signal: AbortSignal.any([signal, failed.signal]),
          report: (state) => {
            progress.report(step.title, state);
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
 * Converts any error, with a remedy for a full disk or a path that is not writable.
 * @param {unknown} error
 * @param {string} cacheRoot
 * @param {string} [title] title of the step
 * @returns {SetupError}
 */
export function asSetupError(error, cacheRoot, title) {
  if (error instanceof MachineError) return error;
  const message = title === undefined ? messageOf(error) : `${title}: ${messageOf(error)}`;
  if (isDiskFull(error)) {
    return new MachineError(
      `The disk is full. The environments and the CLI need about ${neededGb} GB, including the caches of npm, uv and Go; ` +
        `${freeSpace(cacheRoot)}, ${freeSpace(repoRoot)}. Free some space, or set ASYNC_VIDEO_INFERENCE_CACHE to a folder on another disk.\n${message}`,
    );
  }
  const path = unwritablePath(error);
  if (path !== undefined) {
    return new MachineError(
      `Setup cannot write to ${path}. ` +
        (path.startsWith(cacheRoot) || cacheRoot.startsWith(path.slice(0, path.lastIndexOf(" (")))
          ? "Set ASYNC_VIDEO_INFERENCE_CACHE to a folder that you can write to."
          : /\((EEXIST|ENOTDIR)\)$/.test(path)
            ? "A file or a broken link has the name of a folder. Remove it, and run the command again."
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
    return `the free space of ${folder} is unknown (${messageOf(error)})`;
  }
}
