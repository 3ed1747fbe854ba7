/** What went wrong in a set-up, in words for the person who started it. */

/** A set-up that cannot go on: the message says why, and what to do. */
export class SetupError extends Error {
  /** @override */
  name = "SetupError";
}

/** A set-up that this machine stops, before or while it runs: a folder cannot be written, or a disk is full. */
export class MachineError extends SetupError {
  /** @override */
  name = "MachineError";
}

/** A set-up that was told to stop: by a signal, or because another step failed. */
export class Stopped extends Error {
  /** @override */
  name = "Stopped";

  constructor() {
    super("The set-up was stopped.");
  }
}

/** A command that ended with a status other than 0, or did not start at all. */
export class CommandFailed extends Error {
  /** @override */
  name = "CommandFailed";

  /**
   * @param {string} command
   * @param {string} how how it ended
   * @param {string} output its last lines
   */
  constructor(command, how, output) {
    super(output === "" ? `${command} ${how}` : `${command} ${how}:\n${indent(output)}`);
    /** The last lines that the command wrote. */
    this.output = output;
  }
}

/**
 * @param {unknown} error
 * @returns {string}
 */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * @param {string} text
 * @returns {string}
 */
export const indent = (text) => text.replace(/^(?=.)/gm, "  ");

/**
 * The place that could not be written, and why; undefined if an error has another reason. Linux says ENOENT for a new folder in a file
 * system that has no room for any, such as /proc.
 * @param {unknown} error
 * @returns {string | undefined}
 */
export function unwritablePlace(error) {
  if (!(error instanceof Error)) return undefined;
  const { code, path, syscall } = /** @type {NodeJS.ErrnoException} */ (error);
  const codes = ["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", ...(syscall === "mkdir" ? ["ENOENT"] : [])];
  return code !== undefined && codes.includes(code) && path !== undefined ? `${path} (${code})` : undefined;
}

/**
 * Whether an error, ours or a command's, comes from a disk without space.
 * @param {unknown} error
 * @returns {boolean}
 */
export const isDiskFull = (error) => /ENOSPC|no space left on device|disk quota exceeded/i.test(messageOf(error));
