/** Existing buckets whose videos the endpoint reads in place: the setting and its permissions. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { bucketArn } from "./account.ts";
import type { Account } from "./account.ts";
import { allow } from "./iam/policy-document.ts";
import { kmsKeyArn } from "./setting-types.ts";

/**
 * A bucket that another stack, team or account owns. The name and the prefix become part of ARN patterns, so neither may contain IAM's
 * wildcards or start a policy variable.
 */
export const sourceBucket = z.strictObject({
  /** S3's rules for names (user guide, "General purpose bucket naming rules"). */
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
  /** Prefix of the keys that may be read. @default every key */
  prefix: z
    .string()
    .regex(/^[^*?$/][^*?$]*$/)
    .optional(),
  /** ARN of the KMS key of the bucket's objects, which IAM needs in full. @default S3's own encryption */
  keyArn: z.string().regex(kmsKeyArn).optional(),
});

/** A bucket that another stack, team or account owns. */
export type SourceBucket = Readonly<z.infer<typeof sourceBucket>>;

/** A bucket that another stack, team or account owns, as an argument of a component. */
export interface SourceBucketArgs {
  /** Name of the bucket. */
  readonly bucket: pulumi.Input<string>;
  /**
   * Prefix of the keys that may be read.
   * @default every key
   */
  readonly prefix?: pulumi.Input<string | undefined>;
  /**
   * ARN of the KMS key of the bucket's objects.
   * @default S3's own encryption
   */
  readonly keyArn?: pulumi.Input<string | undefined>;
}

/** Returns the s3:// prefixes that may be read. The prefix of a whole bucket ends with a slash. */
export function locationsOf(sources: readonly Pick<SourceBucket, "bucket" | "prefix">[]): string[] {
  return sources.map(({ bucket, prefix = "" }) => `s3://${bucket}/${prefix}`);
}

/** Permissions to read videos there, for the execution role and for callers, who check the video before they invoke the endpoint. */
export function readSources(account: Account, sources: readonly SourceBucket[]): PolicyStatement[] {
  if (sources.length === 0) return [];
  const keys = sources.flatMap(({ keyArn }) => keyArn ?? []);
  return [
    allow(
      "ReadSources",
      "s3:GetObject",
      sources.map(({ bucket, prefix = "" }) => bucketArn(account, `${bucket}/${prefix}*`)),
    ),
    // Callers list a prefix. Without this permission S3 answers "access denied" for a missing object. No condition on the prefix:
    // GetObject needs this permission without one.
    allow(
      "FindSources",
      "s3:ListBucket",
      sources.map(({ bucket }) => bucketArn(account, bucket)),
    ),
    ...(keys.length === 0 ? [] : [allow("DecryptSources", "kms:Decrypt", [...new Set(keys)])]),
  ];
}
