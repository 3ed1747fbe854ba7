/** Errors of the client, and their properties. */
import { isServerError, isThrottlingError, isTransientError } from "@smithy/core/retry";
import { codeOf, exitCodeOf, explain, isAbort, UserError } from "../../lib/errors.ts";
import { callerRemedyFor, isClockSkew, remedyFor } from "../../lib/remedies.ts";

/** Base class of the client's errors: the message says what is wrong and how to fix it. */
export class ClientError extends UserError {
  override readonly name: string = "ClientError";
}

/** Error in the caller's setup: an option, a file or a stack must change first. Exit status 2. */
export class SetupError extends ClientError {
  override readonly name: string = "SetupError";

  constructor(message: string, { cause }: { readonly cause?: unknown } = {}) {
    super(message, { exitCode: 2, cause });
  }
}

/** A problem of one video; others are not affected. Exit status 2. */
export class InputError extends SetupError {
  override readonly name = "InputError";
}

/** Another process holds the lock. */
export class BusyError extends SetupError {
  override readonly name = "BusyError";
}

/** The service's answer, or a result, breaks its contract. Exit status 1. */
export class ServiceAnswerError extends ClientError {
  override readonly name = "ServiceAnswerError";
}

/** A job has no result. Exit status 1. */
export class NoResultError extends ClientError {
  override readonly name = "NoResultError";
}

/** The content of an upload does not have the checksums of its parts. */
export class ChangedContentError extends Error {
  override readonly name = "ChangedContentError";
}

/** AWS refuses a call, or cannot be reached; `cause` is the AWS SDK's error. */
export class AwsError extends ClientError {
  override readonly name = "AwsError";
  /** AWS's error code, or the system's for an error of the network: `AccessDenied`, `ECONNREFUSED`, … */
  readonly code: string;

  constructor(cause: Error) {
    super(explain(cause), { cause, exitCode: exitCodeOf(cause) });
    this.code = codeOf(cause);
  }
}

/**
 * Returns the {@link ClientError} for an error of the file system, of AWS or of the network; any other error unchanged,
 * such as an abort or a fault of this program.
 */
export function asClientError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof UserError || isAbort(error)) return error;
  // Node's errors of the file system have a path, those of the network have not.
  if ("syscall" in error && "path" in error) return new SetupError(`${explain(error)}.`, { cause: error });
  const isKnown = "$metadata" in error || (remedyFor(error) ?? callerRemedyFor(error)) !== undefined;
  return isKnown || isPassing(error) ? new AwsError(error) : error;
}

type SdkError = Parameters<typeof isTransientError>[0];

/**
 * Tells whether another try may succeed: throttling (by code, for any status), a server's fault, a broken connection.
 */
export function isPassing(error: unknown): error is Error {
  // The SDK counts a refusal because of the clock as transient, because it tries again with AWS's time.
  if (!(error instanceof Error) || isAbort(error) || isClockSkew(error)) return false;
  // And it counts any refusal as transient whose Date header corrected its clock, as the emulator's does.
  if ("$metadata" in error && callerRemedyFor(error) !== undefined) return false;
  const sdkError = error as SdkError;
  return isThrottlingError(sdkError) || isTransientError(sdkError) || isServerError(sdkError);
}
