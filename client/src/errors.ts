/** The client's own errors, and one clear line for every error that a caller may meet. */
import { isServerError, isThrottlingError, isTransientError } from "@smithy/core/retry";
import { isClockSkew, remedyFor } from "../../lib/remedies.ts";

/** What the caller or the machine must change first: a flag, a file, a stack, credentials. Exit status 2. */
export class SetupError extends Error {
  override readonly name: string = "SetupError";
}

/** The service answered something that its contract does not allow. Exit status 1. */
export class ServiceAnswerError extends Error {
  override readonly name = "ServiceAnswerError";
}

type SdkError = Parameters<typeof isTransientError>[0];

/** Aborted by the caller's signal. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** Worth another try later: throttling (by code, whatever the status), a server's fault, a broken connection. */
export function isPassing(error: unknown): error is Error {
  // The SDK takes a refusal because of the clock for transient, since it tries again with AWS's time.
  if (!(error instanceof Error) || isAbort(error) || isClockSkew(error)) return false;
  const sdkError = error as SdkError;
  return isThrottlingError(sdkError) || isTransientError(sdkError) || isServerError(sdkError);
}

/** AWS's error code or, for an error of the network, the system's. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if ("Code" in error && typeof error.Code === "string") return error.Code;
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.name;
}

/** For the errors of AWS that are about the caller's rights and the stack; `remedyFor` knows those of the machine. */
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
  PermanentRedirect: "the bucket is in another region than the stack's outputs say",
};

/** What to do if a file or folder cannot be written, by the system's code. */
const writeRemedies: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full, make room",
  EDQUOT: "your disk quota is used up, make room",
  EFBIG: "the limit on the size of files is reached, raise it",
  EACCES: "you have no permission to write there, change its permissions",
  EPERM: "you have no permission to write there, change its permissions",
  EROFS: "its file system is read-only",
  EEXIST: "a file has the name of a folder",
  ENOTDIR: "a file has the name of a folder",
};

/**
 * Says why a file or folder could not be written, and what to do.
 * @param elsewhere how to choose another place, such as "choose another folder with --to"
 */
export function writeRemedy(error: unknown, elsewhere: string): string {
  const code = codeOf(error);
  return Object.hasOwn(writeRemedies, code) ? `${writeRemedies[code] ?? ""}, or ${elsewhere}` : elsewhere;
}

/** What to do about an error; undefined if its message says it, or if it is not known. */
function hintFor(error: Error): string | undefined {
  if (error instanceof SetupError || error instanceof ServiceAnswerError) return undefined;
  const code = codeOf(error);
  return remedyFor(error) ?? (Object.hasOwn(hints, code) ? hints[code] : undefined);
}

/** One line that says what was wrong and, where it is known, what to do. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = codeOf(error);
  const hint = hintFor(error);
  const words = code === "NoSuchBucket" ? missingBucket(error) : error.message.replaceAll(/\s+/g, " ") || code;
  // An AWS error's name is its code, which the message alone often does not say.
  const line = "$metadata" in error && !words.includes(code) ? `${code}: ${words}` : words;
  return hint === undefined ? line : `${line} (${hint})`;
}

/** S3 names the bucket next to its message (API reference, "Error responses"). */
function missingBucket(error: Error): string {
  const name = "BucketName" in error && typeof error.BucketName === "string" ? ` ${error.BucketName}` : "";
  return `NoSuchBucket: bucket${name} does not exist`;
}

/** Whether the cause lies with the caller's machine, files or credentials (exit status 2) and not with a job (1). */
export function isSetupProblem(error: unknown): boolean {
  return error instanceof SetupError || (error instanceof Error && hintFor(error) !== undefined);
}
