/** Runs commands as process groups that can be stopped whole, and finds them on a PATH. */
import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { CommandFailed, Stopped } from "./errors.mjs";

/** How long a process group may take to end by itself, in milliseconds. */
const GRACE = 3000;

/** How many lines of a failed command its error shows: some name the reason first, some last. */
const HEAD = 8;
const TAIL = 12;

/**
 * @typedef {object} CommandOptions
 * @property {NodeJS.ProcessEnv} env
 * @property {AbortSignal} signal stops the command and all it started
 * @property {string} [cwd]
 * @property {(line: string) => void} [onLine] is told each line of stdout and stderr as it comes
 */

/**
 * Runs a command to its end.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {CommandOptions} options
 * @returns {Promise<string>} what it wrote to stdout, without white space at the ends
 * @throws {CommandFailed} if it did not end with status 0
 * @throws {Stopped} if the signal stopped it
 */
export async function run(command, args, { env, signal, cwd, onLine }) {
  const isStopped = () => signal.aborted;
  if (isStopped()) throw new Stopped();
  // A process group of its own: what is stopped is all that the command started, and a terminal's Ctrl-C reaches only us,
  // who then stop it and clean up.
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  /** @type {string[]} */
  const output = [];
  /** @type {string[]} */
  const shown = [];
  const listen = (/** @type {import("node:stream").Readable} */ stream, /** @type {string[]} */ kept) => {
    createInterface({ input: stream }).on("line", (line) => {
      kept.push(line);
      if (line.trim() !== "") shown.push(line.trimEnd());
      if (shown.length > HEAD + 1 + TAIL) shown.splice(HEAD, 2, "…");
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
    }, GRACE);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    await ended;
  } catch (error) {
    throw isStopped() ? new Stopped() : error;
  } finally {
    signal.removeEventListener("abort", stop);
    clearTimeout(grace);
    // What the command left behind in its group.
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
 * The executables of a name, in the order of a PATH.
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
