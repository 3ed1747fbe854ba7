/** Errors of setup, with messages for its user. */

/** An error that ends setup. The message has the reason and a remedy. */
export class SetupError extends Error {
  /** @override */
  name = "SetupError";
}

/** The machine prevents setup: a folder is not writable, or a disk is full. */
export class MachineError extends SetupError {
  /** @override */
  name = "MachineError";
}

/** Setup was stopped by a signal, or because another step failed. */
export class Stopped extends Error {
  /** @override */
  name = "Stopped";

  constructor() {
    super("Setup was stopped.");
  }
}

/** A command did not start, or ended with a status other than 0. */
export class CommandFailed extends Error {
  /** @override */
  name = "CommandFailed";

  /**
   * @param {string} command
   * @param {string} ending how it ended, such as "ended with status 1"
   * @param {string} output its first and last lines
   */
  constructor(command, ending, output) {
    super(output === "" ? `${command} ${ending}` : `${command} ${ending}:\n${indent(output)}`);
    /** The first and last lines of the command's output. */
    this.output = output;
  }
}

/**
 * @param {unknown} error
 * @returns {string}
 */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * Tells whether an error of the system has one of some codes.
 * @param {unknown} error
 * @param {readonly string[]} codes
 * @returns {boolean}
 */
export const hasCode = (error, ...codes) =>
  error instanceof Error && "code" in error && codes.some((code) => error.code === code);

/**
 * @param {string} text
 * @returns {string}
 */
export const indent = (text) => text.replace(/^(?=.)/gm, "  ");

/**
 * Returns the path that is not writable, with the error code; undefined for any other error. Linux returns ENOENT for a new folder in a
 * file system that supports none, such as /proc.
 * @param {unknown} error
 * @returns {string | undefined}
 */
export function unwritablePath(error) {
  if (!(error instanceof Error)) return undefined;
  const { code, path, syscall } = /** @type {NodeJS.ErrnoException} */ (error);
  const codes = ["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", ...(syscall === "mkdir" ? ["ENOENT"] : [])];
  return code !== undefined && codes.includes(code) && path !== undefined ? `${path} (${code})` : undefined;
}

/**
 * Returns whether the cause of an error of Node or of a command is a full disk.
 * @param {unknown} error
 * @returns {boolean}
 */
export const isDiskFull = (error) => /ENOSPC|no space left on device|disk quota exceeded/i.test(messageOf(error));
