/** What a stack gets that sets nothing: the figures of the AWS blog post that this project carries out, and AWS's own defaults. */
import type { SourceBucket } from "./source-buckets.ts";

/** Defaults of the components' arguments and of the stack's config alike. */
export const defaults = {
  /** AWS's PyTorch image with TorchServe (blog). */
  image: "torchserve",
  /** One NVIDIA T4 (blog). */
  instanceType: "ml.g4dn.xlarge",
  /** Instances while nothing is queued (blog). */
  minCapacity: 0,
  /** Instances at most (blog). */
  maxCapacity: 5,
  /** Invocations at a time on each instance (blog). */
  maxConcurrency: 2,
  /** Queued and running invocations per instance that target tracking holds (blog). */
  backlogTarget: 5,
  /** Seconds (blog). */
  scaleInCooldown: 120,
  /** Seconds (blog). */
  scaleOutCooldown: 120,
  /** Seconds; SageMaker's default for InvocationTimeoutSeconds. */
  invocationTimeout: 900,
  /** MiB; SageMaker takes inputs up to 1 GB. */
  maxRequestSize: 1024,
  /** MiB; the blog's results are 54 MB. Twice that, because each MiB costs the server eight at the blog's concurrency. */
  maxResponseSize: 128,
  /** Frames per second of video that the model looks at (blog). */
  sampleFps: 1,
  /** Detections below this are left out of a result. */
  scoreThreshold: 0.5,
  /** Days; 1 means 2 (video-storage.ts). */
  inputRetentionDays: 14,
  /** Days. */
  resultRetentionDays: 30,
  /** Days. */
  artifactRetentionDays: 30,
  /** Days. */
  logRetentionDays: 30,
  forceDestroy: false,
  protectData: false,
  /** Seconds that a request may wait before an alarm says so: twice what the blog's last one waited, a third of the longest TTL. */
  oldestRequestLimit: 7200,
  /** Share of failed videos above which an alarm goes off. */
  failureRateLimit: 0.2,
  /** Videos below which their share of failures says nothing: more than the smoke test's two. */
  failureRateMinRequests: 5,
  /** Whether alarms notify when they return to OK. */
  notifyRecovery: false,
  operationsEmails: [] as readonly string[],
  completionEmails: [] as readonly string[],
  subnetIds: [] as readonly string[],
  securityGroupIds: [] as readonly string[],
  networkIsolation: false,
  /** Seconds. */
  bakeTime: 0,
  rollbackAlarms: [] as readonly string[],
  sourceBuckets: [] as readonly SourceBucket[],
} as const;
