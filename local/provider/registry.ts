/** All types that the provider serves, by token. */
import * as appautoscaling from "./appautoscaling.ts";
import { metricAlarm } from "./cloudwatch.ts";
import { dashboard } from "./dashboard.ts";
import { endpointConfiguration } from "./endpoint-configuration.ts";
import * as iam from "./iam.ts";
import * as kms from "./kms.ts";
import { logGroup } from "./logs.ts";
import { openIdConnectProvider } from "./openid-connect.ts";
import type { ResourceType } from "./resource.ts";
import * as s3 from "./s3.ts";
import { bucketNotification, bucketPolicy } from "./s3-access.ts";
import { bucketLifecycleConfiguration } from "./s3-lifecycle.ts";
import { bucketObjectv2 } from "./s3-object.ts";
import * as s3Protection from "./s3-protection.ts";
import { endpoint, model } from "./sagemaker.ts";
import * as sns from "./sns.ts";
import * as sqs from "./sqs.ts";

const all: readonly ResourceType[] = [
  appautoscaling.policy,
  appautoscaling.target,
  dashboard,
  endpoint,
  endpointConfiguration,
  iam.managedPolicy,
  iam.role,
  iam.rolePolicy,
  iam.rolePolicyAttachment,
  kms.alias,
  kms.key,
  logGroup,
  metricAlarm,
  model,
  openIdConnectProvider,
  s3.bucket,
  bucketLifecycleConfiguration,
  bucketNotification,
  bucketObjectv2,
  s3Protection.bucketOwnershipControls,
  bucketPolicy,
  s3Protection.bucketPublicAccessBlock,
  s3Protection.bucketServerSideEncryptionConfiguration,
  s3.bucketVersioning,
  sns.topic,
  sns.topicPolicy,
  sns.topicSubscription,
  sqs.queue,
  sqs.queuePolicy,
  sqs.redriveAllowPolicy,
  sqs.redrivePolicy,
];

const types = new Map(all.map((type) => [type.token, type]));

/** The type with this token, if the provider serves it. */
export const findType = (token: string): ResourceType | undefined => types.get(token);

/** All tokens, sorted. */
export const tokens: readonly string[] = [...types.keys()].sort();
