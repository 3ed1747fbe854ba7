/** The setting `sourceBuckets` of the stacks that are deployed to the account: it extends the boundary by these buckets and keys. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import { z } from "zod";
import type { Account } from "./account.ts";
import { allow } from "./policy-document.ts";

/** The same form as in `infra/source-buckets.ts`, which this program may not import; `source-buckets.test.ts` compares the two. */
export const sourceBucket = z.strictObject({
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
  prefix: z
    .string()
    .regex(/^[^*?$/][^*?$]*$/)
    .optional(),
  keyArn: z
    .string()
    .regex(/^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/[a-zA-Z0-9-]+$/)
    .optional(),
});

/** A bucket that another stack, team or account owns. */
export type SourceBucket = Readonly<z.infer<typeof sourceBucket>>;

/** Permissions of the boundary for these buckets. A role also needs a policy that allows them. */
export function sourcePermissions(account: Account, sources: readonly SourceBucket[]): PolicyStatement[] {
  if (sources.length === 0) return [];
  const keys = sources.flatMap(({ keyArn }) => keyArn ?? []);
  return [
    allow(
      "Sources",
      ["s3:GetObject"],
      sources.map(({ bucket, prefix = "" }) => account.bucket(`${bucket}/${prefix}*`)),
    ),
    allow(
      "SourceBuckets",
      ["s3:ListBucket"],
      sources.map(({ bucket }) => account.bucket(bucket)),
    ),
    ...(keys.length === 0 ? [] : [allow("SourceKeys", ["kms:Decrypt"], [...new Set(keys)])]),
  ];
}
