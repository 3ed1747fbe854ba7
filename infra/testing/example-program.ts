/** A program that uses each component with its required arguments. The `@example` of each component is its part of the program. */
import { AccessPolicies } from "../components/access-policies.ts";
import { AsyncEndpoint } from "../components/async-endpoint.ts";
import { EncryptionKey } from "../components/encryption-key.ts";
import { EndpointAutoscaling } from "../components/endpoint-autoscaling.ts";
import { InferenceNotifications } from "../components/inference-notifications.ts";
import { ModelArtifact } from "../components/model-artifact.ts";
import { Monitoring } from "../components/monitoring.ts";
import { VideoStorage } from "../components/video-storage.ts";

/**
 * Registers every component and returns outputs that clients need.
 * @param path path of a model.tar.gz
 */
export function exampleProgram(path: string) {
  const key = new EncryptionKey("videos");

  const storage = new VideoStorage("videos", { keyArn: key.arn });

  const notifications = new InferenceNotifications("videos", { keyArn: key.arn });

  const artifact = new ModelArtifact("videos", { path, bucket: storage.inputBucket });

  const inference = new AsyncEndpoint("videos", {
    keyArn: key.arn,
    modelUrl: artifact.url,
    inputBucket: storage.inputBucket,
    outputBucket: storage.outputBucket,
    successTopicArn: notifications.successTopicArn,
    errorTopicArn: notifications.errorTopicArn,
  });

  const autoscaling = new EndpointAutoscaling("videos", {
    endpointName: inference.endpointName,
    variantName: inference.variantName,
    replacementTrigger: inference.replacementTrigger,
  });

  const monitoring = new Monitoring("videos", {
    keyArn: key.arn,
    endpointName: inference.endpointName,
    variantName: inference.variantName,
  });

  const access = new AccessPolicies("videos", {
    keyArn: key.arn,
    inputBucket: storage.inputBucket,
    outputBucket: storage.outputBucket,
    endpointArn: inference.endpointArn,
    endpointName: inference.endpointName,
    topicArns: [notifications.successTopicArn, notifications.errorTopicArn, monitoring.operationsTopicArn],
    queueArns: notifications.queueArns,
    deadLetterQueueArns: notifications.deadLetterQueueArns,
  });

  return {
    endpointName: inference.endpointName,
    maxCapacity: autoscaling.maxCapacity,
    callerPolicyArn: access.callerPolicyArn,
  };
}
