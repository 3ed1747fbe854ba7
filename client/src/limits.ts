/** A stack's limits on one job, from its outputs. The client checks them before it uploads (a file's size: `video-file.ts`). */
import { SetupError } from "./errors.ts";
import type { StackOutputs } from "./outputs.ts";
import { InputError } from "./video-file.ts";

/** Longest run that SageMaker allows, seconds (API reference, InvokeEndpointAsync, InvocationTimeoutSeconds). */
export const maxTimeoutSeconds = 3600;

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

/** Start of keys that the handler reads in no bucket, and parts of a path that it reads in no key (`allowed_sources.py`). */
const reservedKey = /^s3:\/\/[^/]+\/((models|jobs|results|failures)\/|(.*\/)?\.\.?(\/|$))/s;

/**
 * Refuses a video that the endpoint may not read: one that is neither an input of the stack nor in a source bucket, or
 * whose key the handler refuses. The caller's rights do not count, because the video is read with the endpoint's role.
 * @throws InputError if the video is elsewhere
 */
export function checkLocation(
  outputs: Pick<StackOutputs, "requests" | "inputBucket" | "inputPrefix" | "sourceLocations">,
  uri: string,
): void {
  const { requests, inputBucket, inputPrefix, sourceLocations } = outputs;
  const inputs = `s3://${inputBucket}/${inputPrefix}`;
  if (isReadable(outputs, uri)) {
    if (requests === "payload" || !reservedKey.test(uri)) return;
    throw new InputError(
      `The stack's endpoint reads no key that starts with models/, jobs/, results/ or failures/ or has a part . or .., as ${uri}. ` +
        `Copy the video to another key, or set requests: payload and deploy.`,
    );
  }
  const others = sourceLocations.length === 0 ? "" : ` and ${sourceLocations.join(", ")}`;
  throw new InputError(
    `The stack's endpoint may not read ${uri}, only ${inputs}${others}. Upload the file instead, ` +
      `or add its bucket to the setting sourceBuckets and deploy.`,
  );
}

/** Tells whether the endpoint's role may read an object: an input of the stack, or an object of a source bucket. */
export function isReadable(
  { inputBucket, inputPrefix, sourceLocations }: Pick<StackOutputs, "inputBucket" | "inputPrefix" | "sourceLocations">,
  uri: string,
): boolean {
  return [`s3://${inputBucket}/${inputPrefix}`, ...sourceLocations].some((location) => uri.startsWith(location));
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

/** Checks that a limit is known: an earlier version of the program had limits but no outputs for them. */
function known(name: string, limit: number | undefined): number {
  if (limit !== undefined) return limit;
  throw new SetupError(
    `The stack's outputs have no ${name}, so its limit is unknown: deploy the stack with this version of the program first.`,
  );
}
