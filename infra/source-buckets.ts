/** Existing buckets whose videos the endpoint reads in place: the setting and its permissions. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Account } from "./account.ts";
import { kmsKeyArn } from "./setting-types.ts";

/**
 * A bucket that another stack, team or account owns. The name and the prefix become part of ARN patterns, so neither may contain IAM's
 * wildcards or start a policy variable. `infra/bootstrap/source-buckets.ts` has the same form.
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

/** Returns the s3:// prefixes that may be read. The prefix of a whole bucket ends with a slash. */
export function locationsOf(sources: readonly SourceBucket[]): string[] {
  return sources.map(({ bucket, prefix = "" }) => `s3://${bucket}/${prefix}`);
}

/** Permissions to read videos there, for the execution role and for callers, who check the video before they invoke the endpoint. */
export function readSources({ partition }: Account, sources: readonly SourceBucket[]): PolicyStatement[] {
  if (sources.length === 0) return [];
  const keys = sources.flatMap(({ keyArn }) => keyArn ?? []);
  return [
    {
      Sid: "ReadSources",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: sources.map(
        ({ bucket, prefix = "" }) => pulumi.interpolate`arn:${partition}:s3:::${bucket}/${prefix}*`,
      ),
    },
    {
      // Callers list a prefix. Without this permission S3 answers "access denied" for a missing object. No condition on the prefix:
      // GetObject needs this permission without one.
      Sid: "FindSources",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: sources.map(({ bucket }) => pulumi.interpolate`arn:${partition}:s3:::${bucket}`),
    },
    ...(keys.length === 0
      ? []
      : [{ Sid: "DecryptSources", Effect: "Allow" as const, Action: "kms:Decrypt", Resource: [...new Set(keys)] }]),
  ];
}
