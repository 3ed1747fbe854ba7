/** Defaults of a stack: the figures of the AWS blog post that this project implements, and AWS's defaults. */

/** Defaults of both the components' arguments and the stack's config. */
export const defaults = {
  /** AWS's PyTorch image with TorchServe (blog). */
  image: "torchserve",
  /** One NVIDIA T4 (blog). */
  instanceType: "ml.g4dn.xlarge",
  /** Minimum number of instances (blog). */
  minCapacity: 0,
  /** Maximum number of instances (blog). */
  maxCapacity: 5,
  /** Number of concurrent invocations per instance (blog). */
  maxConcurrency: 2,
  /** Number of queued and running invocations per instance that scaling aims for (blog). */
  backlogTarget: 5,
  /** Seconds (blog). */
  scaleInCooldown: 120,
  /** Seconds (blog). */
  scaleOutCooldown: 120,
  /** Instances stop when nothing is queued or running. The blog's target tracking also stops instances that run videos. */
  scaleIn: "idle",
  /** Minutes. */
  idleMinutes: 5,
  /** Seconds; SageMaker's default for InvocationTimeoutSeconds. */
  invocationTimeout: 900,
  /** MiB; SageMaker accepts bodies up to 1 GB. */
  maxRequestSize: 1024,
  /** MiB; the blog's results are 54 MB. Twice that, because each MiB costs the server eight at the blog's concurrency. */
  maxResponseSize: 128,
  /** Frame rate at which the model samples a video, frames per second (blog). */
  sampleFps: 1,
  /** Minimum score of the detections in a result. */
  scoreThreshold: 0.5,
  /** Key prefix of videos in the input bucket. */
  inputPrefix: "input/",
  /** Key prefix of model artifacts in the input bucket. The lifecycle rules of videos do not apply to them. */
  modelPrefix: "models/",
  /** Key prefix of results in the output bucket. */
  resultPrefix: "results/",
  /** Key prefix of failures in the output bucket. */
  failurePrefix: "failures/",
  /** Key prefix of job records in the output bucket. */
  jobPrefix: "jobs/",
  /** Days; 1 means 2 (lifecycle-rules.ts). */
  inputRetentionDays: 14,
  /** Days. */
  resultRetentionDays: 30,
  /** Days. */
  artifactRetentionDays: 30,
  /** Days. */
  logRetentionDays: 30,
  forceDestroy: false,
  protectData: false,
  /** Seconds that a request may wait before an alarm fires: twice the longest wait in the blog, a third of the maximum TTL. */
  oldestRequestLimit: 7200,
  /** Share of failed videos above which an alarm fires. */
  failureRateLimit: 0.2,
  /** Minimum number of videos for the alarm on their share of failures: more than the smoke test's two. */
  failureRateMinRequests: 5,
  /** Also notify when alarms return to OK. */
  notifyRecovery: false,
  operationsEmails: [],
  completionEmails: [],
  subnetIds: [],
  securityGroupIds: [],
  networkIsolation: false,
  /** True if the subnets reach S3. */
  s3Endpoint: false,
  /** Seconds. */
  bakeTime: 0,
  rollbackAlarms: [],
  sourceBuckets: [],
} as const;

/** Arguments, of which those with a default are set. */
export type WithDefaults<Args> = Args & {
  readonly [Key in keyof Args & keyof typeof defaults]-?: Exclude<Args[Key], undefined>;
};

/** Returns arguments with the default of each that is missing or undefined. */
export function withDefaults<Args extends object>(args: Args): WithDefaults<Args> {
  const missing = Object.entries(defaults).filter(([key]) => Reflect.get(args, key) === undefined);
  return { ...args, ...Object.fromEntries(missing) } as WithDefaults<Args>;
}
