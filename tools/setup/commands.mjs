/** Runs commands in process groups, which can be stopped as a whole, and finds commands on a PATH. */
import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { CommandFailed, Stopped } from "./errors.mjs";

/** Time between SIGTERM and SIGKILL for a process group, in milliseconds. */
const graceMs = 3000;

/** Number of first and last lines of a failed command in its error. Some commands print the reason first, some last. */
const head = 8;
const tail = 12;

/**
 * @typedef {object} CommandOptions
 * @property {NodeJS.ProcessEnv} env
 * @property {AbortSignal} signal stops the command and its descendants
 * @property {string} [cwd]
 * @property {(line: string) => void} [onLine] gets each line of stdout and stderr immediately
 */

/**
 * Runs a command until it ends.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {CommandOptions} options
 * @returns {Promise<string>} its standard output, trimmed
 * @throws {CommandFailed} if it does not start or does not end with status 0
 * @throws {Stopped} if the signal stops it
 */
export async function run(command, args, { env, signal, cwd, onLine }) {
  const isStopped = () => signal.aborted;
  if (isStopped()) throw new Stopped();
  // A separate process group: it is stopped with all processes that the command started, and a terminal's Ctrl-C reaches only
  // this process, which then stops the group and cleans up.
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  /** @type {string[]} */
  const output = [];
  /** @type {string[]} */
  const shown = [];
  const listen = (/** @type {import("node:stream").Readable} */ stream, /** @type {string[]} */ kept) => {
    createInterface({ input: stream }).on("line", (line) => {
      kept.push(line);
      if (line.trim() !== "") shown.push(line.trimEnd());
      if (shown.length > head + 1 + tail) shown.splice(head, 2, "…");
      onLine?.(line);
    });
  };
  listen(child.stdout, output);
  listen(child.stderr, []);

  const ended = new Promise((resolve, reject) => {
    child.once("error", (/** @type {NodeJS.ErrnoException} */ error) => {
      reject(
        new CommandFailed(command, error.code === "ENOENT" ? "was not found" : `did not start: ${error.message}`, ""),
      );
    });
    child.once("close", (status, killer) => {
      if (status === 0) resolve(undefined);
      else
        reject(
          new CommandFailed(
            command,
            killer ? `was ended by ${killer}` : `ended with status ${status}`,
            shown.join("\n"),
          ),
        );
    });
  });

  /** @type {NodeJS.Timeout | undefined} */
  let grace;
  const stop = () => {
    killGroup(child.pid, "SIGTERM");
    grace = setTimeout(() => {
      killGroup(child.pid, "SIGKILL");
    }, graceMs);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    await ended;
  } catch (error) {
    throw isStopped() ? new Stopped() : error;
  } finally {
    signal.removeEventListener("abort", stop);
    clearTimeout(grace);
    // Kills processes that remain in the group.
    if (isStopped()) killGroup(child.pid, "SIGKILL");
  }
  return output.join("\n").trim();
}

/**
 * @param {number | undefined} leader
 * @param {NodeJS.Signals} signal
 */
function killGroup(leader, signal) {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/**
 * Returns the paths of the executables with a name, in the order of a PATH.
 * @param {string} name
 * @param {string | undefined} path
 * @returns {string[]}
 */
export function findOnPath(name, path) {
  return (path ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .filter(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
