/** Policies about the buckets of a stack: each judges a bucket by the resources that stand beside it. */
import type { BucketArgs } from "@pulumi/aws/s3/bucket.js";
import type { BucketLifecycleConfigurationArgs } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import type { BucketOwnershipControlsArgs } from "@pulumi/aws/s3/bucketOwnershipControls.js";
import type { BucketPolicyArgs } from "@pulumi/aws/s3/bucketPolicy.js";
import type { BucketPublicAccessBlockArgs } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import type { BucketServerSideEncryptionConfigurationArgs } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import type { StackValidationPolicy } from "@pulumi/policy";
import { conditionValues, type Statement, statementsOf } from "./documents.ts";
import { isCustomerKey } from "./encryption.ts";
import { ofType, References, type Typed } from "./resources.ts";
import { judgeEach } from "./unknown.ts";

const bucketTypes = ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"];

interface BesideArgs {
  readonly bucket: BucketPublicAccessBlockArgs["bucket"];
}

/** A rule about a bucket that the resources of some types beside it keep. */
function bucketPolicy<Args extends BesideArgs>({
  name,
  description,
  types,
  keeps,
  remedy,
}: {
  readonly name: string;
  readonly description: string;
  /** The type of what stands beside the bucket, and its deprecated twin. */
  readonly types: readonly string[];
  /** Whether one resource of the type keeps the rule for the bucket. */
  readonly keeps: (props: Typed<Args>["props"], bucket: Typed<BucketArgs>) => boolean;
  readonly remedy: string;
}): StackValidationPolicy {
  return {
    name,
    description,
    enforcementLevel: "mandatory",
    validateStack: ({ resources }, reportViolation) => {
      const buckets = ofType<BucketArgs>(resources, ...bucketTypes);
      const beside = new References<Typed<Args>, Typed<BucketArgs>>({
        from: ofType<Args>(resources, ...types),
        property: "bucket",
        values: ({ props }) => [(props as { readonly bucket?: unknown }).bucket],
        to: buckets,
        // A bucket's id is its name.
        names: [({ props }) => props.bucket, ({ props }) => props.id],
      });
      judgeEach(buckets, reportViolation, (bucket) => {
        const kept = beside.to(bucket).some(({ props }) => keeps(props, bucket));
        if (!kept) reportViolation(`The bucket '${bucket.name}' ${remedy}`, bucket.urn);
      });
    },
  };
}

const blocks = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"] as const;

/** No policy and no ACL can open the bucket to the public. */
export const bucketPrivate = bucketPolicy<BucketPublicAccessBlockArgs>({
  name: "bucket-private",
  description: "A bucket is closed to the public, whatever its policy and its objects' ACLs say: videos show people.",
  types: ["aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"],
  keeps: (props) => blocks.every((block) => props[block] === true),
  remedy: `can be made public. Add a BucketPublicAccessBlock with its bucket, and set ${blocks.join(", ")} to true.`,
});

/** Whoever writes an object, it is the bucket's owner's. */
export const bucketOwnerEnforced = bucketPolicy<BucketOwnershipControlsArgs>({
  name: "bucket-owner-enforced",
  description:
    "All objects of a bucket are its owner's, and ACLs are off: else those who write them decide who reads them.",
  types: ["aws:s3/bucketOwnershipControls:BucketOwnershipControls"],
  keeps: ({ rule }) => rule.objectOwnership === "BucketOwnerEnforced",
  remedy:
    "leaves objects to those who write them. Add BucketOwnershipControls with its bucket, and set rule.objectOwnership to BucketOwnerEnforced.",
});

/** Encrypted with a key that its owner can see used, and take away. */
export const bucketCustomerKey = bucketPolicy<BucketServerSideEncryptionConfigurationArgs>({
  name: "bucket-customer-key",
  description: "A bucket is encrypted with a customer's key: who may use it is decided, and seen, apart from S3.",
  types: [
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
  ],
  keeps: ({ rules }) =>
    rules.some(
      ({ applyServerSideEncryptionByDefault: by }) =>
        by?.sseAlgorithm.startsWith("aws:kms") === true && isCustomerKey(by.kmsMasterKeyId),
    ),
  remedy:
    "is not encrypted with a customer's key. Add a BucketServerSideEncryptionConfiguration with its bucket, and set " +
    "rules[0].applyServerSideEncryptionByDefault.sseAlgorithm to aws:kms and kmsMasterKeyId to a KMS key's ARN.",
});

/** Videos and results travel encrypted. */
export const bucketTlsOnly = bucketPolicy<BucketPolicyArgs>({
  name: "bucket-tls-only",
  description: "A bucket refuses requests without TLS: videos and results must not travel in the open.",
  types: ["aws:s3/bucketPolicy:BucketPolicy"],
  keeps: ({ policy }) => (statementsOf(policy) ?? []).some(refusesPlainHttp),
  remedy:
    "can be read without TLS. Add a BucketPolicy with its bucket, whose policy denies everyone (Principal *) s3:* on the bucket and " +
    'its objects where Bool aws:SecureTransport is "false".',
});

function refusesPlainHttp(statement: Statement): boolean {
  const { Effect, Principal = {}, Action = [], Resource = [] } = statement;
  const everyone = Principal.AWS?.includes("*") === true;
  const everything = Action.includes("s3:*") || Action.includes("*");
  const objects = Resource.some((arn) => arn === "*" || arn.endsWith("/*"));
  const bucket = Resource.some((arn) => arn === "*" || !arn.includes("/"));
  // Another condition beside it would let some requests through.
  const always = Object.values(statement.Condition ?? {}).flatMap((tests) => Object.keys(tests)).length === 1;
  const plain = conditionValues(statement, ["Bool", "BoolIfExists"], "aws:SecureTransport").join() === "false";
  return Effect === "Deny" && everyone && everything && objects && bucket && always && plain;
}

/** Nothing is kept because nobody thought of it. */
export const bucketLifecycle = bucketPolicy<BucketLifecycleConfigurationArgs>({
  name: "bucket-lifecycle",
  description:
    "A bucket deletes what it holds after a time: videos and results otherwise cost, and can leak, for ever.",
  types: [
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
  ],
  keeps: ({ rules = [] }) =>
    rules.some(
      ({ status, expiration }) =>
        status === "Enabled" && (expiration?.days !== undefined || expiration?.date !== undefined),
    ),
  remedy:
    "keeps everything for ever. Add a BucketLifecycleConfiguration with its bucket, and in rules one with status Enabled and expiration.days.",
});
