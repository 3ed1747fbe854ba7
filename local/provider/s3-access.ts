/** S3: who may use a bucket, and whom it notifies. */
import {
  DeleteBucketPolicyCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketPolicyCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketPolicyCommand,
} from "@aws-sdk/client-s3";
import type { Event, NotificationConfigurationFilter } from "@aws-sdk/client-s3";
import type { BucketNotificationArgs, BucketPolicyArgs } from "@pulumi/aws/s3/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { unlessMissing } from "./errors.ts";
import { block, flag, item, list, policy, regional, set, text } from "./properties.ts";
import type { FieldsOf, Inputs } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Managed, Scope } from "./resource.ts";

type Properties<Args> = FieldsOf<pulumi.Unwrap<Args> & Managed>;

const bucketField = { bucket: text({ required: true, forceNew: true }) };

const policyFields = {
  ...bucketField,
  policy: policy({ required: true }),
  ...regional,
} satisfies Properties<BucketPolicyArgs>;

async function putPolicy({ bucket, policy: Policy }: Inputs<typeof policyFields>, { aws }: Scope): Promise<string> {
  await aws.s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  return bucket;
}

export const bucketPolicy = resource<typeof policyFields>({
  token: "aws:s3/bucketPolicy:BucketPolicy",
  fields: policyFields,
  outputs: [],
  create: putPolicy,
  async read(id, { aws }) {
    const found = await unlessMissing(
      aws.s3.send(new GetBucketPolicyCommand({ Bucket: id })),
      "NoSuchBucketPolicy",
      "NoSuchBucket",
    );
    return found?.Policy === undefined ? undefined : { bucket: id, policy: found.Policy };
  },
  update: ({ inputs }, scope) => putPolicy(inputs, scope),
  async delete(id, { aws }) {
    await unlessMissing(
      aws.s3.send(new DeleteBucketPolicyCommand({ Bucket: id })),
      "NoSuchBucketPolicy",
      "NoSuchBucket",
    );
  },
});

const common = {
  id: text({ computed: true }),
  events: set(item, { required: true }),
  filterPrefix: text(),
  filterSuffix: text(),
};

const notificationFields = {
  ...bucketField,
  eventbridge: flag({ default: false }),
  queues: list(block({ ...common, queueArn: text({ required: true }) })),
  topics: list(block({ ...common, topicArn: text({ required: true }) })),
  lambdaFunctions: list(block({ ...common, lambdaFunctionArn: text() })),
  ...regional,
} satisfies Properties<BucketNotificationArgs>;

interface Common {
  readonly id?: string;
  readonly events: string[];
  readonly filterPrefix?: string;
  readonly filterSuffix?: string;
}

function toAws({ id, events, filterPrefix, filterSuffix }: Common) {
  const FilterRules = [
    ...(filterPrefix === undefined ? [] : [{ Name: "prefix" as const, Value: filterPrefix }]),
    ...(filterSuffix === undefined ? [] : [{ Name: "suffix" as const, Value: filterSuffix }]),
  ];
  return {
    Id: id,
    Events: events as Event[],
    ...(FilterRules.length === 0 ? {} : { Filter: { Key: { FilterRules } } }),
  };
}

interface FromAws {
  readonly Id?: string | undefined;
  readonly Events: readonly string[] | undefined;
  readonly Filter?: NotificationConfigurationFilter | undefined;
}

function fromAws({ Id, Events, Filter }: FromAws) {
  const rule = (name: string): string | undefined =>
    Filter?.Key?.FilterRules?.find((one) => one.Name?.toLowerCase() === name)?.Value;
  return { id: Id, events: Events, filterPrefix: rule("prefix"), filterSuffix: rule("suffix") };
}

async function putNotification(inputs: Inputs<typeof notificationFields>, { aws }: Scope): Promise<string> {
  await aws.s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: inputs.bucket,
      NotificationConfiguration: {
        ...(inputs.eventbridge ? { EventBridgeConfiguration: {} } : {}),
        QueueConfigurations: inputs.queues?.map((one) => ({ ...toAws(one), QueueArn: one.queueArn })),
        TopicConfigurations: inputs.topics?.map((one) => ({ ...toAws(one), TopicArn: one.topicArn })),
        LambdaFunctionConfigurations: inputs.lambdaFunctions?.map((one) => ({
          ...toAws(one),
          LambdaFunctionArn: one.lambdaFunctionArn,
        })),
      },
    }),
  );
  return inputs.bucket;
}

export const bucketNotification = resource<typeof notificationFields>({
  token: "aws:s3/bucketNotification:BucketNotification",
  fields: notificationFields,
  outputs: [],
  create: putNotification,
  async read(id, { aws }) {
    const found = await unlessMissing(
      aws.s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: id })),
      "NoSuchBucket",
    );
    if (found === undefined) return undefined;
    const { QueueConfigurations: queues, TopicConfigurations: topics, LambdaFunctionConfigurations: lambdas } = found;
    return {
      bucket: id,
      eventbridge: found.EventBridgeConfiguration !== undefined,
      queues: queues?.map((one) => ({ ...fromAws(one), queueArn: one.QueueArn })),
      topics: topics?.map((one) => ({ ...fromAws(one), topicArn: one.TopicArn })),
      lambdaFunctions: lambdas?.map((one) => ({ ...fromAws(one), lambdaFunctionArn: one.LambdaFunctionArn })),
    };
  },
  update: ({ inputs }, scope) => putNotification(inputs, scope),
  async delete(id, { aws }) {
    await unlessMissing(
      aws.s3.send(new PutBucketNotificationConfigurationCommand({ Bucket: id, NotificationConfiguration: {} })),
      "NoSuchBucket",
    );
  },
});
