/** Policies on KMS keys and the encryption of data outside buckets. */
import { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
import { Key } from "@pulumi/aws/kms/key.js";
import { Topic } from "@pulumi/aws/sns/topic.js";
import { Queue } from "@pulumi/aws/sqs/queue.js";
import { validateResourceOfType } from "@pulumi/policy";
import { resourcePolicy } from "./policy.ts";

/** Checks that a KMS key is set and is not AWS's managed key for a service, whose policy cannot be changed. */
export function isCustomerKey(key: string | undefined): boolean {
  return key !== undefined && key !== "" && !key.includes("alias/aws/");
}

function notEncrypted(what: string, property: string): string {
  return `The ${what} is not encrypted with a customer's key. Set its ${property} to a KMS key's ARN.`;
}

/** A notification names videos and results. */
export const topicEncrypted = resourcePolicy({
  name: "topic-encrypted",
  description:
    "A topic must be encrypted with a customer's key. Notifications name videos and results, and alarms cannot use AWS's managed key for SNS.",
  validate: validateResourceOfType(Topic, (topic, { name }, reportViolation) => {
    if (!isCustomerKey(topic.kmsMasterKeyId)) reportViolation(notEncrypted(`topic '${name}'`, "kmsMasterKeyId"));
  }),
});

/** A queue keeps notifications for days. */
export const queueEncrypted = resourcePolicy({
  name: "queue-encrypted",
  description:
    "A queue must be encrypted with a customer's key. It keeps notifications for days, and topics cannot use AWS's managed key for SQS.",
  validate: validateResourceOfType(Queue, (queue, { name }, reportViolation) => {
    if (!isCustomerKey(queue.kmsMasterKeyId)) reportViolation(notEncrypted(`queue '${name}'`, "kmsMasterKeyId"));
  }),
});

/** The endpoint's log names videos and contains the model's output. */
export const logEncrypted = resourcePolicy({
  name: "log-encrypted",
  description: "A log group must be encrypted with a customer's key. The endpoint's log names videos and results.",
  validate: validateResourceOfType(LogGroup, (group, { name }, reportViolation) => {
    if (!isCustomerKey(group.kmsKeyId)) reportViolation(notEncrypted(`log group '${name}'`, "kmsKeyId"));
  }),
});

/**
 * KMS rotates only symmetric encryption keys (KMS developer guide, "Rotating keys"). An existing key, as in the setting
 * encryptionKeyArn, is not one of the stack's resources: the program that creates it must enable its rotation.
 */
export const keyRotation = resourcePolicy({
  name: "key-rotation",
  description:
    "A KMS key that the stack creates must be rotated. A leaked key version then exposes the data of one year only.",
  validate: validateResourceOfType(Key, (key, { name }, reportViolation) => {
    const { customerMasterKeySpec = "SYMMETRIC_DEFAULT", customKeyStoreId } = key;
    if (customerMasterKeySpec !== "SYMMETRIC_DEFAULT" || customKeyStoreId !== undefined) return;
    if (key.enableKeyRotation !== true) {
      reportViolation(`The KMS key '${name}' is never rotated. Set its enableKeyRotation to true.`);
    }
  }),
});
