/** Policies on the buckets of a stack. Each evaluates a bucket by the resources that configure it. */
import type { BucketArgs } from "@pulumi/aws/s3/bucket.js";
import type { BucketLifecycleConfigurationArgs } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import type { BucketOwnershipControlsArgs } from "@pulumi/aws/s3/bucketOwnershipControls.js";
import type { BucketPolicyArgs } from "@pulumi/aws/s3/bucketPolicy.js";
import type { BucketPublicAccessBlockArgs } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import type { BucketServerSideEncryptionConfigurationArgs } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import { conditionValues, statementsOf } from "./documents.ts";
import type { Statement } from "./documents.ts";
import { isCustomerKey } from "./encryption.ts";
import { stackPolicy } from "./policy.ts";
import { ofType, References } from "./resources.ts";
import type { Typed } from "./resources.ts";
import { evaluateEach } from "./unknown.ts";

const bucketTypes = ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"];

interface BesideArgs {
  readonly bucket: BucketPublicAccessBlockArgs["bucket"];
}

/** A rule for buckets that a resource of some types fulfils. */
function bucketPolicy<Args extends BesideArgs>({
  types,
  keeps,
  remedy,
  ...policy
}: {
  readonly name: string;
  readonly description: string;
  /** The type of the configuring resource, and its deprecated twin. */
  readonly types: readonly string[];
  /** Checks that a resource of the type fulfils the rule for the bucket. */
  readonly keeps: (props: Typed<Args>["props"], bucket: Typed<BucketArgs>) => boolean;
  readonly remedy: string;
}) {
  return stackPolicy({
    ...policy,
    validate: ({ resources }, reportViolation) => {
      const buckets = ofType<BucketArgs>(resources, ...bucketTypes);
      const configuration = new References<Typed<Args>, Typed<BucketArgs>>({
        from: ofType<Args>(resources, ...types),
        property: "bucket",
        values: ({ props }) => [(props as { readonly bucket?: unknown }).bucket],
        to: buckets,
        // A bucket's id is its name.
        names: [({ props }) => props.bucket, ({ props }) => props.id],
      });
      evaluateEach(buckets, reportViolation, (bucket) => {
        const kept = configuration.to(bucket).some(({ props }) => keeps(props, bucket));
        if (!kept) reportViolation(`The bucket '${bucket.name}' ${remedy}`, bucket.urn);
      });
    },
  });
}

const blocks = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"] as const;

/** Neither a policy nor an ACL can make the bucket public. */
export const bucketPrivate = bucketPolicy<BucketPublicAccessBlockArgs>({
  name: "bucket-private",
  description:
    "A bucket must block public access, even if its policy or its objects' ACLs allow it. Videos show people.",
  types: ["aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"],
  keeps: (props) => blocks.every((block) => props[block] === true),
  remedy: `can be made public. Add a BucketPublicAccessBlock with its bucket, and set ${blocks.join(", ")} to true.`,
});

/** The bucket's owner owns every object. */
export const bucketOwnerEnforced = bucketPolicy<BucketOwnershipControlsArgs>({
  name: "bucket-owner-enforced",
  description:
    "A bucket's owner must own all its objects, with ACLs off. Otherwise the writers of objects decide who reads them.",
  types: ["aws:s3/bucketOwnershipControls:BucketOwnershipControls"],
  keeps: ({ rule }) => rule.objectOwnership === "BucketOwnerEnforced",
  remedy:
    "leaves objects to their writers. Add BucketOwnershipControls with its bucket, and set rule.objectOwnership to BucketOwnerEnforced.",
});

/** Encrypted with a key whose use its owner can see and revoke. */
export const bucketCustomerKey = bucketPolicy<BucketServerSideEncryptionConfigurationArgs>({
  name: "bucket-customer-key",
  description:
    "A bucket must be encrypted with a customer's key, whose use is controlled and logged separately from S3.",
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

/** Encrypted transport of videos and results. */
export const bucketTlsOnly = bucketPolicy<BucketPolicyArgs>({
  name: "bucket-tls-only",
  description: "A bucket must refuse requests without TLS, so that videos and results are encrypted in transit.",
  types: ["aws:s3/bucketPolicy:BucketPolicy"],
  keeps: ({ policy }) => (statementsOf(policy) ?? []).some(refusesPlainHttp),
  remedy:
    "can be read without TLS. Add a BucketPolicy with its bucket, whose policy denies every principal (Principal *) s3:* on the bucket and " +
    'its objects if Bool aws:SecureTransport is "false".',
});

function refusesPlainHttp(statement: Statement): boolean {
  const { Effect, Principal = {}, Action = [], Resource = [] } = statement;
  const everyone = Principal.AWS?.includes("*") === true;
  const everything = Action.includes("s3:*") || Action.includes("*");
  const objects = Resource.some((arn) => arn === "*" || arn.endsWith("/*"));
  const bucket = Resource.some((arn) => arn === "*" || !arn.includes("/"));
  // A second condition would let some requests through.
  const always = Object.values(statement.Condition ?? {}).flatMap((tests) => Object.keys(tests)).length === 1;
  const plain = conditionValues(statement, ["Bool", "BoolIfExists"], "aws:SecureTransport").join() === "false";
  return Effect === "Deny" && everyone && everything && objects && bucket && always && plain;
}

/** Objects expire. */
export const bucketLifecycle = bucketPolicy<BucketLifecycleConfigurationArgs>({
  name: "bucket-lifecycle",
  description: "A bucket must expire its objects. Otherwise videos and results are billed, and can leak, forever.",
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
    "keeps its objects forever. Add a BucketLifecycleConfiguration with its bucket, and in rules one with status Enabled and expiration.days.",
});
