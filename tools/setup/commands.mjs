/** Runs commands in process groups, which can be stopped as a whole, and finds commands on a PATH. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { runInGroup } from "../process-group.mjs";
import { CommandFailed, hasCode, messageOf, Stopped } from "./errors.mjs";

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
  const ending = await runInGroup(command, args, {
    env,
    cwd,
    signal,
    interruption: "SIGTERM",
    grace: graceMs,
    listen: (stdout, stderr) => {
      listen(stdout, output);
      listen(stderr, []);
    },
  }).then(
    (status) => (typeof status === "number" ? `ended with status ${status}` : `was ended by ${status}`),
    (/** @type {unknown} */ error) =>
      hasCode(error, "ENOENT") ? "was not found" : `did not start: ${messageOf(error)}`,
  );
  if (isStopped()) throw new Stopped();
  if (ending !== "ended with status 0") throw new CommandFailed(command, ending, shown.join("\n"));
  return output.join("\n").trim();
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
