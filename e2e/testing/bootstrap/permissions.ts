/** The permissions that the provider's calls need, with the resources and condition keys that IAM evaluates. */
import { z } from "zod";
import type { AwsCall } from "../../../emulator/provider/clients.ts";

/** A permission that a call needs. */
export interface Permission {
  readonly action: string;
  readonly arn: string;
  readonly context: Readonly<Record<string, string | null>>;
}

/** Facts about a stack that its calls' permissions depend on. */
export interface StackFacts {
  readonly region: string;
  readonly accountId: string;
  readonly stack: string;
  /** ARN of its roles' permissions boundary. */
  readonly boundaryArn: string;
  /** ARN of the key that it uses. */
  readonly keyArn: string;
}

/** Permissions of S3 operations whose names differ (S3 user guide, "Required permissions for Amazon S3 API operations"). */
const permissionsOfS3: Readonly<Record<string, string>> = {
  DeleteBucketEncryption: "PutEncryptionConfiguration",
  DeleteBucketLifecycle: "PutLifecycleConfiguration",
  DeleteBucketOwnershipControls: "PutBucketOwnershipControls",
  DeleteObjects: "DeleteObject",
  DeletePublicAccessBlock: "PutBucketPublicAccessBlock",
  GetBucketAccelerateConfiguration: "GetAccelerateConfiguration",
  GetBucketCors: "GetBucketCORS",
  GetBucketEncryption: "GetEncryptionConfiguration",
  GetBucketLifecycleConfiguration: "GetLifecycleConfiguration",
  GetBucketNotificationConfiguration: "GetBucketNotification",
  GetBucketReplication: "GetReplicationConfiguration",
  GetObjectLockConfiguration: "GetBucketObjectLockConfiguration",
  GetPublicAccessBlock: "GetBucketPublicAccessBlock",
  HeadBucket: "ListBucket",
  HeadObject: "GetObject",
  ListObjectsV2: "ListBucket",
  ListObjectVersions: "ListBucketVersions",
  PutBucketEncryption: "PutEncryptionConfiguration",
  PutBucketLifecycleConfiguration: "PutLifecycleConfiguration",
  PutBucketNotificationConfiguration: "PutBucketNotification",
  PutPublicAccessBlock: "PutBucketPublicAccessBlock",
};

/** IAM's prefixes of services whose names differ in the provider. */
const prefixes: Readonly<Partial<Record<AwsCall["service"], string>>> = { appautoscaling: "application-autoscaling" };

const text = z.string().optional();
const texts = z.array(z.string()).optional();
const inputSchema = z.looseObject({
  AlarmName: text,
  AlarmNames: texts,
  Bucket: text,
  DashboardName: text,
  DashboardNames: texts,
  Delete: z.looseObject({ Objects: z.array(z.looseObject({ Key: z.string() })) }).optional(),
  Endpoint: text,
  EndpointConfigName: text,
  EndpointName: text,
  ExecutionRoleArn: text,
  Key: text,
  KeyId: text,
  ModelName: text,
  Name: text,
  PermissionsBoundary: text,
  PolicyArn: text,
  PolicyName: text,
  Protocol: text,
  QueueName: text,
  QueueUrl: text,
  ResourceARN: text,
  ResourceArn: text,
  RoleName: text,
  ServiceNamespace: text,
  Tags: z.unknown().optional(),
  TopicArn: text,
  logGroupName: text,
  resourceArn: text,
});
type Input = z.infer<typeof inputSchema>;

/**
 * Returns the permissions that a call needs.
 * @throws Error for a call whose resource `arnsOf` does not know
 */
export function permissionsOf({ service, operation, input }: AwsCall, facts: StackFacts): Permission[] {
  const given = inputSchema.parse(input);
  const prefix = prefixes[service] ?? service;
  const action = `${prefix}:${service === "s3" ? (permissionsOfS3[operation] ?? operation) : operation}`;
  const need = (arn: string, other = action): Permission[] =>
    contextsOf(given, facts).map((context) => ({ action: other, arn, context }));
  const arns = arnsOf(service, operation, given, facts);
  if (arns.length === 0)
    throw new Error(`No resource is known for ${action} with ${JSON.stringify(input)}. Add it to arnsOf.`);
  return [
    ...arns.flatMap((arn) => need(arn)),
    // A call that creates something with tags also needs the permission to tag (SageMaker developer guide, "AddTags"; Application Auto Scaling).
    ...(given.Tags !== undefined && service === "sagemaker"
      ? arns.flatMap((arn) => need(arn, "sagemaker:AddTags"))
      : []),
    ...(given.Tags !== undefined && service === "appautoscaling"
      ? arns.flatMap((arn) => need(arn, "application-autoscaling:TagResource"))
      : []),
    // Application Auto Scaling tests these permissions (user guide, "Permissions validation for API calls on target resources").
    ...(action === "application-autoscaling:RegisterScalableTarget"
      ? (["PutMetricAlarm", "DescribeAlarms", "DeleteAlarms"] as const).flatMap((name) =>
          need(alarmArn(name === "DescribeAlarms" ? "*" : "", facts), `cloudwatch:${name}`),
        )
      : []),
    ...(given.ExecutionRoleArn === undefined
      ? []
      : [
          {
            action: "iam:PassRole",
            arn: given.ExecutionRoleArn,
            context: { "iam:PassedToService": "sagemaker.amazonaws.com" },
          },
        ]),
    ...(action === "s3:PutObject" ? need(facts.keyArn, "kms:GenerateDataKey") : []),
  ];
}

