/** SNS: topics, their policies and subscriptions. */
import {
  CreateTopicCommand,
  DeleteTopicCommand,
  GetSubscriptionAttributesCommand,
  GetTopicAttributesCommand,
  ListTagsForResourceCommand,
  SetSubscriptionAttributesCommand,
  SetTopicAttributesCommand,
  SubscribeCommand,
  TagResourceCommand,
  UnsubscribeCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-sns";
import type { TopicArgs, TopicPolicyArgs, TopicSubscriptionArgs } from "@pulumi/aws/sns/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { attributes, changedAttributes, flagOf, numberOf } from "./attributes.ts";
import { isCode, ProviderError, unlessMissing } from "./errors.ts";
import { flag, json, number, policy, regional, tagged, text } from "./properties.ts";
import type { FieldsOf, Inputs } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Managed, Scope } from "./resource.ts";
import { fromTagList, toTagList } from "./tags.ts";

type Properties<Args> = FieldsOf<pulumi.Unwrap<Args> & Managed>;

const topicFields = {
  name: text({ autoName: { max: 80, suffixIf: "fifoTopic", suffix: ".fifo" }, forceNew: true }),
  fifoTopic: flag({ default: false, forceNew: true }),
  applicationFailureFeedbackRoleArn: text(),
  applicationSuccessFeedbackRoleArn: text(),
  applicationSuccessFeedbackSampleRate: number(),
  archivePolicy: json(),
  contentBasedDeduplication: flag(),
  deliveryPolicy: json(),
  displayName: text(),
  fifoThroughputScope: text({ computed: true }),
  firehoseFailureFeedbackRoleArn: text(),
  firehoseSuccessFeedbackRoleArn: text(),
  firehoseSuccessFeedbackSampleRate: number(),
  httpFailureFeedbackRoleArn: text(),
  httpSuccessFeedbackRoleArn: text(),
  httpSuccessFeedbackSampleRate: number(),
  kmsMasterKeyId: text(),
  lambdaFailureFeedbackRoleArn: text(),
  lambdaSuccessFeedbackRoleArn: text(),
  lambdaSuccessFeedbackSampleRate: number(),
  policy: policy({ computed: true }),
  signatureVersion: number({ computed: true }),
  sqsFailureFeedbackRoleArn: text(),
  sqsSuccessFeedbackRoleArn: text(),
  sqsSuccessFeedbackSampleRate: number(),
  tracingConfig: text({ computed: true }),
  ...tagged,
  ...regional,
} satisfies Properties<TopicArgs>;

/** SNS's name of each property that is an attribute. */
const topicAttributes = {
  applicationFailureFeedbackRoleArn: "ApplicationFailureFeedbackRoleArn",
  applicationSuccessFeedbackRoleArn: "ApplicationSuccessFeedbackRoleArn",
  applicationSuccessFeedbackSampleRate: "ApplicationSuccessFeedbackSampleRate",
  archivePolicy: "ArchivePolicy",
  contentBasedDeduplication: "ContentBasedDeduplication",
  deliveryPolicy: "DeliveryPolicy",
  displayName: "DisplayName",
  fifoThroughputScope: "FifoThroughputScope",
  firehoseFailureFeedbackRoleArn: "FirehoseFailureFeedbackRoleArn",
  firehoseSuccessFeedbackRoleArn: "FirehoseSuccessFeedbackRoleArn",
  firehoseSuccessFeedbackSampleRate: "FirehoseSuccessFeedbackSampleRate",
  httpFailureFeedbackRoleArn: "HTTPFailureFeedbackRoleArn",
  httpSuccessFeedbackRoleArn: "HTTPSuccessFeedbackRoleArn",
  httpSuccessFeedbackSampleRate: "HTTPSuccessFeedbackSampleRate",
  kmsMasterKeyId: "KmsMasterKeyId",
  lambdaFailureFeedbackRoleArn: "LambdaFailureFeedbackRoleArn",
  lambdaSuccessFeedbackRoleArn: "LambdaSuccessFeedbackRoleArn",
  lambdaSuccessFeedbackSampleRate: "LambdaSuccessFeedbackSampleRate",
  policy: "Policy",
  signatureVersion: "SignatureVersion",
  sqsFailureFeedbackRoleArn: "SQSFailureFeedbackRoleArn",
  sqsSuccessFeedbackRoleArn: "SQSSuccessFeedbackRoleArn",
  sqsSuccessFeedbackSampleRate: "SQSSuccessFeedbackSampleRate",
  tracingConfig: "TracingConfig",
} as const;

const sampleRates = [
  "applicationSuccessFeedbackSampleRate",
  "firehoseSuccessFeedbackSampleRate",
  "httpSuccessFeedbackSampleRate",
  "lambdaSuccessFeedbackSampleRate",
  "sqsSuccessFeedbackSampleRate",
] as const;

