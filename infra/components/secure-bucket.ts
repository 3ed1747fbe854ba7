/** The settings that make a bucket private, encrypted and open only to TLS. */
import * as s3 from "@pulumi/aws/s3/index.js";
import * as pulumi from "@pulumi/pulumi";
import { denyWithoutTls, policyDocument } from "../iam/policy-document.ts";
import { create } from "./transform.ts";
import type { Transform } from "./transform.ts";

/** Arguments of {@link secureBucket}. */
export interface SecureBucketArgs {
  /** The bucket. */
  readonly bucket: s3.Bucket;
  /** ARN of the key that encrypts objects. */
  readonly keyArn: pulumi.Input<string>;
  /**
   * Changes the resources.
   * @default none
   */
  readonly transform?: SecureBucketTransform;
}

/** Changes the resources that secure a bucket. */
export interface SecureBucketTransform {
  /** The block of public access. @default unchanged */
  readonly publicAccessBlock?: Transform<s3.BucketPublicAccessBlockArgs>;
  /** The ownership of objects that other accounts write. @default unchanged */
  readonly ownershipControls?: Transform<s3.BucketOwnershipControlsArgs>;
  /** The encryption of objects. @default unchanged */
  readonly encryption?: Transform<s3.BucketServerSideEncryptionConfigurationArgs>;
  /** The bucket's policy. @default unchanged */
  readonly policy?: Transform<s3.BucketPolicyArgs>;
}

/** Makes a bucket private, owned by the account for every writer, encrypted with a key, and open only to TLS. */
export function secureBucket(
  name: string,
  { bucket: { bucket, arn }, keyArn, transform = {} }: SecureBucketArgs,
  parent: pulumi.Resource,
): void {
  const publicAccessBlock = create(
    s3.BucketPublicAccessBlock,
    transform.publicAccessBlock,
    name,
    {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    { parent },
  );
  create(
    s3.BucketOwnershipControls,
    transform.ownershipControls,
    name,
    { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
    { parent },
  );
  create(
    s3.BucketServerSideEncryptionConfiguration,
    transform.encryption,
    name,
    {
      bucket,
      rules: [
        {
          applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: keyArn },
          // One request to KMS for many objects.
          bucketKeyEnabled: true,
        },
      ],
    },
    { parent },
  );
  create(
    s3.BucketPolicy,
    transform.policy,
    name,
    { bucket, policy: policyDocument([denyWithoutTls("s3:*", [arn, pulumi.interpolate`${arn}/*`])]) },
    // S3 answers OperationAborted to two concurrent changes of a bucket's access.
    { parent, dependsOn: publicAccessBlock },
  );
}
