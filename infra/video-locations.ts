/** The locations of videos, results and failures in S3, and their ARNs. */
import * as pulumi from "@pulumi/pulumi";
import { bucketArn } from "./account.ts";
import type { Account } from "./account.ts";

/** Names of the buckets, and prefixes of the keys in them. */
export interface VideoLocations {
  /** Name of the bucket of videos and model artifacts. */
  readonly inputBucket: pulumi.Input<string>;
  /**
   * Prefix of the keys of videos, with a trailing slash.
   * @default "input/"
   */
  readonly inputPrefix?: pulumi.Input<string>;
  /** Name of the bucket of results and failures. */
  readonly outputBucket: pulumi.Input<string>;
  /**
   * Prefix of the keys of results, with a trailing slash.
   * @default "results/"
   */
  readonly resultPrefix?: pulumi.Input<string>;
  /**
   * Prefix of the keys of failures, with a trailing slash.
   * @default "failures/"
   */
  readonly failurePrefix?: pulumi.Input<string>;
  /**
   * Prefix of the keys of job records, in the bucket of results, with a trailing slash.
   * @default "jobs/"
   */
  readonly jobPrefix?: pulumi.Input<string>;
}

/** ARNs of the buckets, and ARN patterns of the objects in them. */
export interface LocationArns {
  /** ARN of the bucket of videos and model artifacts. */
  readonly inputBucket: pulumi.Output<string>;
  /** ARN of the bucket of results and failures. */
  readonly outputBucket: pulumi.Output<string>;
  /** ARN pattern of videos. */
  readonly videos: pulumi.Output<string>;
  /** ARN pattern of results. */
  readonly results: pulumi.Output<string>;
  /** ARN pattern of failures. */
  readonly failures: pulumi.Output<string>;
  /** ARN pattern of job records. */
  readonly jobs: pulumi.Output<string>;
}

/** Returns the ARNs of locations in the account's partition. */
export function locationArns(account: Account, locations: Required<VideoLocations>): LocationArns {
  const inputBucket = bucketArn(account, locations.inputBucket);
  const outputBucket = bucketArn(account, locations.outputBucket);
  return {
    inputBucket,
    outputBucket,
    videos: pulumi.interpolate`${inputBucket}/${locations.inputPrefix}*`,
    results: pulumi.interpolate`${outputBucket}/${locations.resultPrefix}*`,
    failures: pulumi.interpolate`${outputBucket}/${locations.failurePrefix}*`,
    jobs: pulumi.interpolate`${outputBucket}/${locations.jobPrefix}*`,
  };
}

/** Returns the s3:// URL of a prefix, without a trailing slash, as in SageMaker's examples. */
export function s3Url(bucket: pulumi.Input<string>, prefix: pulumi.Input<string>): pulumi.Output<string> {
  return pulumi.interpolate`s3://${bucket}/${pulumi.output(prefix).apply((text) => text.replace(/\/$/, ""))}`;
}