async function setTopic(TopicArn: string, values: Record<string, string>, { aws }: Scope): Promise<void> {
  for (const [AttributeName, AttributeValue] of Object.entries(values)) {
    await aws.sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName, AttributeValue }));
  }
}

async function readTopic(TopicArn: string, { aws }: Scope): Promise<Record<string, string> | undefined> {
  const found = await unlessMissing(
    aws.sns.send(new GetTopicAttributesCommand({ TopicArn })),
    "NotFoundException",
    "NotFound",
  );
  return found && (found.Attributes ?? {});
}

export const topic = resource<typeof topicFields>({
  token: "aws:sns/topic:Topic",
  fields: topicFields,
  outputs: ["arn", "owner", "beginningArchiveTime"],
  tagging: {
    async tag({ id }, tags, { aws }) {
      await aws.sns.send(new TagResourceCommand({ ResourceArn: id, Tags: toTagList(tags) }));
    },
    async untag({ id }, TagKeys, { aws }) {
      await aws.sns.send(new UntagResourceCommand({ ResourceArn: id, TagKeys }));
    },
  },
  async create(inputs, scope) {
    const { TopicArn: arn } = await scope.aws.sns.send(
      new CreateTopicCommand({
        Name: inputs.name,
        Tags: toTagList(inputs.tagsAll),
        ...(inputs.fifoTopic ? { Attributes: { FifoTopic: "true" } } : {}),
      }),
    );
    if (arn === undefined) throw new ProviderError("CreateTopic answered no ARN");
    scope.created(arn);
    // The official provider always sends the sample rates, 0 for those that the program does not give.
    const rates = Object.fromEntries(sampleRates.map((rate) => [rate, inputs[rate] ?? 0]));
    await setTopic(arn, attributes(topicAttributes, { ...inputs, ...rates }), scope);
    return arn;
  },
  async read(id, scope) {
    const found = await readTopic(id, scope);
    if (found === undefined) return undefined;
    const { Tags } = await scope.aws.sns.send(new ListTagsForResourceCommand({ ResourceArn: id }));
    const texts = Object.entries(topicAttributes).map(([name, attribute]) => [name, found[attribute]]);
    const rates = sampleRates.map((rate) => [rate, numberOf(found[topicAttributes[rate]])]);
    return {
      ...(Object.fromEntries([...texts, ...rates]) as Record<string, unknown>),
      arn: id,
      name: id.split(":").at(-1),
      fifoTopic: flagOf(found["FifoTopic"]) ?? false,
      contentBasedDeduplication: flagOf(found["ContentBasedDeduplication"]),
      signatureVersion: numberOf(found["SignatureVersion"]),
      owner: found["Owner"],
      beginningArchiveTime: found["BeginningArchiveTime"],
      tags: fromTagList(Tags),
    };
  },
  async update({ id, inputs, changed }, scope) {
    await setTopic(id, changedAttributes(topicAttributes, inputs, changed), scope);
  },
  async delete(id, { aws }) {
    await unlessMissing(aws.sns.send(new DeleteTopicCommand({ TopicArn: id })), "NotFoundException", "NotFound");
  },
});

const topicPolicyFields = {
  arn: text({ required: true, forceNew: true }),
  policy: policy({ required: true }),
  ...regional,
} satisfies Properties<TopicPolicyArgs>;

/** The policy that SNS gives a new topic (Amazon SNS developer guide, "Example cases for access control"). */
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

async function putTopicPolicy(inputs: Inputs<typeof topicPolicyFields>, scope: Scope): Promise<string> {
  await setTopic(inputs.arn, { Policy: inputs.policy }, scope);
  return inputs.arn;
}

export const topicPolicy = resource<typeof topicPolicyFields>({
  token: "aws:sns/topicPolicy:TopicPolicy",
  fields: topicPolicyFields,
  outputs: ["owner"],
  create: putTopicPolicy,
  async read(id, scope) {
    const found = await readTopic(id, scope);
    return found && { arn: id, policy: found["Policy"], owner: found["Owner"] };
  },
  update: ({ inputs }, scope) => putTopicPolicy(inputs, scope),
  async delete(id, scope) {
    await unlessMissing(
      setTopic(id, { Policy: defaultPolicy(id, scope.accountId) }, scope),
      "NotFoundException",
      "NotFound",
    );
  },
});

