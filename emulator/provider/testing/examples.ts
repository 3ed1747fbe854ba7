/** For tests: an example of each type of resource, with a change of each property and its outcome in the official provider. */
import type { Value, Values } from "../values.ts";
import type { TestProvider } from "./provider.ts";

/** Creates resources that an example needs; returns a part of its inputs. */
type Prepare = (provider: TestProvider) => Promise<Values>;

/** One type. */
export interface Example {
  readonly inputs: Values;
  readonly prepare?: Prepare;
  /** New values by property: the resource is updated in place. */
  readonly updates: Values;
  /** New values by property: the resource is replaced. */
  readonly replaces: Values;
  /** New values by property, with the call for the change: the emulator refuses it by name. */
  readonly refused?: Readonly<Record<string, readonly [value: Value, operation: string]>>;
  /** Inputs of a replacement that differ, if Pulumi does not name the type and no `prepare` gives another target. */
  readonly replacement?: Values;
  /** Part of the state that stays when the resource is deleted, because AWS has no "none". */
  readonly remains?: RegExp;
}

const account = "000000000000";

const policyFor = (Action: string, Resource: string, Principal: Values = { Service: "sns.amazonaws.com" }): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal, Action, Resource }] });

const permission = (Action: string): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource: "*" }] });

function trust(service: string): string {
  const Principal = { Service: service };
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal }],
  });
}

let count = 0;

/** Creates a resource that an example needs, under a unique name. */
async function made(provider: TestProvider, type: string, inputs: Values = {}) {
  count += 1;
  const needed = provider.resource(type, `needed${count}`);
  await needed.create(inputs);
  return needed;
}

const inBucket: Prepare = async (provider) => {
  const { id } = await made(provider, "aws:s3/bucket:Bucket", { forceDestroy: true });
  return { bucket: id };
};

const ofTopic: Prepare = async (provider) => ({ arn: (await made(provider, "aws:sns/topic:Topic")).id });

const ofQueue: Prepare = async (provider) => ({ queueUrl: (await made(provider, "aws:sqs/queue:Queue")).id });

/** The queue in {@link redrive}. */
const withDeadLetters: Prepare = async (provider) => {
  await provider.resource("aws:sqs/queue:Queue").create({ name: "dead" });
  return {};
};

const ofRole: Prepare = async (provider) => ({
  role: (await made(provider, "aws:iam/role:Role", { assumeRolePolicy: trust("lambda.amazonaws.com") })).id,
});

const redrive = (maxReceiveCount: number): string =>
  JSON.stringify({ deadLetterTargetArn: `arn:aws:sqs:us-east-1:${account}:dead`, maxReceiveCount });

