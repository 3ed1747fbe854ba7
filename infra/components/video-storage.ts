/** The two buckets of the stack: one for videos and model artifacts, one for results, failures and job records. */
import * as s3 from "@pulumi/aws/s3/index.js";
import * as pulumi from "@pulumi/pulumi";
import { defaults, withDefaults } from "../defaults.ts";
import { s3Url } from "../video-locations.ts";
import { abortUnfinishedUploads, expireObjects, versionedRules } from "../lifecycle-rules.ts";
import type { LifecycleRule } from "../lifecycle-rules.ts";
import { secureBucket } from "./secure-bucket.ts";
import type { SecureBucketTransform } from "./secure-bucket.ts";
import { create } from "./transform.ts";
import type { Transform } from "./transform.ts";

/** Arguments of a {@link VideoStorage}. */
export interface VideoStorageArgs {
  /** ARN of the key that encrypts objects. */
  readonly keyArn: pulumi.Input<string>;
  /**
   * Days until a video is deleted from the input bucket; 1 means 2, because S3 hides a video for at least a day before it deletes it.
   * @default 14
   */
  readonly inputRetentionDays?: pulumi.Input<number>;
  /**
   * Days until a result or a failure is deleted from the output bucket. A job record stays one day longer.
   * @default 30
   */
  readonly resultRetentionDays?: pulumi.Input<number>;
  /**
   * Delete the buckets' content when the stack is destroyed. Otherwise AWS refuses to delete a bucket that is not empty.
   * @default false
   */
  readonly forceDestroy?: pulumi.Input<boolean>;
  /**
   * Changes the resources of the component.
   * @default none
   */
  readonly transform?: {
    /** The input bucket and its settings. @default unchanged */
    readonly input?: BucketTransform & {
      /** The versioning of the input bucket. @default unchanged */
      readonly versioning?: Transform<s3.BucketVersioningArgs>;
    };
    /** The output bucket and its settings. @default unchanged */
    readonly output?: BucketTransform;
  };
}

/** Changes a bucket and its settings. */
export interface BucketTransform extends SecureBucketTransform {
  /** The bucket. @default unchanged */
  readonly bucket?: Transform<s3.BucketArgs>;
  /** The rules that delete objects. @default unchanged */
  readonly lifecycle?: Transform<s3.BucketLifecycleConfigurationArgs>;
  /** The events of the bucket. @default unchanged */
  readonly notification?: Transform<s3.BucketNotificationArgs>;
}

/**
 * Private, encrypted buckets, open only to TLS, whose content expires. Each sends its events to EventBridge.
 * @example
 * const storage = new VideoStorage("videos", { keyArn: key.arn });
 */
export class VideoStorage extends pulumi.ComponentResource {
  /** Name of the bucket for videos and model artifacts. */
  readonly inputBucket: pulumi.Output<string>;
  /** ARN of the bucket for videos and model artifacts. */
  readonly inputBucketArn: pulumi.Output<string>;
  /** Prefix of every video's key, with a trailing slash. */
  readonly inputPrefix = defaults.inputPrefix;
  /** Prefix of every artifact's key, with a trailing slash. */
  readonly modelPrefix = defaults.modelPrefix;
  /** Name of the bucket for results, failures and job records. */
  readonly outputBucket: pulumi.Output<string>;
  /** ARN of the bucket for results, failures and job records. */
  readonly outputBucketArn: pulumi.Output<string>;
  /** Prefix of every result's key, with a trailing slash. */
  readonly resultPrefix = defaults.resultPrefix;
  /** Prefix of every failure's key, with a trailing slash. */
  readonly failurePrefix = defaults.failurePrefix;
  /** Prefix of every job record's key, with a trailing slash. */
  readonly jobPrefix = defaults.jobPrefix;
  /** s3:// prefix of model artifacts, without a trailing slash. */
  readonly modelLocation: pulumi.Output<string>;
  /** s3:// prefix of results, without a trailing slash. */
  readonly outputLocation: pulumi.Output<string>;
  /** s3:// prefix of failures, without a trailing slash. */
  readonly failureLocation: pulumi.Output<string>;
  /** s3:// prefix of job records, without a trailing slash. */
  readonly jobsLocation: pulumi.Output<string>;

  constructor(name: string, args: VideoStorageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:VideoStorage", name, {}, opts);
    const { inputRetentionDays, resultRetentionDays, transform = {}, ...settings } = withDefaults(args);

    const input = createBucket(`${name}-input`, settings, transform.input, this);
    const versioning = create(
      s3.BucketVersioning,
      transform.input?.versioning,
      `${name}-input`,
      { bucket: input.bucket, versioningConfiguration: { status: "Enabled" } },
      { parent: this },
    );
    deleteByRules(`${name}-input`, input, versionedRules(inputRetentionDays), transform.input, {
      parent: this,
      // A rule for noncurrent versions has no effect before versioning is on.
      dependsOn: versioning,
    });

    const output = createBucket(`${name}-output`, settings, transform.output, this);
    const expiring = [
      expireObjects("results", this.resultPrefix, resultRetentionDays),
      expireObjects("failures", this.failurePrefix, resultRetentionDays),
      // A record is complete up to seven hours before its result (the longest wait and run), and S3 counts days from
      // midnight: with a day more, no record expires before its results.
      expireObjects(
        "jobs",
        this.jobPrefix,
        pulumi.output(resultRetentionDays).apply((days) => days + 1),
      ),
    ];
    deleteByRules(`${name}-output`, output, expiring, transform.output, { parent: this });

    this.inputBucket = input.bucket;
    this.inputBucketArn = input.arn;
    this.outputBucket = output.bucket;
    this.outputBucketArn = output.arn;
    this.modelLocation = s3Url(input.bucket, this.modelPrefix);
    this.outputLocation = s3Url(output.bucket, this.resultPrefix);
    this.failureLocation = s3Url(output.bucket, this.failurePrefix);
    this.jobsLocation = s3Url(output.bucket, this.jobPrefix);
    this.registerOutputs({
      inputBucket: this.inputBucket,
      inputBucketArn: this.inputBucketArn,
      inputPrefix: this.inputPrefix,
      modelPrefix: this.modelPrefix,
      outputBucket: this.outputBucket,
      outputBucketArn: this.outputBucketArn,
      resultPrefix: this.resultPrefix,
      failurePrefix: this.failurePrefix,
      jobPrefix: this.jobPrefix,
      modelLocation: this.modelLocation,
      outputLocation: this.outputLocation,
      failureLocation: this.failureLocation,
      jobsLocation: this.jobsLocation,
    });
  }
}

/** Creates a secured bucket that sends its events to EventBridge. */
function createBucket(
  name: string,
  { keyArn, forceDestroy }: Required<Pick<VideoStorageArgs, "keyArn" | "forceDestroy">>,
  transform: BucketTransform = {},
  parent: VideoStorage,
): s3.Bucket {
  const bucket = create(s3.Bucket, transform.bucket, name, { forceDestroy }, { parent });
  secureBucket(name, { bucket, keyArn, transform }, parent);
  create(s3.BucketNotification, transform.notification, name, { bucket: bucket.bucket, eventbridge: true }, { parent });
  return bucket;
}

function deleteByRules(
  name: string,
  { bucket }: s3.Bucket,
  rules: LifecycleRule[],
  transform: BucketTransform = {},
  opts: pulumi.CustomResourceOptions,
): void {
  create(
    s3.BucketLifecycleConfiguration,
    transform.lifecycle,
    name,
    { bucket, rules: [...rules, abortUnfinishedUploads] },
    opts,
  );
}
