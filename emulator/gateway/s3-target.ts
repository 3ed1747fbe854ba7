/** Paths of S3's buckets and objects on the gateway. */

import { bucketPattern } from "./origin.ts";
import type { Addressed } from "./origin.ts";

// Bucket names whose paths MiniStack interprets as paths of other services, for any signed service.
const reservedBucket = /^(\d{4}-\d{2}-\d{2}|health|iceberg.*|login|logout|oauth2|restapis|signup|v20180820)$/;

// S3 Control's path of a bucket's tags, and the start of its host name, which SDK clients form from the account.
const bucketTags = /^\/v20180820\/tags\/arn(%3A|:)aws(%3A|:)s3(%3A|:){3}[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/i;
const controlHost = /^\d{12}\.s3-control$/;

/**
 * Returns the path-style target of a request to S3; undefined for a path that is not a bucket's. MiniStack serves other
 * interfaces below some paths: administration, functions, catalogues.
 */
export function s3Target({ bucket }: Addressed, path: string, target: string): string | undefined {
  if (bucketTags.test(path) && (bucket === undefined || controlHost.test(bucket))) return target;
  if (bucket !== undefined) return isBucket(bucket) ? `/${bucket}${target}` : undefined;
  return path === "/" || isBucket(firstSegment(path)) ? target : undefined;
}

/** Tells whether a bucket of the gateway may have this name. */
export function isBucket(name: string): boolean {
  return bucketPattern.test(name) && !reservedBucket.test(name);
}

/** Returns the part of a path before its second slash: a bucket's name in path style. */
export function firstSegment(path: string): string {
  return path.split("/", 2)[1] ?? "";
}