/** Types that MiniStack serves: S3, SNS, SQS, IAM, KMS and logs. */
export const miniStackExamples: Readonly<Record<string, Example>> = {
  "aws:cloudwatch/logGroup:LogGroup": {
    inputs: { retentionInDays: 14 },
    updates: { retentionInDays: 30 },
    replaces: { name: "other" },
    refused: { kmsKeyId: [`arn:aws:kms:us-east-1:${account}:key/k`, "AssociateKmsKey"] },
  },
  "aws:iam/openIdConnectProvider:OpenIdConnectProvider": {
    inputs: { url: "https://contract.example.com", clientIdLists: ["one"] },
    updates: {},
    replaces: { url: "https://other.example.com" },
    refused: {
      clientIdLists: [["other"], "AddClientIDToOpenIDConnectProvider"],
      tags: [{ stage: "one" }, "TagOpenIDConnectProvider"],
    },
    replacement: { url: "https://other.example.com" },
  },
  "aws:iam/policy:Policy": {
    inputs: { policy: permission("s3:GetObject") },
    updates: { policy: permission("s3:PutObject") },
    replaces: { name: "other", path: "/team/" },
  },
  "aws:iam/role:Role": {
    inputs: { assumeRolePolicy: trust("lambda.amazonaws.com") },
    updates: {
      assumeRolePolicy: trust("sagemaker.amazonaws.com"),
      maxSessionDuration: 7_200,
      permissionsBoundary: "arn:aws:iam::aws:policy/ReadOnlyAccess",
    },
    replaces: { name: "other", path: "/team/" },
  },
  "aws:iam/rolePolicy:RolePolicy": {
    prepare: ofRole,
    inputs: { policy: permission("s3:GetObject") },
    updates: { policy: permission("s3:PutObject") },
    replaces: { name: "other", role: "other" },
  },
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
    prepare: async (provider) => ({
      ...(await ofRole(provider)),
      policyArn: (await made(provider, "aws:iam/policy:Policy", { policy: permission("s3:GetObject") })).id,
    }),
    inputs: {},
    updates: {},
    replaces: { role: "other", policyArn: `arn:aws:iam::${account}:policy/other` },
  },
  "aws:kms/alias:Alias": {
    prepare: async (provider) => ({ targetKeyId: (await made(provider, "aws:kms/key:Key")).id }),
    inputs: {},
    updates: {},
    replaces: { name: "alias/other" },
  },
  "aws:kms/key:Key": {
    inputs: { description: "one" },
    updates: {
      description: "other",
      enableKeyRotation: true,
      policy: policyFor("kms:*", "*", { AWS: account }),
      deletionWindowInDays: 7,
    },
    replaces: {},
  },
  "aws:s3/bucket:Bucket": {
    inputs: {},
    updates: { forceDestroy: true },
    replaces: { bucket: "other" },
  },
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
    prepare: inBucket,
    inputs: { rules: [{ id: "expire", status: "Enabled", filter: { prefix: "in/" }, expiration: { days: 3 } }] },
    updates: {
      rules: [
        { id: "markers", status: "Disabled", expiration: { expiredObjectDeleteMarker: true } },
        {
          id: "rest",
          status: "Enabled",
          noncurrentVersionExpiration: { noncurrentDays: 2 },
          abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
        },
      ],
    },
    replaces: { bucket: "other" },
  },
  "aws:s3/bucketNotification:BucketNotification": {
    prepare: inBucket,
    inputs: {},
    updates: { eventbridge: true },
    replaces: { bucket: "other" },
    remains: /"eventbridge":false/,
  },
  "aws:s3/bucketObjectv2:BucketObjectv2": {
    prepare: inBucket,
    inputs: { content: "one" },
    updates: { content: "other", contentType: "text/plain", forceDestroy: true },
    replaces: { bucket: "other", key: "other" },
  },
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": {
    prepare: inBucket,
    inputs: { rule: { objectOwnership: "BucketOwnerEnforced" } },
    updates: { rule: { objectOwnership: "ObjectWriter" } },
    replaces: { bucket: "other" },
  },
  "aws:s3/bucketPolicy:BucketPolicy": {
    prepare: inBucket,
    inputs: { policy: policyFor("s3:GetObject", "*") },
    updates: { policy: policyFor("s3:PutObject", "*") },
    replaces: { bucket: "other" },
  },
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
    prepare: inBucket,
    inputs: {},
    updates: {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    replaces: { bucket: "other" },
  },
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": {
    prepare: inBucket,
    inputs: { rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
    updates: {
      rules: [
        {
          applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: "k" },
          bucketKeyEnabled: true,
        },
      ],
    },
    replaces: { bucket: "other" },
    remains: /"sseAlgorithm":"AES256"/,
  },
  "aws:s3/bucketVersioning:BucketVersioning": {
    prepare: inBucket,
    inputs: { versioningConfiguration: { status: "Enabled" } },
    updates: { versioningConfiguration: { status: "Suspended" } },
    replaces: { bucket: "other" },
    remains: /"status":"Suspended"/,
  },
  "aws:sns/topic:Topic": {
    inputs: {},
    updates: {
      displayName: "other",
      kmsMasterKeyId: "alias/aws/sns",
      policy: policyFor("sns:Publish", "*"),
    },
    replaces: { name: "other" },
  },
  "aws:sns/topicPolicy:TopicPolicy": {
    prepare: ofTopic,
    inputs: { policy: policyFor("sns:Publish", "*") },
    updates: { policy: policyFor("sns:Subscribe", "*") },
    replaces: { arn: "arn:aws:sns:us-east-1:000000000000:other" },
    remains: /__default_policy_ID/,
  },
  "aws:sns/topicSubscription:TopicSubscription": {
    prepare: async (provider) => ({
      topic: (await made(provider, "aws:sns/topic:Topic")).id,
      endpoint: (await made(provider, "aws:sqs/queue:Queue")).state["arn"] ?? "",
    }),
    inputs: { protocol: "sqs" },
    updates: {
      rawMessageDelivery: true,
      filterPolicy: '{"eventName":["InferenceResult"]}',
      filterPolicyScope: "MessageBody",
      redrivePolicy: `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:${account}:dead"}`,
    },
    replaces: { topic: "other", protocol: "email", endpoint: "other" },
  },
  "aws:sqs/queue:Queue": {
    prepare: withDeadLetters,
    inputs: {},
    updates: {
      delaySeconds: 5,
      kmsMasterKeyId: "alias/aws/sqs",
      maxMessageSize: 1_024,
      messageRetentionSeconds: 60,
      policy: policyFor("sqs:SendMessage", "*"),
      receiveWaitTimeSeconds: 3,
      redriveAllowPolicy: '{"redrivePermission":"denyAll"}',
      redrivePolicy: redrive(3),
      visibilityTimeoutSeconds: 60,
    },
    replaces: { name: "other" },
  },
  "aws:sqs/queuePolicy:QueuePolicy": {
    prepare: ofQueue,
    inputs: { policy: policyFor("sqs:SendMessage", "*") },
    updates: { policy: policyFor("sqs:ReceiveMessage", "*") },
    replaces: { queueUrl: "http://127.0.0.1/other" },
  },
};