const subscriptionFields = {
  topic: text({ required: true, forceNew: true }),
  protocol: text({ required: true, forceNew: true }),
  endpoint: text({ required: true, forceNew: true }),
  confirmationTimeoutInMinutes: number({ default: 1 }),
  endpointAutoConfirms: flag({ default: false }),
  rawMessageDelivery: flag({ default: false }),
  deliveryPolicy: json(),
  filterPolicy: json(),
  filterPolicyScope: text({ computed: true }),
  redrivePolicy: json(),
  replayPolicy: json(),
  subscriptionRoleArn: text(),
  ...regional,
} satisfies Properties<TopicSubscriptionArgs>;

const subscriptionAttributes = {
  rawMessageDelivery: "RawMessageDelivery",
  deliveryPolicy: "DeliveryPolicy",
  filterPolicy: "FilterPolicy",
  filterPolicyScope: "FilterPolicyScope",
  redrivePolicy: "RedrivePolicy",
  replayPolicy: "ReplayPolicy",
  subscriptionRoleArn: "SubscriptionRoleArn",
} as const;

/**
 * Attributes in the order in which the official provider sets them: a scope of MessageBody first, because it allows nested filter
 * policies, and any other one last (terraform-provider-aws, putSubscriptionAttributes).
 */
export function inOrder(values: Readonly<Record<string, string>>): [name: string, value: string][] {
  const rank = ([name, value]: [string, string]): number =>
    name === "FilterPolicyScope" ? (value === "MessageBody" ? 0 : 2) : 1;
  return Object.entries(values).sort((one, other) => rank(one) - rank(other));
}

async function readSubscription(SubscriptionArn: string, { aws }: Scope): Promise<Record<string, string> | undefined> {
  const found = await unlessMissing(
    aws.sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn })),
    "NotFoundException",
    "NotFound",
  );
  return found && (found.Attributes ?? {});
}

export const topicSubscription = resource<typeof subscriptionFields>({
  token: "aws:sns/topicSubscription:TopicSubscription",
  fields: subscriptionFields,
  outputs: ["arn", "confirmationWasAuthenticated", "ownerId", "pendingConfirmation"],
  async create(inputs, scope) {
    const given = attributes(subscriptionAttributes, inputs);
    if (!inputs.rawMessageDelivery) delete given["RawMessageDelivery"];
    const { SubscriptionArn: arn } = await scope.aws.sns.send(
      new SubscribeCommand({
        TopicArn: inputs.topic,
        Protocol: inputs.protocol,
        Endpoint: inputs.endpoint,
        Attributes: given,
        ReturnSubscriptionArn: true,
      }),
    );
    if (arn === undefined) throw new ProviderError("Subscribe answered no ARN");
    scope.created(arn);
    if (inputs.protocol.startsWith("http") && inputs.endpointAutoConfirms) {
      await confirmed(arn, inputs.confirmationTimeoutInMinutes, scope);
    }
    return arn;
  },
  async read(id, scope) {
    const found = await readSubscription(id, scope);
    if (found === undefined) return undefined;
    return {
      ...Object.fromEntries(
        Object.entries(subscriptionAttributes).map(([name, attribute]) => [name, found[attribute]]),
      ),
      arn: id,
      topic: found["TopicArn"],
      protocol: found["Protocol"],
      endpoint: found["Endpoint"],
      rawMessageDelivery: flagOf(found["RawMessageDelivery"]) ?? false,
      ownerId: found["Owner"],
      pendingConfirmation: flagOf(found["PendingConfirmation"]) ?? false,
      confirmationWasAuthenticated: flagOf(found["ConfirmationWasAuthenticated"]) ?? false,
    };
  },
  async update({ id, inputs, changed }, { aws }) {
    const values = changedAttributes(subscriptionAttributes, inputs, changed);
    for (const [AttributeName, AttributeValue] of inOrder(values)) {
      await aws.sns.send(new SetSubscriptionAttributesCommand({ SubscriptionArn: id, AttributeName, AttributeValue }));
    }
  },
  async delete(id, scope) {
    try {
      await scope.aws.sns.send(new UnsubscribeCommand({ SubscriptionArn: id }));
    } catch (error) {
      if (isCode(error, "NotFoundException", "NotFound")) return;
      // AWS does not end a subscription that nobody has confirmed: it expires after three days.
      if (isCode(error, "InvalidParameter", "InvalidParameterException")) return;
      throw error;
    }
    while ((await readSubscription(id, scope)) !== undefined) await scope.pause();
  },
});

async function confirmed(arn: string, minutes: number, scope: Scope): Promise<void> {
  for (let seconds = 0; seconds < minutes * 60; seconds += 1) {
    const found = await readSubscription(arn, scope);
    if (flagOf(found?.["PendingConfirmation"]) !== true) return;
    scope.progress("waiting for the endpoint to confirm");
    await scope.pause();
  }
  throw new ProviderError(`The endpoint did not confirm its subscription within ${minutes} min`);
}
