/**
 * S3: the settings of a bucket that are separate resources in Pulumi. Each is put completely; its id is the bucket's
 * name.
 */
import type * as s3 from "@pulumi/aws/s3/index.js";
import { put } from "./crud.ts";
import { blockField, booleanField, listField, numberField, policyField, setField, stringField } from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import { byProperties } from "./row.ts";
import { isRecord } from "./values.ts";

const bucket = stringField({ required: true, forceNew: true });

/** Codes for a bucket that does not exist, and for a setting that is not set. */
const common = (...notSet: readonly string[]) => ({
  service: "s3" as const,
  identity: byProperties(["bucket"]),
  notFoundCodes: ["NoSuchBucket", "NotFound", ...notSet],
});

/** The versioning of a bucket. */
export const bucketVersioning = put({
  ...common(),
  token: "aws:s3/bucketVersioning:BucketVersioning",
  fields: {
    bucket,
    versioningConfiguration: blockField({ status: stringField({ required: true }) }, { required: true }),
  } satisfies FieldsOf<s3.BucketVersioningArgs>,
  put: "PutBucketVersioning",
  read: [{ operation: "GetBucketVersioning" }],
  derive: ({ Status: status = "Disabled" }) => ({ versioningConfiguration: { status } }),
  delete: {
    operation: "PutBucketVersioning",
    input: { VersioningConfiguration: { Status: "Suspended" } },
    unless: ({ versioningConfiguration: known }) => !isRecord(known) || known["status"] !== "Enabled",
  },
});

/** The default encryption of a bucket's objects. */
export const bucketServerSideEncryptionConfiguration = put({
  ...common("ServerSideEncryptionConfigurationNotFoundError"),
  token: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  fields: {
    bucket,
    rules: setField(
      blockField({
        applyServerSideEncryptionByDefault: blockField({
          sseAlgorithm: stringField({ required: true }),
          kmsMasterKeyId: stringField(),
        }),
        bucketKeyEnabled: booleanField({ computed: true }),
      }),
      { required: true, member: "ServerSideEncryptionConfiguration.Rules" },
    ),
  } satisfies FieldsOf<s3.BucketServerSideEncryptionConfigurationArgs>,
  put: "PutBucketEncryption",
  read: [{ operation: "GetBucketEncryption" }],
  delete: { operation: "DeleteBucketEncryption" },
});

/** Rules that delete a bucket's objects by age. */
export const bucketLifecycleConfiguration = put({
  ...common("NoSuchLifecycleConfiguration"),
  token: "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  fields: {
    bucket,
    transitionDefaultMinimumObjectSize: stringField({ default: "all_storage_classes_128K" }),
    rules: listField(
      blockField({
        id: stringField({ required: true }),
        status: stringField({ required: true }),
        abortIncompleteMultipartUpload: blockField({ daysAfterInitiation: numberField() }),
        expiration: blockField({ days: numberField(), expiredObjectDeleteMarker: booleanField() }),
        // Without a filter, a rule applies to all objects.
        filter: blockField({ prefix: stringField({ whenUnset: "" }) }, { whenUnset: {} }),
        noncurrentVersionExpiration: blockField({ noncurrentDays: numberField({ required: true }) }),
      }),
      { required: true, member: ["LifecycleConfiguration.Rules", "Rules"] },
    ),
  } satisfies FieldsOf<s3.BucketLifecycleConfigurationArgs>,
  put: "PutBucketLifecycleConfiguration",
  read: [{ operation: "GetBucketLifecycleConfiguration" }],
  delete: { operation: "DeleteBucketLifecycle" },
});

/** Makes a switch of a bucket's public access. */
const block = (name: string) => booleanField({ default: false, member: `PublicAccessBlockConfiguration.${name}` });

/** Switches that block public access to a bucket. */
export const bucketPublicAccessBlock = put({
  ...common("NoSuchPublicAccessBlockConfiguration"),
  token: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  fields: {
    bucket,
    blockPublicAcls: block("BlockPublicAcls"),
    blockPublicPolicy: block("BlockPublicPolicy"),
    ignorePublicAcls: block("IgnorePublicAcls"),
    restrictPublicBuckets: block("RestrictPublicBuckets"),
  } satisfies FieldsOf<s3.BucketPublicAccessBlockArgs>,
  put: "PutPublicAccessBlock",
  read: [{ operation: "GetPublicAccessBlock" }],
  delete: { operation: "DeletePublicAccessBlock" },
});

/** The owner of objects that other accounts upload. */
export const bucketOwnershipControls = put({
  ...common("OwnershipControlsNotFoundError"),
  token: "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  fields: {
    bucket,
    rule: blockField(
      { objectOwnership: stringField({ required: true }) },
      { required: true, member: "OwnershipControls.Rules" },
    ),
  } satisfies FieldsOf<s3.BucketOwnershipControlsArgs>,
  put: "PutBucketOwnershipControls",
  read: [{ operation: "GetBucketOwnershipControls" }],
  delete: { operation: "DeleteBucketOwnershipControls" },
});

/** The policy of a bucket. */
export const bucketPolicy = put({
  ...common("NoSuchBucketPolicy"),
  token: "aws:s3/bucketPolicy:BucketPolicy",
  fields: { bucket, policy: policyField({ required: true }) } satisfies FieldsOf<s3.BucketPolicyArgs>,
  put: "PutBucketPolicy",
  read: [{ operation: "GetBucketPolicy" }],
  delete: { operation: "DeleteBucketPolicy" },
});

/** The delivery of a bucket's events to EventBridge. */
export const bucketNotification = put({
  ...common(),
  token: "aws:s3/bucketNotification:BucketNotification",
  fields: {
    bucket,
    eventbridge: booleanField({
      default: false,
      member: ["NotificationConfiguration.EventBridgeConfiguration", "EventBridgeConfiguration"],
    }),
  } satisfies FieldsOf<s3.BucketNotificationArgs>,
  put: "PutBucketNotificationConfiguration",
  read: [{ operation: "GetBucketNotificationConfiguration" }],
  delete: { operation: "PutBucketNotificationConfiguration", input: { NotificationConfiguration: {} } },
});
