/** SNS: topics, their policies and subscriptions. */
import type * as sns from "@pulumi/aws/sns/index.js";
import { crud, put } from "./crud.ts";
import type { Properties } from "./mapping.ts";
import { booleanField, jsonField, policyField, stringField } from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import { byAnswer, byProperties } from "./row.ts";

const common = { service: "sns", notFoundCodes: ["NotFoundException", "NotFound"] } as const;

const ofTopic = { ...common, read: [{ operation: "GetTopicAttributes", at: "Attributes" }] } as const;

/** A topic. */
export const topic = crud({
  ...ofTopic,
  token: "aws:sns/topic:Topic",
  fields: {
    name: stringField({ autoName: { max: 80 }, forceNew: true }),
    displayName: stringField(),
    kmsMasterKeyId: stringField(),
    policy: policyField({ computed: true }),
  } satisfies FieldsOf<sns.TopicArgs>,
  outputs: { arn: stringField({ member: "TopicArn" }), owner: stringField() },
  identity: byAnswer("TopicArn"),
  tags: { set: "TagResource", remove: "UntagResource", list: "ListTagsForResource" },
  create: { operation: "CreateTopic", properties: ["name"] },
  update: [{ attributes: "SetTopicAttributes" }],
  derive: (_answer, _scope, arn) => ({ arn, name: arn.split(":").at(-1) }),
  delete: { operation: "DeleteTopic" },
});

/** Returns the default policy of a new topic (Amazon SNS developer guide, "Example cases for access control"). */
function defaultPolicy(arn: string, account: string): string {
  const ofTopics = ["GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic"];
  const actions = [...ofTopics, "Subscribe", "ListSubscriptionsByTopic", "Publish"];
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

/** The policy of a topic. Its deletion restores the default one. */
export const topicPolicy = put({
  ...ofTopic,
  token: "aws:sns/topicPolicy:TopicPolicy",
  fields: {
    arn: stringField({ required: true, forceNew: true, member: "TopicArn" }),
    policy: policyField({ required: true, member: ["AttributeValue", "Policy"] }),
  } satisfies FieldsOf<sns.TopicPolicyArgs>,
  outputs: { owner: stringField() },
  identity: byProperties(["arn"]),
  put: "SetTopicAttributes",
  input: { AttributeName: "Policy" },
  delete: {
    operation: "SetTopicAttributes",
    input: ({ arn }, { accountId }) => ({
      AttributeName: "Policy",
      AttributeValue: defaultPolicy(String(arn), accountId),
    }),
  },
});

/**
 * Returns the position of an attribute in the order of the official provider: a scope of MessageBody first, because it
 * allows nested filter policies, and any other one last (terraform-provider-aws, putSubscriptionAttributes).
 */
function rank(name: string, { filterPolicyScope: scope }: Properties): number {
  if (name !== "filterPolicyScope") return 1;
  return scope === "MessageBody" ? 0 : 2;
}

/** A subscription to a topic. */
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
  update: [{ attributes: "SetSubscriptionAttributes", rank }],
  read: [{ operation: "GetSubscriptionAttributes", at: "Attributes" }],
  derive: (_answer, _scope, arn) => ({ arn }),
  delete: {
    operation: "Unsubscribe",
    // AWS does not delete a subscription that was never confirmed: it expires after three days.
    notFoundCodes: ["InvalidParameter", "InvalidParameterException"],
    awaited: true,
  },
});
