/** The two buckets of the stack: one for videos and model artifacts, one for results and failures. */
import * as s3 from "@pulumi/aws/s3/index.js";
import * as pulumi from "@pulumi/pulumi";
import { defaults } from "../defaults.ts";
import { denyWithoutTls, policyDocument } from "../iam/policy-document.ts";

/** Key prefix of videos in the input bucket. */
const inputPrefix = "input/";
/** Key prefix of model artifacts in the input bucket. The lifecycle rules of videos do not apply to them. */
const modelPrefix = "models/";
/** Key prefix of results in the output bucket. */
const resultPrefix = "results/";
/** Key prefix of failures in the output bucket. */
const failurePrefix = "failures/";

/** Options for a {@link VideoStorage}. */
export interface VideoStorageArgs {
  /** ARN of the key that encrypts objects. */
  readonly keyArn: pulumi.Input<string>;
  /**
   * Days until a video is deleted from the input bucket; 1 means 2, because S3 hides a video for at least a day before it deletes it.
   * @default 14
   */
  readonly inputRetentionDays?: number;
  /**
   * Days until a result or a failure is deleted from the output bucket.
   * @default 30
   */
  readonly resultRetentionDays?: number;
  /**
   * Delete the buckets' content when the stack is destroyed. Otherwise AWS refuses to delete a bucket that is not empty.
   * @default false
   */
  readonly forceDestroy?: boolean;
}

/** Private, encrypted buckets, open only to TLS, whose content expires. Each sends its events to EventBridge. */
export class VideoStorage extends pulumi.ComponentResource {
  /** Name of the bucket for videos and model artifacts. */
  readonly inputBucket: pulumi.Output<string>;
  readonly inputBucketArn: pulumi.Output<string>;
  /** Prefix of every video's key, with a trailing slash. */
  readonly inputPrefix = inputPrefix;
  /** Prefix of every artifact's key, with a trailing slash. */
  readonly modelPrefix = modelPrefix;
  /** Name of the bucket for results and failures. */
  readonly outputBucket: pulumi.Output<string>;
  readonly outputBucketArn: pulumi.Output<string>;
  /** Prefix of every result's key, with a trailing slash. */
  readonly resultPrefix = resultPrefix;
  /** Prefix of every failure's key, with a trailing slash. */
  readonly failurePrefix = failurePrefix;
  /** s3:// prefix of model artifacts, without a trailing slash. */
  readonly modelLocation: pulumi.Output<string>;
  /** s3:// prefix of results, without a trailing slash, as in SageMaker's examples. */
  readonly outputLocation: pulumi.Output<string>;
  /** s3:// prefix of failures, without a trailing slash. */
  readonly failureLocation: pulumi.Output<string>;

  constructor(name: string, args: VideoStorageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:VideoStorage", name, {}, opts);
    const { keyArn, inputRetentionDays, resultRetentionDays, forceDestroy } = { ...defaults, ...args };

    const input = new s3.Bucket(`${name}-input`, { forceDestroy }, { parent: this });
    const versioning = new s3.BucketVersioning(
      `${name}-input`,
      { bucket: input.bucket, versioningConfiguration: { status: "Enabled" } },
      { parent: this },
    );
    guard(`${name}-input`, input, keyArn, this);
    expire(`${name}-input`, input, versionedExpiry(inputRetentionDays), {
      parent: this,
      // A rule for noncurrent versions has no effect before versioning is on.
      dependsOn: versioning,
    });

    const output = new s3.Bucket(`${name}-output`, { forceDestroy }, { parent: this });
    guard(`${name}-output`, output, keyArn, this);
    expire(
      `${name}-output`,
      output,
      [expiry("results", resultPrefix, resultRetentionDays), expiry("failures", failurePrefix, resultRetentionDays)],
      { parent: this },
    );

    this.inputBucket = input.bucket;
    this.inputBucketArn = input.arn;
    this.outputBucket = output.bucket;
    this.outputBucketArn = output.arn;
    this.modelLocation = s3Url(input, modelPrefix);
    this.outputLocation = s3Url(output, resultPrefix);
    this.failureLocation = s3Url(output, failurePrefix);
    this.registerOutputs({
      inputBucket: this.inputBucket,
      inputBucketArn: this.inputBucketArn,
      inputPrefix: this.inputPrefix,
      modelPrefix: this.modelPrefix,
      outputBucket: this.outputBucket,
      outputBucketArn: this.outputBucketArn,
      resultPrefix: this.resultPrefix,
      failurePrefix: this.failurePrefix,
      modelLocation: this.modelLocation,
      outputLocation: this.outputLocation,
      failureLocation: this.failureLocation,
    });
  }
}

