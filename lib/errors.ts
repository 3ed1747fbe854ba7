/** Errors for the user, and the text and exit status of every error that ends a command. */
import { callerRemedyFor, remedyFor } from "./remedies.ts";

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

/** An invalid command line. Exit status 2. */
export class UsageError extends UserError {
  override readonly name = "UsageError";

  /** @param problems each without a full stop */
  constructor(...problems: readonly string[]) {
    super(`${problems.join("; ")}; --help lists the options.`, { exitCode: 2 });
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
  const text = descriptionOf(error);
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

function descriptionOf(error: Error): string {
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
