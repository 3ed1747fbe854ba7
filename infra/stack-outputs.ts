/** The stack's outputs: the contract with everything that uses a deployed stack (docs/architecture.md, "Contracts between modules"). */
import type * as pulumi from "@pulumi/pulumi";
import type { AccessPolicies } from "./components/access-policies.ts";
import type { Account } from "./account.ts";
import type { AsyncEndpoint } from "./components/async-endpoint.ts";
import type { InferenceNotifications } from "./components/inference-notifications.ts";
import type { Monitoring } from "./components/monitoring.ts";
import type { EndpointAutoscaling } from "./components/endpoint-autoscaling.ts";
import { locationsOf, type SourceBucket } from "./source-buckets.ts";
import type { VideoStorage } from "./components/video-storage.ts";

/** What the outputs tell of. */
export interface StackParts {
  readonly account: Account;
  readonly storage: VideoStorage;
  readonly topics: InferenceNotifications;
  readonly inference: AsyncEndpoint;
  readonly scaling: EndpointAutoscaling;
  readonly monitoring: Monitoring;
  readonly access: AccessPolicies;
  readonly artifactRetentionDays: number;
  readonly sourceBuckets: readonly SourceBucket[];
}

/** What each output is; each stack has all but those that {@link SomeStacksOutput} names. */
export const outputMeanings = {
  endpointName: "What to invoke.",
  variantName: "Its one production variant: the dimension of its metrics.",
  region: "Where it is.",
  awsEndpointUrl: "On `local` alone: where AWS is.",
  inputBucket: "Where videos go …",
  inputPrefix: "… and what their keys start with.",
  sourceLocations:
    "s3:// prefixes of existing videos that the endpoint may read in place: the setting `sourceBuckets`.",
  outputLocation: "s3:// prefix of results. A job's own place is in the answer to its invocation.",
  failureLocation: "s3:// prefix of failures, likewise.",
  successTopicArn: "Where a result is announced.",
  errorTopicArn: "Where a failure is announced.",
  successQueueUrl: "A queue that keeps the announcements of results.",
  errorQueueUrl: "A queue that keeps the announcements of failures, for redrive.",
  operationsTopicArn: "Where alarms speak.",
  dashboardUrl: "What to look at: the dashboard in AWS's console.",
  callerPolicyArn: "A managed policy to attach to those who send videos.",
  operatorPolicyArn: "A managed policy to attach to those who look after the stack.",
  temporaryQueuePrefix: "Start of the names of queues that operators may create: the smoke test's.",
  callerRoleArn: "With `callerAccountId` alone: the role for the people of the other account.",
  maxConcurrency: "Videos at a time on each instance.",
  instanceType: "What an instance is.",
  maxCapacity: "Instances at most.",
  endpointConfigName: "The endpoint configuration that the endpoint must run; the smoke test compares it.",
  modelLocation: "s3:// prefix of model artifacts.",
  artifactRetentionDays: "Days after which an artifact that no model uses may be deleted.",
  maxResponseSize: "Largest result, in MiB.",
  requireGpu:
    "Whether the endpoint fails instead of working without a GPU; the smoke test compares it with the result's device.",
  maxRequestSize: "Largest video, in MiB.",
  invocationTimeout: "Longest run of one video, in seconds.",
} as const;

type OutputName = keyof typeof outputMeanings;
/** There only where AWS is a machine of one's own, and only with another account. */
type SomeStacksOutput = "awsEndpointUrl" | "callerRoleArn";
type Outputs = Record<
  Exclude<OutputName, SomeStacksOutput>,
  pulumi.Input<string | number | boolean | readonly string[]>
> &
  Partial<Record<SomeStacksOutput, pulumi.Input<string>>>;

/** Every output by its name. */
export function stackOutputs(parts: StackParts): Outputs {
  const { account, storage, topics, inference, scaling, monitoring, access } = parts;
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
    successTopicArn: topics.successTopicArn,
    errorTopicArn: topics.errorTopicArn,
    successQueueUrl: topics.successQueueUrl,
    errorQueueUrl: topics.errorQueueUrl,
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
    maxRequestSize: inference.maxRequestSize,
    invocationTimeout: inference.invocationTimeout,
  };
}
