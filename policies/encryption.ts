/** Policies about keys, and about what else of a stack's data they encrypt. */
import { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
import { Key } from "@pulumi/aws/kms/key.js";
import { Topic } from "@pulumi/aws/sns/topic.js";
import { Queue } from "@pulumi/aws/sqs/queue.js";
import { type ResourceValidationPolicy, validateResourceOfType } from "@pulumi/policy";

/** Whether a KMS key is named and is not AWS's own for a service: those have policies that nobody can change. */
export function isCustomerKey(key: string | undefined): boolean {
  return key !== undefined && key !== "" && !key.includes("alias/aws/");
}

/** A notice names videos and results. */
export const topicEncrypted: ResourceValidationPolicy = {
  name: "topic-encrypted",
  description:
    "A topic is encrypted with a customer's key: notices name videos and results, and AWS's own key for SNS cannot be opened to alarms.",
  enforcementLevel: "mandatory",
  validateResource: validateResourceOfType(Topic, (topic, { name }, reportViolation) => {
    if (!isCustomerKey(topic.kmsMasterKeyId)) {
      reportViolation(
        `The topic '${name}' is not encrypted with a customer's key. Set its kmsMasterKeyId to a KMS key's ARN.`,
      );
    }
  }),
};

/** A queue keeps notices for days. */
export const queueEncrypted: ResourceValidationPolicy = {
  name: "queue-encrypted",
  description:
    "A queue is encrypted with a customer's key: it keeps notices for days, and AWS's own key for SQS cannot be opened to a topic.",
  enforcementLevel: "mandatory",
  validateResource: validateResourceOfType(Queue, (queue, { name }, reportViolation) => {
    if (!isCustomerKey(queue.kmsMasterKeyId)) {
      reportViolation(
        `The queue '${name}' is not encrypted with a customer's key. Set its kmsMasterKeyId to a KMS key's ARN.`,
      );
    }
  }),
};

/** The endpoint's log names videos and quotes what the model prints. */
export const logEncrypted: ResourceValidationPolicy = {
  name: "log-encrypted",
  description: "A log group is encrypted with a customer's key: the endpoint's log names videos and results.",
  enforcementLevel: "mandatory",
  validateResource: validateResourceOfType(LogGroup, (group, { name }, reportViolation) => {
    if (!isCustomerKey(group.kmsKeyId)) {
      reportViolation(
        `The log group '${name}' is not encrypted with a customer's key. Set its kmsKeyId to a KMS key's ARN.`,
      );
    }
  }),
};

/**
 * KMS rotates symmetric encryption keys only (KMS developer guide, "Rotating keys"). A key that the stack is given, as by the setting
 * encryptionKeyArn, is not among its resources: the program that creates it must ask for its rotation.
 */
export const keyRotation: ResourceValidationPolicy = {
  name: "key-rotation",
  description:
    "A KMS key that the stack creates is rotated: what one version of it gives away is then a year's data at most.",
  enforcementLevel: "mandatory",
  validateResource: validateResourceOfType(Key, (key, { name }, reportViolation) => {
    const { customerMasterKeySpec = "SYMMETRIC_DEFAULT", customKeyStoreId } = key;
    if (customerMasterKeySpec !== "SYMMETRIC_DEFAULT" || customKeyStoreId !== undefined) return;
    if (key.enableKeyRotation !== true) {
      reportViolation(`The KMS key '${name}' is never rotated. Set its enableKeyRotation to true.`);
    }
  }),
};
