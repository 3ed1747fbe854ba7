/** SQS: queues and their policies. */
import type * as sqs from "@pulumi/aws/sqs/index.js";
import { crud, put } from "./crud.ts";
import { jsonField, numberField, policyField, stringField } from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import { byAnswer, byProperties } from "./row.ts";

const common = {
  service: "sqs",
  read: [{ operation: "GetQueueAttributes", input: { AttributeNames: ["All"] }, at: "Attributes" }],
  // The modelled code, and the older one that SQS also sends.
  notFoundCodes: ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"],
} as const;

/** A queue. */
export const queue = crud({
  ...common,
  token: "aws:sqs/queue:Queue",
  fields: {
    name: stringField({ autoName: { max: 80 }, forceNew: true, member: "QueueName" }),
    delaySeconds: numberField({ default: 0 }),
    kmsMasterKeyId: stringField(),
    maxMessageSize: numberField({ default: 262_144, member: "MaximumMessageSize" }),
    messageRetentionSeconds: numberField({ default: 345_600, member: "MessageRetentionPeriod" }),
    policy: policyField({ computed: true }),
    receiveWaitTimeSeconds: numberField({ default: 0, member: "ReceiveMessageWaitTimeSeconds" }),
    redriveAllowPolicy: jsonField({ computed: true }),
    redrivePolicy: jsonField({ computed: true }),
    visibilityTimeoutSeconds: numberField({ default: 30, member: "VisibilityTimeout" }),
  } satisfies FieldsOf<sqs.QueueArgs>,
  outputs: { arn: stringField({ member: "QueueArn" }), url: stringField() },
  identity: byAnswer("QueueUrl"),
  tags: { set: "TagQueue", remove: "UntagQueue", list: "ListQueueTags" },
  create: { operation: "CreateQueue" },
  update: [{ attributes: "SetQueueAttributes" }],
  derive: ({ QueueArn: arn }, _scope, url) => ({ name: String(arn).split(":").at(-1), url }),
  delete: { operation: "DeleteQueue" },
});

/** The policy of a queue. */
export const queuePolicy = put({
  ...common,
  token: "aws:sqs/queuePolicy:QueuePolicy",
  fields: {
    queueUrl: stringField({ required: true, forceNew: true }),
    policy: policyField({ required: true }),
  } satisfies FieldsOf<sqs.QueuePolicyArgs>,
  identity: byProperties(["queueUrl"]),
  put: "SetQueueAttributes",
  isMissing: ({ Policy }) => Policy === undefined || Policy === "",
  delete: { operation: "SetQueueAttributes", input: { Attributes: { Policy: "" } }, awaited: true },
});
