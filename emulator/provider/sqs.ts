/** SQS: queues and their policies. */
import type * as sqs from "@pulumi/aws/sqs/index.js";
import { attributes, crud } from "./crud.ts";
import { booleanField, jsonField, numberField, policyField, stringField } from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import { byAnswer, byProperties } from "./row.ts";
import { unknown } from "./values.ts";

const common = {
  service: "sqs",
  read: [{ operation: "GetQueueAttributes", input: { AttributeNames: ["All"] }, at: "Attributes" }],
  // The modelled code, and the older one that SQS also sends.
  notFoundCodes: ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"],
} as const;

export const queue = crud({
  ...common,
  token: "aws:sqs/queue:Queue",
  fields: {
    name: stringField({
      autoName: { max: 80, suffixIf: "fifoQueue", suffix: ".fifo" },
      forceNew: true,
      member: "QueueName",
    }),
    fifoQueue: booleanField({ default: false, forceNew: true }),
    contentBasedDeduplication: booleanField({ default: false }),
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
  check(inputs) {
    const { name, fifoQueue } = inputs;
    if (fifoQueue !== true || typeof name !== "string" || name === unknown || name.endsWith(".fifo")) return [];
    return [{ property: "name", reason: `The name of a FIFO queue must end in .fifo, got ${name}` }];
  },
  create: { operation: "CreateQueue" },
  update: [{ attributes: "SetQueueAttributes" }],
  derive: ({ QueueArn: arn }, _scope, url) => ({ name: String(arn).split(":").at(-1), url }),
  delete: { operation: "DeleteQueue" },
});

/**
 * Makes the row of a type that is one attribute of a queue. Its deletion empties the attribute and waits until SQS no
 * longer returns it.
 */
const ofQueue = (attribute: string) => ({
  ...common,
  set: "SetQueueAttributes" as const,
  identity: byProperties(["queueUrl"]),
  isMissing: ({ [attribute]: value }: Readonly<Record<string, unknown>>) => value === undefined || value === "",
  delete: {
    operation: "SetQueueAttributes" as const,
    input: { Attributes: { [attribute]: "" } },
    awaited: true as const,
  },
});

const queueUrl = stringField({ required: true, forceNew: true });

export const queuePolicy = attributes({
  ...ofQueue("Policy"),
  token: "aws:sqs/queuePolicy:QueuePolicy",
  fields: { queueUrl, policy: policyField({ required: true }) } satisfies FieldsOf<sqs.QueuePolicyArgs>,
});

export const redrivePolicy = attributes({
  ...ofQueue("RedrivePolicy"),
  token: "aws:sqs/redrivePolicy:RedrivePolicy",
  fields: {
    queueUrl,
    redrivePolicy: jsonField({ required: true }),
  } satisfies FieldsOf<sqs.RedrivePolicyArgs>,
});

export const redriveAllowPolicy = attributes({
  ...ofQueue("RedriveAllowPolicy"),
  token: "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
  fields: {
    queueUrl,
    redriveAllowPolicy: jsonField({ required: true }),
  } satisfies FieldsOf<sqs.RedriveAllowPolicyArgs>,
});
