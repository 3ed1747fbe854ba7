/** The locations in S3 that the endpoint may read. The client checks them before it sends a request. */
import { InputError } from "./errors.ts";
import type { StackOutputs } from "./outputs.ts";

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
