/** Errors for the user, and the text and exit status of every error that ends a command. */
import { callerRemedyFor, remedyFor, remedyIn } from "./remedies.ts";

/** Options of a {@link UserError}. */
export interface UserErrorOptions {
  /** How to fix it, without a full stop. @default the message contains it */
  readonly hint?: string | undefined;
  /** Exit status of the command. @default 1 */
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/** An error whose message is written for the user: it is printed without a stack trace. */
export class UserError extends Error {
  override readonly name: string = "UserError";
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(message: string, { hint, exitCode = 1, cause }: UserErrorOptions = {}) {
    super(message, { cause });
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

/** An error that quotes another program, such as Pulumi or Python. A known remedy for the quoted text is its hint. */
export class QuotedError extends UserError {
  constructor(message: string, options: Omit<UserErrorOptions, "hint"> = {}) {
    super(message, { ...options, hint: remedyIn(message) });
  }
}

/** A wrong input or a missing requirement: an option, a file or a setting must change first. Exit status 2. */
export class InvalidInputError extends UserError {
  override readonly name: string = "InvalidInputError";

  constructor(message: string, options: Omit<UserErrorOptions, "exitCode"> = {}) {
    super(message, { ...options, exitCode: 2 });
  }
}

/** An invalid command line. Exit status 2. */
export class UsageError extends UserError {
  override readonly name = "UsageError";

  /** @param problems each without a full stop */
  constructor(...problems: readonly string[]) {
    super(`${problems.join("; ")}; --help lists the options.`, { exitCode: 2 });
  }
}

/** A signal ended the command. Its exit status is 128 plus the number of the signal, as in a shell. */
export class InterruptedError extends UserError {
  override readonly name = "InterruptedError";
  readonly #signal: string;

  /** @param rest the state that the command leaves, as a sentence */
  constructor(signal: string, exitCode: number, rest = "Nothing of it is left.") {
    super(`Stopped by ${signal}. ${rest}`, { exitCode });
    this.#signal = signal;
  }

  /** Returns the same interruption of a command that leaves something. */
  leaving(rest: string): InterruptedError {
    return new InterruptedError(this.#signal, this.exitCode, rest);
  }
}

/** Tells whether an abort signal caused the error. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** Returns AWS's error code or, for an error of the network or the file system, the system's. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if ("Code" in error && typeof error.Code === "string") return error.Code;
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.name;
}

/**
 * Describes an error for the user: the problem and, if known, the fix. Only a {@link UserError} has several lines; a
 * fault of this program is described by its stack trace.
 */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isFault(error)) return error.stack ?? error.message;
  const hint = hintOf(error);
  const text = describe(error);
  if (hint === undefined) return text;
  return text.includes("\n") ? `${text.trimEnd()}\n${hint}` : `${text} (${hint})`;
}

/**
 * Returns the exit status for an error that ends a command: that of a {@link UserError}; 2 if the machine, the
 * network, credentials or permissions must change first; otherwise 1.
 */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UserError) return error.exitCode;
  return error instanceof Error && hintOf(error) !== undefined ? 2 : 1;
}

function hintOf(error: Error): string | undefined {
  return error instanceof UserError ? error.hint : (remedyFor(error) ?? callerRemedyFor(error));
}

/** Tells whether an error is a fault of this program. `fetch` throws a TypeError with a cause for a broken connection. */
function isFault(error: Error): boolean {
  return [TypeError, RangeError, ReferenceError].some((kind) => error instanceof kind) && error.cause === undefined;
}

/** Describes the problem without the fix; in one line, unless it is a {@link UserError}. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof UserError) return error.message;
  const code = codeOf(error);
  const text = code === "NoSuchBucket" ? missingBucket(error) : error.message.replaceAll(/\s+/g, " ") || code;
  // An AWS error's name is its code, which the message often does not repeat.
  return "$metadata" in error && !text.includes(code) ? `${code}: ${text}` : text;
}

/** Describes a missing bucket: S3 names it in a separate member (API reference, "Error responses"). */
function missingBucket(error: Error): string {
  const name = "BucketName" in error && typeof error.BucketName === "string" ? ` ${error.BucketName}` : "";
  return `NoSuchBucket: bucket${name} does not exist`;
}
