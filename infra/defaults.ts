/** What a stack gets that sets nothing: the figures of the AWS blog post that this project carries out, and AWS's own defaults. */

/** TorchServe in AWS's PyTorch image, the newest tag that has it; the blog's serving stack. */
export const torchServeImage = {
  repositoryName: "pytorch-inference",
  imageTag: "2.6.0-gpu-py312-cu124-ubuntu22.04-sagemaker",
} as const;

/** Defaults of the components' arguments and of the stack's config alike. */
export const defaults = {
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
  /** MiB; the blog's results are 54 MB. */
  maxResponseSize: 256,
  /** Frames per second of video that the model looks at (blog). */
  sampleFps: 1,
  /** Detections below this are left out of a result. */
  scoreThreshold: 0.5,
  /** Days. */
  inputRetentionDays: 14,
  /** Days. */
  resultRetentionDays: 30,
  forceDestroy: false,
} as const;
