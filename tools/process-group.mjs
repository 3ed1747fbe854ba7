/** Runs a command in a separate process group, which can be ended as a whole. */
import { spawn } from "node:child_process";
import { hasCode } from "./setup/errors.mjs";

/**
 * @typedef {object} GroupOptions
 * @property {AbortSignal} signal ends the command and its descendants
 * @property {NodeJS.Signals} interruption the signal that asks the group to end
 * @property {number} grace milliseconds from the interruption to SIGKILL
 * @property {(output: import("node:stream").Readable, errors: import("node:stream").Readable) => void} listen gets both outputs
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string | undefined} [cwd]
 */

/**
 * Runs a command until it ends. After an abort, no process of its group is left. A terminal's Ctrl-C reaches only this process.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {GroupOptions} options
 * @returns {Promise<number | NodeJS.Signals>} the exit status, or the signal that ended it: SIGKILL also after the grace
 * @throws {NodeJS.ErrnoException} if it does not start
 */
export async function runInGroup(program, args, { signal, interruption, grace, listen, ...options }) {
  const child = spawn(program, args, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  listen(child.stdout, child.stderr);
  const killed = new AbortController();
  /** @type {NodeJS.Timeout | undefined} */
  let deadline;
  const end = () => {
    signalGroup(child.pid, interruption);
    deadline = setTimeout(() => {
      killed.abort();
      signalGroup(child.pid, "SIGKILL");
      // A process outside of the group may hold the pipes.
      child.stdout.destroy();
      child.stderr.destroy();
    }, grace);
  };
  signal.addEventListener("abort", end, { once: true });
  try {
    /** @type {number | NodeJS.Signals} */
    const status = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, killedBy) => {
        resolve(code ?? killedBy ?? "SIGKILL");
      });
    });
    return killed.signal.aborted ? "SIGKILL" : status;
  } finally {
    signal.removeEventListener("abort", end);
    clearTimeout(deadline);
    // A process may have ignored the interruption and closed its pipes.
    if (signal.aborted) signalGroup(child.pid, "SIGKILL");
  }
}

/**
 * @param {number | undefined} leader
 * @param {NodeJS.Signals} signal
 */
function signalGroup(leader, signal) {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch (error) {
    // The group has just ended; macOS answers EPERM then.
    if (!hasCode(error, "ESRCH", "EPERM")) throw error;
  }
}
