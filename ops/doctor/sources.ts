/** Checks that the videos in the source buckets can be read. */
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { closing } from "../../lib/closing.ts";
import { describe } from "../../lib/errors.ts";
import type { SourceBucket } from "../../infra/source-buckets.ts";
import { forS3 } from "./aws-clients.ts";
import type { AwsAccess } from "./aws-clients.ts";
import { findingsOf, isNamed } from "./finding.ts";
import type { Finding } from "./finding.ts";

const { ok, problem, unchecked, warning } = findingsOf("sources");

/** docs/configuration.md has the policies that another account's bucket and key need. */
const policies =
  'If another account owns it, its owner must add the policies in docs/configuration.md ("Videos that are in S3 already") to the bucket and to its key';

/**
 * Lists a source and reads a byte of its first object, with the shell's credentials: the endpoint's role does not exist before the first
 * deployment, and a bucket's policy that allows this account allows both.
 */
export async function checkSource(
  { bucket, prefix = "", keyArn }: SourceBucket,
  aws: AwsAccess,
  env: NodeJS.ProcessEnv,
): Promise<Finding> {
  const place = `s3://${bucket}/${prefix}`;
  using client = closing(new S3Client(forS3(aws, env)));
  try {
    const listed = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 }));
    const [{ Key } = {}] = listed.Contents ?? [];
    if (Key === undefined) {
      return warning(
        `${place} contains no object`,
        "Check that bucket and prefix of sourceBuckets are the intended ones.",
      );
    }
    const { SSEKMSKeyId } = await client.send(new GetObjectCommand({ Bucket: bucket, Key, Range: "bytes=0-0" }));
    if (SSEKMSKeyId !== undefined && SSEKMSKeyId !== keyArn) {
      return warning(
        `${place}: ${Key} is encrypted with ${SSEKMSKeyId}, but sourceBuckets has ${keyArn ?? "no keyArn"}`,
        "Set its keyArn to that key and deploy, unless it is the account's aws/s3, which needs no permission.",
      );
    }
    return ok(`${place} can be read with these credentials`);
  } catch (error) {
    return findingOf(error, place, aws);
  }
}

function findingOf(error: unknown, place: string, aws: AwsAccess): Finding {
  if (isNamed(error, "NoSuchBucket")) {
    return problem(`${place}: the bucket does not exist`, "Correct sourceBuckets, or create the bucket.");
  }
  if (isNamed(error, "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")) {
    return problem(
      `${place} is in another region than the stack, ${aws.region}: SageMaker reads only from its region`,
      "Copy the videos to a bucket of the stack's region, or deploy a stack in the bucket's.",
    );
  }
  if (!isNamed(error, "AccessDenied", "KMS.AccessDeniedException")) {
    return unchecked(error, `Try aws s3 ls ${place}.`);
  }
  // S3 names the policy that denies (user guide, "Troubleshoot access denied (403 Forbidden) errors"). The user's permissions do not decide the role's.
  const reason = describe(error);
  if (reason.includes("no identity-based policy")) {
    return unchecked(`${place}: ${reason}`, "Grant yourself s3:ListBucket, s3:GetObject and kms:Decrypt there.");
  }
  return problem(`${place} cannot be read: ${reason}`, `${policies}; otherwise grant yourself read access.`);
}
