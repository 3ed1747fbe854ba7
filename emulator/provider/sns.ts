/** SNS: topics, their policies and subscriptions. */
import type * as sns from "@pulumi/aws/sns/index.js";
import { attributes, crud } from "./crud.ts";
import type { Properties } from "./mapping.ts";
import { booleanField, jsonField, numberField, policyField, stringField } from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import { byAnswer, byProperties } from "./row.ts";

const common = { service: "sns", notFoundCodes: ["NotFoundException", "NotFound"] } as const;

const ofTopic = {
  ...common,
  read: [{ operation: "GetTopicAttributes", at: "Attributes" }],
} as const;

export const topic = crud({
  ...ofTopic,
  token: "aws:sns/topic:Topic",
  fields: {
    name: stringField({ autoName: { max: 80, suffixIf: "fifoTopic", suffix: ".fifo" }, forceNew: true }),
    fifoTopic: booleanField({ default: false, forceNew: true }),
    // The official provider always sends the sample rates.
    applicationSuccessFeedbackSampleRate: numberField({ whenUnset: 0 }),
    displayName: stringField(),
    firehoseSuccessFeedbackSampleRate: numberField({ whenUnset: 0 }),
    httpSuccessFeedbackSampleRate: numberField({ whenUnset: 0, member: "HTTPSuccessFeedbackSampleRate" }),
    kmsMasterKeyId: stringField(),
    lambdaSuccessFeedbackSampleRate: numberField({ whenUnset: 0 }),
    policy: policyField({ computed: true }),
    sqsSuccessFeedbackSampleRate: numberField({ whenUnset: 0, member: "SQSSuccessFeedbackSampleRate" }),
  } satisfies FieldsOf<sns.TopicArgs>,
  outputs: { arn: stringField({ member: "TopicArn" }), owner: stringField() },
  identity: byAnswer("TopicArn"),
  tags: { set: "TagResource", remove: "UntagResource", list: "ListTagsForResource" },
  create: { operation: "CreateTopic", properties: ["name", "fifoTopic"] },
  update: [{ attributes: "SetTopicAttributes" }],
  derive: (_answer, _scope, arn) => ({ arn, name: arn.split(":").at(-1) }),
  delete: { operation: "DeleteTopic" },
});

/** Returns the default policy of a new topic (Amazon SNS developer guide, "Example cases for access control"). */
function defaultPolicy(arn: string, account: string): string {
  const actions = [
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
  ];
  return JSON.stringify({
    Version: "2008-10-17",
    Id: "__default_policy_ID",
    Statement: [
      {
        Sid: "__default_statement_ID",
        Effect: "Allow",
        Principal: { AWS: "*" },
        Action: actions.map((action) => `SNS:${action}`),
        Resource: arn,
        Condition: { StringEquals: { "AWS:SourceOwner": account } },
      },
    ],
  });
}

export const topicPolicy = attributes({
  ...ofTopic,
  token: "aws:sns/topicPolicy:TopicPolicy",
  fields: {
    arn: stringField({ required: true, forceNew: true, member: "TopicArn" }),
    policy: policyField({ required: true }),
  } satisfies FieldsOf<sns.TopicPolicyArgs>,
  outputs: { owner: stringField() },
  identity: byProperties(["arn"]),
  set: "SetTopicAttributes",
  delete: {
    operation: "SetTopicAttributes",
    input: ({ arn }, { accountId }) => ({
      AttributeName: "Policy",
      AttributeValue: defaultPolicy(String(arn), accountId),
    }),
  },
});

/**
 * Compares attributes by the order in which the official provider sets them: a scope of MessageBody first, because it
 * allows nested filter policies, and any other one last (terraform-provider-aws, putSubscriptionAttributes).
 */
function byScope(one: string, other: string, values: Properties): number {
  const rank = (name: string): number => (name === "filterPolicyScope" ? (values[name] === "MessageBody" ? 0 : 2) : 1);
  return rank(one) - rank(other);
}

export const topicSubscription = crud({
  ...common,
  token: "aws:sns/topicSubscription:TopicSubscription",
  fields: {
    topic: stringField({ required: true, forceNew: true, member: "TopicArn" }),
    protocol: stringField({ required: true, forceNew: true }),
    endpoint: stringField({ required: true, forceNew: true }),
    rawMessageDelivery: booleanField({ default: false }),
    filterPolicy: jsonField(),
    filterPolicyScope: stringField({ computed: true }),
    redrivePolicy: jsonField(),
  } satisfies FieldsOf<sns.TopicSubscriptionArgs>,
  outputs: {
    arn: stringField({ member: "SubscriptionArn" }),
    confirmationWasAuthenticated: booleanField({ default: false }),
    ownerId: stringField({ member: "Owner" }),
    pendingConfirmation: booleanField({ default: false }),
  },
  identity: byAnswer("SubscriptionArn"),
  create: { operation: "Subscribe", input: { ReturnSubscriptionArn: true } },
  update: [{ attributes: "SetSubscriptionAttributes", order: byScope }],
  read: [{ operation: "GetSubscriptionAttributes", at: "Attributes" }],
  derive: (_answer, _scope, arn) => ({ arn }),
  delete: {
    operation: "Unsubscribe",
    // AWS does not delete a subscription that was never confirmed: it expires after three days.
    notFoundCodes: ["InvalidParameter", "InvalidParameterException"],
    awaited: true,
  },
});
