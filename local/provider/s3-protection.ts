/** S3: how a bucket keeps its objects to itself: encryption, public access, ownership. */
import {
  DeleteBucketEncryptionCommand,
  DeleteBucketOwnershipControlsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketEncryptionCommand,
  GetBucketOwnershipControlsCommand,
  GetPublicAccessBlockCommand,
  PutBucketEncryptionCommand,
  PutBucketOwnershipControlsCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import type { ObjectOwnership, ServerSideEncryption } from "@aws-sdk/client-s3";
import type {
  BucketOwnershipControlsArgs,
  BucketPublicAccessBlockArgs,
  BucketServerSideEncryptionConfigurationArgs,
} from "@pulumi/aws/s3/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { unlessMissing } from "./errors.ts";
import { block, flag, regional, set, text } from "./properties.ts";
import type { FieldsOf, Inputs } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Managed, Scope } from "./resource.ts";

type Properties<Args> = FieldsOf<pulumi.Unwrap<Args> & Managed>;

const gone = ["NoSuchBucket", "NotFound"];
const bucketField = { bucket: text({ required: true, forceNew: true }) };

const encryptionFields = {
  ...bucketField,
  rules: set(
    block({
      applyServerSideEncryptionByDefault: block({
        sseAlgorithm: text({ required: true }),
        kmsMasterKeyId: text(),
      }),
      bucketKeyEnabled: flag({ computed: true }),
    }),
    { required: true },
  ),
  ...regional,
} satisfies Properties<BucketServerSideEncryptionConfigurationArgs>;

async function putEncryption(inputs: Inputs<typeof encryptionFields>, { aws }: Scope): Promise<void> {
  await aws.s3.send(
    new PutBucketEncryptionCommand({
      Bucket: inputs.bucket,
      ServerSideEncryptionConfiguration: {
        Rules: inputs.rules.map(({ applyServerSideEncryptionByDefault: by, bucketKeyEnabled }) => ({
          BucketKeyEnabled: bucketKeyEnabled,
          ApplyServerSideEncryptionByDefault: by && {
            SSEAlgorithm: by.sseAlgorithm as ServerSideEncryption,
            KMSMasterKeyID: by.kmsMasterKeyId,
          },
        })),
      },
    }),
  );
}

export const bucketServerSideEncryptionConfiguration = resource<typeof encryptionFields>({
  token: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  fields: encryptionFields,
  outputs: [],
  async create(inputs, scope) {
    await putEncryption(inputs, scope);
    return inputs.bucket;
  },
  async read(id, { aws }) {
    const found = await unlessMissing(
      aws.s3.send(new GetBucketEncryptionCommand({ Bucket: id })),
      "ServerSideEncryptionConfigurationNotFoundError",
      ...gone,
    );
    if (found === undefined) return undefined;
    const rules = found.ServerSideEncryptionConfiguration?.Rules ?? [];
    return {
      bucket: id,
      rules: rules.map(({ ApplyServerSideEncryptionByDefault: by, BucketKeyEnabled }) => ({
        applyServerSideEncryptionByDefault: by && { sseAlgorithm: by.SSEAlgorithm, kmsMasterKeyId: by.KMSMasterKeyID },
        bucketKeyEnabled: BucketKeyEnabled,
      })),
    };
  },
  update: ({ inputs }, scope) => putEncryption(inputs, scope),
  async delete(id, { aws }) {
    await unlessMissing(
      aws.s3.send(new DeleteBucketEncryptionCommand({ Bucket: id })),
      "ServerSideEncryptionConfigurationNotFoundError",
      ...gone,
    );
  },
});

const accessFields = {
  ...bucketField,
  blockPublicAcls: flag({ default: false }),
  blockPublicPolicy: flag({ default: false }),
  ignorePublicAcls: flag({ default: false }),
  restrictPublicBuckets: flag({ default: false }),
  skipDestroy: flag(),
  ...regional,
} satisfies Properties<BucketPublicAccessBlockArgs>;

async function putAccess(inputs: Inputs<typeof accessFields>, { aws }: Scope): Promise<void> {
  await aws.s3.send(
    new PutPublicAccessBlockCommand({
      Bucket: inputs.bucket,
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: inputs.blockPublicAcls,
        BlockPublicPolicy: inputs.blockPublicPolicy,
        IgnorePublicAcls: inputs.ignorePublicAcls,
        RestrictPublicBuckets: inputs.restrictPublicBuckets,
      },
    }),
  );
}

export const bucketPublicAccessBlock = resource<typeof accessFields>({
  token: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  fields: accessFields,
  outputs: [],
  async create(inputs, scope) {
    await putAccess(inputs, scope);
    return inputs.bucket;
  },
  async read(id, { aws }) {
    const found = await unlessMissing(
      aws.s3.send(new GetPublicAccessBlockCommand({ Bucket: id })),
      "NoSuchPublicAccessBlockConfiguration",
      ...gone,
    );
    if (found === undefined) return undefined;
    const access = found.PublicAccessBlockConfiguration;
    return {
      bucket: id,
      blockPublicAcls: access?.BlockPublicAcls ?? false,
      blockPublicPolicy: access?.BlockPublicPolicy ?? false,
      ignorePublicAcls: access?.IgnorePublicAcls ?? false,
      restrictPublicBuckets: access?.RestrictPublicBuckets ?? false,
    };
  },
  update: ({ inputs }, scope) => putAccess(inputs, scope),
  async delete(id, { aws }, { skipDestroy }) {
    if (skipDestroy === true) return;
    await unlessMissing(
      aws.s3.send(new DeletePublicAccessBlockCommand({ Bucket: id })),
      "NoSuchPublicAccessBlockConfiguration",
      ...gone,
    );
  },
});

const ownershipFields = {
  ...bucketField,
  rule: block({ objectOwnership: text({ required: true }) }, { required: true }),
  ...regional,
} satisfies Properties<BucketOwnershipControlsArgs>;

async function putOwnership(inputs: Inputs<typeof ownershipFields>, { aws }: Scope): Promise<void> {
  const Rules = [{ ObjectOwnership: inputs.rule.objectOwnership as ObjectOwnership }];
  await aws.s3.send(new PutBucketOwnershipControlsCommand({ Bucket: inputs.bucket, OwnershipControls: { Rules } }));
}

export const bucketOwnershipControls = resource<typeof ownershipFields>({
  token: "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  fields: ownershipFields,
  outputs: [],
  async create(inputs, scope) {
    await putOwnership(inputs, scope);
    return inputs.bucket;
  },
  async read(id, { aws }) {
    const found = await unlessMissing(
      aws.s3.send(new GetBucketOwnershipControlsCommand({ Bucket: id })),
      "OwnershipControlsNotFoundError",
      ...gone,
    );
    const rule = found?.OwnershipControls?.Rules?.[0];
    return rule && { bucket: id, rule: { objectOwnership: rule.ObjectOwnership } };
  },
  update: ({ inputs }, scope) => putOwnership(inputs, scope),
  async delete(id, { aws }) {
    await unlessMissing(
      aws.s3.send(new DeleteBucketOwnershipControlsCommand({ Bucket: id })),
      "OwnershipControlsNotFoundError",
      ...gone,
    );
  },
});