function alarmArn(name: string, { region, accountId }: StackFacts): string {
  return `arn:aws:cloudwatch:${region}:${accountId}:alarm:${name}`;
}

/** Returns the values of the condition keys, once without and once with the tag: AWS may see a new resource's tag late. */
function contextsOf(given: Input, { stack, boundaryArn }: StackFacts): Permission["context"][] {
  const context = {
    "application-autoscaling:service-namespace": given.ServiceNamespace ?? null,
    "iam:PermissionsBoundary": given.PermissionsBoundary ?? boundaryArn,
    "iam:PolicyARN": given.PolicyArn ?? null,
    "kms:RequestAlias": given.KeyId?.startsWith("alias/") === true ? given.KeyId : null,
    "sns:Endpoint": given.Endpoint ?? null,
    "sns:Protocol": given.Protocol ?? null,
  };
  return [null, stack].map((tag) => ({ ...context, "aws:ResourceTag/stack": tag }));
}

/** Returns the ARNs of a call's resources; `*` for a call without a resource, none for an unknown call. */
function arnsOf(service: AwsCall["service"], operation: string, given: Input, facts: StackFacts): string[] {
  const regional = (name: string, resource: string): string =>
    `arn:aws:${name}:${facts.region}:${facts.accountId}:${resource}`;
  const global = (name: string, resource: string): string => `arn:aws:${name}::${facts.accountId}:${resource}`;
  const named = (kind: string, name: string | undefined, make: (resource: string) => string): string[] =>
    name === undefined ? [] : [make(`${kind}${name}`)];
  const tagged = [given.ResourceArn, given.ResourceARN, given.resourceArn].filter((arn) => arn !== undefined);
  if (tagged.length > 0) return tagged;
  switch (service) {
    case "s3": {
      const { Bucket: bucket = "", Key: key, Delete: deleted } = given;
      const keys = deleted?.Objects.map(({ Key }) => Key) ?? (key === undefined ? [] : [key]);
      return keys.length === 0 ? [`arn:aws:s3:::${bucket}`] : keys.map((each) => `arn:aws:s3:::${bucket}/${each}`);
    }
    case "sns":
      if (/Unsubscribe|SubscriptionAttributes/.test(operation)) return ["*"];
      return given.TopicArn === undefined ? named("", given.Name, (name) => regional("sns", name)) : [given.TopicArn];
    case "sqs":
      return named("", given.QueueName ?? given.QueueUrl?.split("/").at(-1), (name) => regional("sqs", name));
    case "iam":
      if (given.RoleName !== undefined) return [global("iam", `role/${given.RoleName}`)];
      return given.PolicyArn === undefined
        ? named("policy/", given.PolicyName, (name) => global("iam", name))
        : [given.PolicyArn];
    case "sagemaker":
      return (
        [
          ["endpoint/", given.EndpointName],
          ["endpoint-config/", given.EndpointConfigName],
          ["model/", given.ModelName],
        ] as const
      ).flatMap(([kind, name]) => named(kind, name, (each) => regional("sagemaker", each)));
    case "appautoscaling":
      return [operation.startsWith("Describe") ? "*" : regional("application-autoscaling", "scalable-target/0a1b")];
    case "cloudwatch":
      return [
        ...[given.AlarmName ?? [], given.AlarmNames ?? []].flat().map((name) => alarmArn(name, facts)),
        ...[given.DashboardName ?? [], given.DashboardNames ?? []]
          .flat()
          .map((name) => global("cloudwatch", `dashboard/${name}`)),
      ];
    case "logs":
      if (operation === "DescribeLogGroups") return [regional("logs", "log-group::log-stream:")];
      return named("log-group:", given.logGroupName, (name) => regional("logs", name));
    case "kms":
      return given.KeyId === undefined
        ? ["*"]
        : [given.KeyId.startsWith("arn:") ? given.KeyId : regional("kms", given.KeyId)];
    case "sts":
      return ["*"];
  }
}
