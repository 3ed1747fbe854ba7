/** S3: the rules by which a bucket's objects move and expire. */
import {
  DeleteBucketLifecycleCommand,
  GetBucketLifecycleConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
} from "@aws-sdk/client-s3";
import type {
  ExpirationStatus,
  LifecycleRule,
  LifecycleRuleFilter,
  TransitionDefaultMinimumObjectSize,
  TransitionStorageClass,
} from "@aws-sdk/client-s3";
import type { BucketLifecycleConfigurationArgs } from "@pulumi/aws/s3/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { unlessMissing } from "./errors.ts";
import { block, flag, list, map, number, regional, set, text } from "./properties.ts";
import type { FieldsOf, Inputs } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Managed, Scope } from "./resource.ts";
import { fromTagList, toTagList } from "./tags.ts";

const sizes = { objectSizeGreaterThan: number(), objectSizeLessThan: number() };

const fields = {
  bucket: text({ required: true, forceNew: true }),
  transitionDefaultMinimumObjectSize: text({ default: "all_storage_classes_128K" }),
  rules: list(
    block({
      id: text({ required: true }),
      status: text({ required: true }),
      abortIncompleteMultipartUpload: block({ daysAfterInitiation: number() }),
      expiration: block({ date: text(), days: number(), expiredObjectDeleteMarker: flag() }),
      filter: block({
        ...sizes,
        prefix: text(),
        tag: block({ key: text({ required: true }), value: text({ required: true }) }),
        and: block({ ...sizes, prefix: text(), tags: map() }),
      }),
      noncurrentVersionExpiration: block({
        newerNoncurrentVersions: number(),
        noncurrentDays: number({ required: true }),
      }),
      noncurrentVersionTransitions: set(
        block({
          newerNoncurrentVersions: number(),
          noncurrentDays: number({ required: true }),
          storageClass: text({ required: true }),
        }),
      ),
      transitions: set(block({ date: text(), days: number(), storageClass: text({ required: true }) })),
    }),
    { required: true },
  ),
  ...regional,
} satisfies FieldsOf<pulumi.Unwrap<BucketLifecycleConfigurationArgs> & Managed>;

type Rule = Inputs<typeof fields>["rules"][number];

function day(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}

function toFilter(filter: Rule["filter"]): LifecycleRuleFilter {
  if (filter === undefined) return { Prefix: "" };
  return {
    Prefix: filter.prefix ?? (Object.keys(filter).length === 0 ? "" : undefined),
    ObjectSizeGreaterThan: filter.objectSizeGreaterThan,
    ObjectSizeLessThan: filter.objectSizeLessThan,
    Tag: filter.tag && { Key: filter.tag.key, Value: filter.tag.value },
    And: filter.and && {
      Prefix: filter.and.prefix,
      ObjectSizeGreaterThan: filter.and.objectSizeGreaterThan,
      ObjectSizeLessThan: filter.and.objectSizeLessThan,
      Tags: toTagList(filter.and.tags ?? {}),
    },
  };
}

function fromFilter(filter: LifecycleRuleFilter | undefined) {
  if (filter === undefined) return undefined;
  return {
    prefix: filter.Prefix,
    objectSizeGreaterThan: filter.ObjectSizeGreaterThan,
    objectSizeLessThan: filter.ObjectSizeLessThan,
    tag: filter.Tag && { key: filter.Tag.Key, value: filter.Tag.Value },
    and: filter.And && {
      prefix: filter.And.Prefix,
      objectSizeGreaterThan: filter.And.ObjectSizeGreaterThan,
      objectSizeLessThan: filter.And.ObjectSizeLessThan,
      tags: fromTagList(filter.And.Tags),
    },
  };
}

function toAws(rule: Rule): LifecycleRule {
  return {
    ID: rule.id,
    Status: rule.status as ExpirationStatus,
    Filter: toFilter(rule.filter),
    AbortIncompleteMultipartUpload: rule.abortIncompleteMultipartUpload && {
      DaysAfterInitiation: rule.abortIncompleteMultipartUpload.daysAfterInitiation,
    },
    Expiration: rule.expiration && {
      Date: day(rule.expiration.date),
      Days: rule.expiration.days,
      ExpiredObjectDeleteMarker: rule.expiration.expiredObjectDeleteMarker,
    },
    NoncurrentVersionExpiration: rule.noncurrentVersionExpiration && {
      NoncurrentDays: rule.noncurrentVersionExpiration.noncurrentDays,
      NewerNoncurrentVersions: rule.noncurrentVersionExpiration.newerNoncurrentVersions,
    },
    NoncurrentVersionTransitions: rule.noncurrentVersionTransitions?.map((one) => ({
      NoncurrentDays: one.noncurrentDays,
      NewerNoncurrentVersions: one.newerNoncurrentVersions,
      StorageClass: one.storageClass as TransitionStorageClass,
    })),
    Transitions: rule.transitions?.map((one) => ({
      Date: day(one.date),
      Days: one.days,
      StorageClass: one.storageClass as TransitionStorageClass,
    })),
  };
}

function fromAws(rule: LifecycleRule) {
  const { Expiration: expiration, NoncurrentVersionExpiration: noncurrent } = rule;
  return {
    id: rule.ID,
    status: rule.Status,
    filter: fromFilter(rule.Filter),
    abortIncompleteMultipartUpload: rule.AbortIncompleteMultipartUpload && {
      daysAfterInitiation: rule.AbortIncompleteMultipartUpload.DaysAfterInitiation,
    },
    expiration: expiration && {
      date: expiration.Date,
      days: expiration.Days,
      expiredObjectDeleteMarker: expiration.ExpiredObjectDeleteMarker,
    },
    noncurrentVersionExpiration: noncurrent && {
      noncurrentDays: noncurrent.NoncurrentDays,
      newerNoncurrentVersions: noncurrent.NewerNoncurrentVersions,
    },
    noncurrentVersionTransitions: rule.NoncurrentVersionTransitions?.map((one) => ({
      noncurrentDays: one.NoncurrentDays,
      newerNoncurrentVersions: one.NewerNoncurrentVersions,
      storageClass: one.StorageClass,
    })),
    transitions: rule.Transitions?.map((one) => ({ date: one.Date, days: one.Days, storageClass: one.StorageClass })),
  };
}

async function put(inputs: Inputs<typeof fields>, { aws }: Scope): Promise<string> {
  await aws.s3.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket: inputs.bucket,
      LifecycleConfiguration: { Rules: inputs.rules.map(toAws) },
      TransitionDefaultMinimumObjectSize:
        inputs.transitionDefaultMinimumObjectSize as TransitionDefaultMinimumObjectSize,
    }),
  );
  return inputs.bucket;
}

export const bucketLifecycleConfiguration = resource<typeof fields>({
  token: "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  fields,
  outputs: [],
  create: put,
  async read(id, { aws }, known) {
    const found = await unlessMissing(
      aws.s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: id })),
      "NoSuchLifecycleConfiguration",
      "NoSuchBucket",
    );
    if (found === undefined) return undefined;
    return {
      bucket: id,
      // Older S3 implementations do not answer it.
      transitionDefaultMinimumObjectSize:
        found.TransitionDefaultMinimumObjectSize ?? known.transitionDefaultMinimumObjectSize,
      rules: found.Rules?.map(fromAws),
    };
  },
  update: ({ inputs }, scope) => put(inputs, scope),
  async delete(id, { aws }) {
    await unlessMissing(
      aws.s3.send(new DeleteBucketLifecycleCommand({ Bucket: id })),
      "NoSuchLifecycleConfiguration",
      "NoSuchBucket",
    );
  },
});
