/** Rules that delete objects, their old versions, and unfinished uploads. */
import type { input } from "@pulumi/aws/types/index.js";
import * as pulumi from "@pulumi/pulumi";
import { defaults } from "./defaults.ts";

/** One rule of a bucket. */
export type LifecycleRule = input.s3.BucketLifecycleConfigurationRule;

/** Deletes the parts of an upload that is not completed within a day. */
export const abortUnfinishedUploads: LifecycleRule = {
  id: "unfinished-uploads",
  status: "Enabled",
  filter: { prefix: "" },
  abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
};

/** Returns a rule that deletes the objects under a prefix after some days. */
export function expireObjects(id: string, prefix: string, days: pulumi.Input<number>): LifecycleRule {
  return { id, status: "Enabled", filter: { prefix }, expiration: { days } };
}

/**
 * Returns rules for the versioned bucket. There, an expiration only hides a video, and a noncurrent version stays for at least one day: a retention of
 * N days is N - 1 days until the video is hidden, and one until it is deleted. The minimum is 2 days. S3 rounds both up to the next midnight
 * UTC, and may delete later. Source: S3 user guide, "Lifecycle configuration elements" and "Expiring objects".
 * @param days retention of videos
 */
export function versionedRules(days: pulumi.Input<number>): LifecycleRule[] {
  const daysUntilHidden = pulumi.output(days).apply((retention) => Math.max(1, retention - 1));
  return [
    { ...expireObjects("videos", defaults.inputPrefix, daysUntilHidden), ...expireNoncurrentVersions(1) },
    // An artifact that was deleted by mistake can be restored for a week.
    { id: "old-models", status: "Enabled", filter: { prefix: defaults.modelPrefix }, ...expireNoncurrentVersions(7) },
    // S3 refuses this in a rule with days.
    {
      id: "delete-markers",
      status: "Enabled",
      filter: { prefix: "" },
      expiration: { expiredObjectDeleteMarker: true },
    },
  ];
}

function expireNoncurrentVersions(noncurrentDays: number): Pick<LifecycleRule, "noncurrentVersionExpiration"> {
  return { noncurrentVersionExpiration: { noncurrentDays } };
}