function s3Url(bucket: s3.Bucket, prefix: string): pulumi.Output<string> {
  return pulumi.interpolate`s3://${bucket.bucket}/${prefix.replace(/\/$/, "")}`;
}

/** Settings of every bucket: private, owned by the account for every writer, encrypted, open only to TLS, events on. */
function guard(name: string, bucket: s3.Bucket, keyArn: pulumi.Input<string>, parent: VideoStorage): void {
  const privacy = new s3.BucketPublicAccessBlock(
    name,
    {
      bucket: bucket.bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    { parent },
  );
  new s3.BucketOwnershipControls(
    name,
    { bucket: bucket.bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
    { parent },
  );
  new s3.BucketServerSideEncryptionConfiguration(
    name,
    {
      bucket: bucket.bucket,
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
  new s3.BucketPolicy(
    name,
    {
      bucket: bucket.bucket,
      policy: policyDocument([denyWithoutTls("s3:*", [bucket.arn, pulumi.interpolate`${bucket.arn}/*`])]),
    },
    // S3 answers OperationAborted to two concurrent changes of a bucket's access.
    { parent, dependsOn: privacy },
  );
  new s3.BucketNotification(name, { bucket: bucket.bucket, eventbridge: true }, { parent });
}

type LifecycleRule = NonNullable<pulumi.Unwrap<s3.BucketLifecycleConfigurationArgs["rules"]>>[number];

function expire(name: string, bucket: s3.Bucket, rules: LifecycleRule[], opts: pulumi.CustomResourceOptions): void {
  const unfinished: LifecycleRule = {
    id: "unfinished-uploads",
    status: "Enabled",
    filter: { prefix: "" },
    abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
  };
  new s3.BucketLifecycleConfiguration(name, { bucket: bucket.bucket, rules: [...rules, unfinished] }, opts);
}

function expiry(id: string, prefix: string, days: number): LifecycleRule {
  return { id, status: "Enabled", filter: { prefix }, expiration: { days } };
}

/**
 * Returns rules for the versioned bucket. There, an expiration only hides a video, and a noncurrent version stays for at least one day: a retention of
 * N days is N - 1 days until the video is hidden, and one until it is deleted. The minimum is 2 days. S3 rounds both up to the next midnight
 * UTC, and may delete later. Source: S3 user guide, "Lifecycle configuration elements" and "Expiring objects".
 * @param days retention of videos
 */
function versionedExpiry(days: number): LifecycleRule[] {
  return [
    { ...expiry("videos", inputPrefix, Math.max(1, days - 1)), ...deleteNoncurrent(1) },
    // An artifact that was deleted by mistake can be restored for a week.
    { id: "old-models", status: "Enabled", filter: { prefix: modelPrefix }, ...deleteNoncurrent(7) },
    // S3 refuses this in a rule with days.
    {
      id: "delete-markers",
      status: "Enabled",
      filter: { prefix: "" },
      expiration: { expiredObjectDeleteMarker: true },
    },
  ];
}

function deleteNoncurrent(noncurrentDays: number): Pick<LifecycleRule, "noncurrentVersionExpiration"> {
  return { noncurrentVersionExpiration: { noncurrentDays } };
}
