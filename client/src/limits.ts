/**
 * Limits on sizes, numbers and times: of a video's file, a job's run and parts, a result, a request object and a job
 * record. The client checks a job against its stack's limits before it uploads.
 */
import { InputError, SetupError } from "./errors.ts";
import type { StackOutputs } from "./outputs.ts";

/** Maximum input of an asynchronous endpoint, bytes (AWS: "payloads up to 1 GB"); a stack may accept less. */
export const maxInputBytes = 1024 ** 3;

/** Maximum number of parts of an object (S3 user guide, "Amazon S3 multipart upload limits"). */
export const maxUploadParts = 10_000;

/**
 * Maximum size of an object in S3, bytes, and so of a video that a request refers to: parts of 5 GiB (the same page of
 * the S3 user guide).
 */
export const maxObjectBytes = maxUploadParts * 5 * 1024 ** 3;

/** Longest run that SageMaker allows, seconds (API reference, InvokeEndpointAsync, InvocationTimeoutSeconds). */
export const maxTimeoutSeconds = 3600;

/**
 * Maximum number of parts of a job. AWS states no limit: it keeps a job's record small, which is written once for each
 * request. Its numbers fit into the five digits of `part-00017.json` and into an InferenceId of 64 characters.
 */
export const maxParts = 1_000;

/** Maximum size of a request object, bytes, as in the handler. */
export const maxRequestBytes = 64 * 1024;

/** Maximum size of a job record, bytes: hundreds of parts, each with its attempts. */
export const maxRecordBytes = 4 * 1024 ** 2;

/**
 * Maximum size of a result if the stack's outputs do not have it, MiB: the maximum of the program's setting
 * `maxResponseSize`.
 */
const maxResponseMib = 2047;

/**
 * Returns the size of the largest video that the stack accepts, bytes.
 * @throws SetupError if the outputs do not have the limit
 */
export function maxInputBytesOf({
  requests,
  maxRequestSize,
  maxInputSize,
}: Pick<StackOutputs, "requests" | "maxRequestSize" | "maxInputSize">): number {
  const mebibytes =
    requests === "reference" ? known("maxInputSize", maxInputSize) : known("maxRequestSize", maxRequestSize);
  return mebibytes * 1024 ** 2;
}

/** @throws InputError if an input of this size is empty or larger than `maxBytes` */
export function checkSize(name: string, bytes: number, maxBytes: number): void {
  if (bytes === 0) throw new InputError(`${name} is empty: it contains no video.`);
  if (bytes <= maxBytes) return;
  if (maxBytes > maxInputBytes) {
    throw new InputError(
      `${name} has ${mebibytesOf(bytes)} MiB; S3 stores up to ${mebibytesOf(maxBytes)} MiB in an object. Cut it (ffmpeg -c copy -f segment -segment_time 3600).`,
    );
  }
  const [size, max, largest] = [bytes, maxBytes, maxInputBytes].map(mebibytesOf);
  const who = maxBytes < maxInputBytes ? "the stack" : "an asynchronous endpoint";
  const setting = maxBytes < maxInputBytes ? " (its setting maxRequestSize)" : "";
  const raise = maxBytes < maxInputBytes ? `, raise maxRequestSize (to at most ${largest ?? ""})` : "";
  throw new InputError(
    `${name} has ${size ?? ""} MiB; ${who} accepts up to ${max ?? ""} MiB${setting}. Cut it (ffmpeg -c copy -f segment -segment_time 600) ` +
      `or encode it at a lower bit rate${raise}, or set requests: reference and deploy.`,
  );
}

/** Converts to MiB, rounded up to a tenth, so that a size above a limit is also shown as such. */
function mebibytesOf(bytes: number): number {
  return Math.ceil((10 * bytes) / 1024 ** 2) / 10;
}

/**
 * Returns the time limit of one run, seconds: the caller's, or the stack's. The model server stops at the stack's
 * limit, even if SageMaker was given a longer one.
 * @throws InputError if the caller asks for more than the limit; SetupError if the outputs do not have it
 */
export function timeoutWithin({ invocationTimeout }: Pick<StackOutputs, "invocationTimeout">, asked?: number): number {
  const limit = known("invocationTimeout", invocationTimeout);
  if (asked === undefined || asked <= limit) return asked ?? limit;
  throw new InputError(
    `A timeout of ${asked} s is too long: the stack allows ${limit} s (its setting invocationTimeout). ` +
      `Give at most ${limit}, or raise invocationTimeout (to at most ${maxTimeoutSeconds}) and deploy.`,
  );
}

/** Returns the maximum size of a result of the stack, bytes. */
export function maxResultBytesOf({ maxResponseSize }: Pick<StackOutputs, "maxResponseSize">): number {
  return (maxResponseSize ?? maxResponseMib) * 1024 ** 2;
}

/** Checks that a limit is known: an earlier version of the program had limits but no outputs for them. */
function known(name: string, limit: number | undefined): number {
  if (limit !== undefined) return limit;
  throw new SetupError(
    `The stack's outputs have no ${name}, so its limit is unknown: deploy the stack with this version of the program first.`,
  );
}
