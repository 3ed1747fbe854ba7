/** Existing buckets whose videos the endpoint reads in place: the setting, and what it allows to whom. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Account } from "./account.ts";
import { kmsKeyArn } from "./setting-types.ts";

/**
 * A bucket that another stack, team or account owns. A name and a prefix stand in ARN patterns, so neither may hold IAM's
 * wildcards or start a policy variable. `infra/bootstrap/source-buckets.ts` has the same form.
 */
export const sourceBucket = z.strictObject({
  /** S3's rules for names (user guide, "General purpose bucket naming rules"). */
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
  /** Start of the keys that may be read. @default every key */
  prefix: z
    .string()
    .regex(/^[^*?$/][^*?$]*$/)
    .optional(),
  /** ARN of the KMS key of the bucket's objects, which IAM needs in full. @default S3's own encryption */
  keyArn: z.string().regex(kmsKeyArn).optional(),
});

/** A bucket that another stack, team or account owns. */
export type SourceBucket = Readonly<z.infer<typeof sourceBucket>>;

/** s3:// prefixes of what may be read; one of a whole bucket ends with a slash. */
export function locationsOf(sources: readonly SourceBucket[]): string[] {
  return sources.map(({ bucket, prefix = "" }) => `s3://${bucket}/${prefix}`);
}

/** What reads videos there: the execution role, and callers, who look before they send. */
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
      // Callers list a prefix; and without it a missing object reads as "access denied". No condition on the prefix:
      // GetObject asks for this permission without one.
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
