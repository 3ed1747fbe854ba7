/** Errors of the client, and one clear line for every error that a caller may meet. */
import { isServerError, isThrottlingError, isTransientError } from "@smithy/core/retry";
import { isClockSkew, remedyFor } from "../../lib/remedies.ts";

/** Error in the caller's setup: a flag, a file, a stack or credentials must change first. Exit status 2. */
export class SetupError extends Error {
  override readonly name: string = "SetupError";
}

/** The service's answer breaks its contract. Exit status 1. */
export class ServiceAnswerError extends Error {
  override readonly name = "ServiceAnswerError";
}

type SdkError = Parameters<typeof isTransientError>[0];

/** Tells whether the caller's signal caused the error. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/**
 * Tells whether another try may succeed: throttling (by code, for any status), a server's fault, a broken connection.
 */
export function isPassing(error: unknown): error is Error {
  // The SDK counts a refusal because of the clock as transient, because it tries again with AWS's time.
  if (!(error instanceof Error) || isAbort(error) || isClockSkew(error)) return false;
  const sdkError = error as SdkError;
  return isThrottlingError(sdkError) || isTransientError(sdkError) || isServerError(sdkError);
}

/** Returns AWS's error code or, for a network error, the system's. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if ("Code" in error && typeof error.Code === "string") return error.Code;
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.name;
}

/** Hints for AWS errors about the caller's rights and the stack; `remedyFor` knows those of the machine. */
const hints: Readonly<Record<string, string>> = {
  CredentialsProviderError:
    "no AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  ExpiredToken: "the AWS credentials have expired: renew them",
  ExpiredTokenException: "the AWS credentials have expired: renew them",
  InvalidAccessKeyId: "the AWS credentials are not valid here: check the profile and the account",
  InvalidClientTokenId: "the AWS credentials are not valid here: check the profile and the account",
  UnrecognizedClientException: "the AWS credentials are not valid here: check the profile and the account",
  SignatureDoesNotMatch: "the AWS secret key does not belong to the access key",
  InvalidSignatureException: "the AWS secret key does not belong to the access key",
  AccessDenied: "these AWS credentials may not do this: attach the stack's caller policy",
  AccessDeniedException: "these AWS credentials may not do this: attach the stack's caller policy",
  NoSuchBucket: "is its stack still deployed, and is it the stack of these jobs?",
  PermanentRedirect: "the bucket is in another region than the stack's outputs name",
};

/** Remedies if a file or folder cannot be written, by the system's error code. */
const writeRemedies: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full, free some space",
  EDQUOT: "your disk quota is used up, free some space",
  EFBIG: "the limit on the size of files is reached, raise it",
  EACCES: "you have no permission to write there, change its permissions",
  EPERM: "you have no permission to write there, change its permissions",
  EROFS: "its file system is read-only",
  EEXIST: "a file has the name of a folder",
  ENOTDIR: "a file has the name of a folder",
};

/**
 * Says why a file or folder could not be written, and how to fix it.
 * @param elsewhere how to choose another place, such as "choose another folder with --to"
 */
export function writeRemedy(error: unknown, elsewhere: string): string {
  const code = codeOf(error);
  return Object.hasOwn(writeRemedies, code) ? `${writeRemedies[code] ?? ""}, or ${elsewhere}` : elsewhere;
}

/** Returns the fix for an error; undefined if its message has it, or if none is known. */
function hintFor(error: Error): string | undefined {
  if (error instanceof SetupError || error instanceof ServiceAnswerError) return undefined;
  const code = codeOf(error);
  return remedyFor(error) ?? (Object.hasOwn(hints, code) ? hints[code] : undefined);
}

/** Describes an error in one line: the problem and, if known, the fix. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = codeOf(error);
  const hint = hintFor(error);
  const words = code === "NoSuchBucket" ? missingBucket(error) : error.message.replaceAll(/\s+/g, " ") || code;
  // An AWS error's name is its code, which the message often does not repeat.
  const line = "$metadata" in error && !words.includes(code) ? `${code}: ${words}` : words;
  return hint === undefined ? line : `${line} (${hint})`;
}

/** Describes a missing bucket: S3 names it in a separate member (API reference, "Error responses"). */
function missingBucket(error: Error): string {
  const name = "BucketName" in error && typeof error.BucketName === "string" ? ` ${error.BucketName}` : "";
  return `NoSuchBucket: bucket${name} does not exist`;
}

/** Tells whether the caller's machine, files or credentials caused the error (exit status 2), not a job (1). */
export function isSetupProblem(error: unknown): boolean {
  return error instanceof SetupError || (error instanceof Error && hintFor(error) !== undefined);
}
