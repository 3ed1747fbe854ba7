/** The stack's outputs: the contract with everything that uses a deployed stack (ARCHITECTURE.md, "Where rooms meet"). */
import type * as pulumi from "@pulumi/pulumi";
import type { AccessPolicies } from "./access-policies.ts";
import type { Account } from "./account.ts";
import type { AsyncEndpoint } from "./async-endpoint.ts";
import type { CompletionTopics } from "./completion-topics.ts";
import type { Monitoring } from "./monitoring.ts";
import type { ScaleToZero } from "./scale-to-zero.ts";
import type { VideoStorage } from "./video-storage.ts";

/** What the outputs tell of. */
export interface StackParts {
  readonly account: Account;
  readonly storage: VideoStorage;
  readonly topics: CompletionTopics;
  readonly inference: AsyncEndpoint;
  readonly scaling: ScaleToZero;
  readonly monitoring: Monitoring;
  readonly access: AccessPolicies;
}

/** Every output by its name. `awsEndpointUrl` is there only where AWS is a machine of one's own, `callerRoleArn` only with another account. */
export function stackOutputs(parts: StackParts): Record<string, pulumi.Input<string | number>> {
  const { account, storage, topics, inference, scaling, monitoring, access } = parts;
  const awsEndpointUrl = process.env["AWS_ENDPOINT_URL"];
  return {
    endpointName: inference.endpointName,
    variantName: inference.variantName,
    region: account.region,
    ...(awsEndpointUrl === undefined ? {} : { awsEndpointUrl }),
    inputBucket: storage.inputBucket,
    inputPrefix: storage.inputPrefix,
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
    ...(access.callerRoleArn === undefined ? {} : { callerRoleArn: access.callerRoleArn }),
    maxConcurrency: inference.maxConcurrency,
    instanceType: inference.instanceType,
    maxCapacity: scaling.maxCapacity,
  };
}
