/** The stack's outputs: the contract with everything that uses a deployed stack (docs/architecture.md, "Contracts between modules"). */
import * as pulumi from "@pulumi/pulumi";
import type { AccessPolicies } from "./components/access-policies.ts";
import type { Account } from "./account.ts";
import type { AsyncEndpoint } from "./components/async-endpoint.ts";
import type { InferenceNotifications } from "./components/inference-notifications.ts";
import type { Monitoring } from "./components/monitoring.ts";
import type { EndpointAutoscaling } from "./components/endpoint-autoscaling.ts";
import { maxObjectSize } from "./request-settings.ts";
import { locationsOf } from "./source-buckets.ts";
import type { SourceBucket } from "./source-buckets.ts";
import type { VideoStorage } from "./components/video-storage.ts";

/** The parts of the stack that the outputs describe. */
export interface StackParts {
  readonly account: Account;
  readonly storage: VideoStorage;
  readonly notifications: InferenceNotifications;
  readonly inference: AsyncEndpoint;
  readonly scaling: EndpointAutoscaling;
  readonly monitoring: Monitoring;
  readonly access: AccessPolicies;
  readonly artifactRetentionDays: number;
  readonly sourceBuckets: readonly SourceBucket[];
}

/** Description of each output. Each stack has all of them except those in {@link SomeStacksOutput}. */
export const outputMeanings = {
  endpointName: "Name of the endpoint.",
  variantName: "Name of the production variant, a dimension of its metrics.",
  region: "AWS region.",
  awsEndpointUrl: "Address of the AWS emulator. Only on `local`.",
  inputBucket: "Input bucket.",
  inputPrefix: "Key prefix for input videos.",
  sourceLocations: "s3:// prefixes of existing videos that the endpoint may read in place (setting `sourceBuckets`).",
  outputLocation: "s3:// prefix of results. The response of an invocation contains the exact location.",
  failureLocation: "s3:// prefix of failures. The response of an invocation contains the exact location.",
  jobsLocation: "s3:// prefix of job records.",
  successTopicArn: "ARN of the topic for notifications of results.",
  errorTopicArn: "ARN of the topic for notifications of failures.",
  successQueueUrl: "URL of the queue that stores notifications of results.",
  errorQueueUrl: "URL of the queue that stores notifications of failures, for redrive.",
  operationsTopicArn: "ARN of the alarm topic.",
  dashboardUrl: "URL of the dashboard in AWS's console.",
  callerPolicyArn: "ARN of the managed policy for callers, who send videos.",
  operatorPolicyArn: "ARN of the managed policy for operators.",
  temporaryQueuePrefix: "Name prefix of the queues that operators may create for the smoke test.",
  callerRoleArn: "ARN of the caller role for principals of another account. Only with `callerAccountId`.",
  maxConcurrency: "Number of videos that an instance processes concurrently.",
  instanceType: "Instance type.",
  maxCapacity: "Maximum number of instances.",
  endpointConfigName: "Endpoint configuration that the endpoint must run; the smoke test compares it.",
  modelLocation: "s3:// prefix of model artifacts.",
  artifactRetentionDays: "Days after which a model artifact that no model uses may be deleted.",
  maxResponseSize: "Maximum size of a result, in MiB.",
  requireGpu:
    "True if the endpoint fails without a GPU instead of running on the CPU; the smoke test compares it with the result's device.",
  requests:
    "How the endpoint gets a video: by `reference` to an object in S3, or as the `payload` of the request (setting `requests`).",
  maxRequestSize: "Maximum size of a request's body, in MiB: of a video with `requests: payload`.",
  maxInputSize: "Maximum size of a video, in MiB: S3's maximum with `requests: reference`, otherwise `maxRequestSize`.",
  invocationTimeout: "Maximum processing time of one video, in seconds.",
  sampleFps:
    "Analysed frames per second of video (setting `sampleFps`), from which `submit` estimates the length of parts.",
} as const;

type OutputName = keyof typeof outputMeanings;
/** Outputs that exist only with the emulator, or only with a caller's account. */
type SomeStacksOutput = "awsEndpointUrl" | "callerRoleArn";
type Outputs = Record<Exclude<OutputName, SomeStacksOutput>, pulumi.Input<string | number | boolean | string[]>> &
  Partial<Record<SomeStacksOutput, pulumi.Input<string>>>;

/** Every output by its name. */
export function stackOutputs(parts: StackParts): Outputs {
  const { account, storage, notifications, inference, scaling, monitoring, access } = parts;
  const awsEndpointUrl = process.env["AWS_ENDPOINT_URL"];
  return {
    endpointName: inference.endpointName,
    variantName: inference.variantName,
    region: account.region,
    ...(awsEndpointUrl === undefined ? {} : { awsEndpointUrl }),
    inputBucket: storage.inputBucket,
    inputPrefix: storage.inputPrefix,
    sourceLocations: locationsOf(parts.sourceBuckets),
    outputLocation: storage.outputLocation,
    failureLocation: storage.failureLocation,
    jobsLocation: storage.jobsLocation,
    successTopicArn: notifications.successTopicArn,
    errorTopicArn: notifications.errorTopicArn,
    successQueueUrl: notifications.successQueueUrl,
    errorQueueUrl: notifications.errorQueueUrl,
    operationsTopicArn: monitoring.operationsTopicArn,
    dashboardUrl: monitoring.dashboardUrl,
    callerPolicyArn: access.callerPolicyArn,
    operatorPolicyArn: access.operatorPolicyArn,
    temporaryQueuePrefix: access.temporaryQueuePrefix,
    ...(access.callerRoleArn === undefined ? {} : { callerRoleArn: access.callerRoleArn }),
    maxConcurrency: inference.maxConcurrency,
    instanceType: inference.instanceType,
    maxCapacity: scaling.maxCapacity,
    endpointConfigName: inference.configurationName,
    modelLocation: storage.modelLocation,
    artifactRetentionDays: parts.artifactRetentionDays,
    maxResponseSize: inference.maxResponseSize,
    requireGpu: inference.requireGpu,
    requests: inference.requests,
    maxRequestSize: inference.maxRequestSize,
    maxInputSize: pulumi
      .all([inference.requests, inference.maxRequestSize])
      .apply(([requests, maxRequestSize]) => (requests === "reference" ? maxObjectSize : maxRequestSize)),
    invocationTimeout: inference.invocationTimeout,
    sampleFps: inference.sampleFps,
  };
}
