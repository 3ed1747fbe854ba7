/** Lists all resources in an account of the kinds that this project creates. The emulator returns each list in one page. */
import { ApplicationAutoScalingClient, DescribeScalableTargetsCommand } from "@aws-sdk/client-application-auto-scaling";
import { CloudWatchClient, DescribeAlarmsCommand, ListDashboardsCommand } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { IAMClient, ListPoliciesCommand, ListRolesCommand } from "@aws-sdk/client-iam";
import { DescribeKeyCommand, KMSClient, ListAliasesCommand, ListKeysCommand } from "@aws-sdk/client-kms";
import { ListBucketsCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import {
  ListEndpointConfigsCommand,
  ListEndpointsCommand,
  ListModelsCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker";
import { ListTopicsCommand, SNSClient } from "@aws-sdk/client-sns";
import { ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";

/** Options to reach the account. */
export interface AccountAccess {
  readonly region: string;
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/**
 * Returns the account's resources in a stable order: `KIND NAME`. Keys that wait for their deletion are not included, nor
 * are service-linked roles, which stay in the account.
 */
export async function inventory(access: AccountAccess): Promise<string[]> {
  const s3 = new S3Client({ ...access, forcePathStyle: true });
  const [sqs, sns, iam, kms] = [
    new SQSClient(access),
    new SNSClient(access),
    new IAMClient(access),
    new KMSClient(access),
  ];
  const [sagemaker, scaling] = [new SageMakerClient(access), new ApplicationAutoScalingClient(access)];
  const [cloudwatch, logs] = [new CloudWatchClient(access), new CloudWatchLogsClient(access)];
  try {
    const lists: Readonly<Record<string, readonly (string | undefined)[]>> = {
      bucket: named((await s3.send(new ListBucketsCommand({}))).Buckets, ({ Name }) => Name),
      queue: (await sqs.send(new ListQueuesCommand({}))).QueueUrls ?? [],
      topic: named((await sns.send(new ListTopicsCommand({}))).Topics, ({ TopicArn }) => TopicArn),
      role: named(
        (await iam.send(new ListRolesCommand({}))).Roles?.filter(({ Path }) => !Path?.startsWith("/aws-service-role/")),
        ({ RoleName }) => RoleName,
      ),
      policy: named(
        (await iam.send(new ListPoliciesCommand({ Scope: "Local" }))).Policies,
        ({ PolicyName }) => PolicyName,
      ),
      key: await keys(kms),
      alias: named((await kms.send(new ListAliasesCommand({}))).Aliases, ({ AliasName }) => AliasName).filter(
        (name) => name?.startsWith("alias/aws/") !== true,
      ),
      endpoint: named(
        (await sagemaker.send(new ListEndpointsCommand({}))).Endpoints,
        ({ EndpointName }) => EndpointName,
      ),
      "endpoint configuration": named(
        (await sagemaker.send(new ListEndpointConfigsCommand({}))).EndpointConfigs,
        ({ EndpointConfigName }) => EndpointConfigName,
      ),
      model: named((await sagemaker.send(new ListModelsCommand({}))).Models, ({ ModelName }) => ModelName),
      "scalable target": named(
        (await scaling.send(new DescribeScalableTargetsCommand({ ServiceNamespace: "sagemaker" }))).ScalableTargets,
        ({ ResourceId }) => ResourceId,
      ),
      alarm: named((await cloudwatch.send(new DescribeAlarmsCommand({}))).MetricAlarms, ({ AlarmName }) => AlarmName),
      dashboard: named(
        (await cloudwatch.send(new ListDashboardsCommand({}))).DashboardEntries,
        ({ DashboardName }) => DashboardName,
      ),
      "log group": named(
        (await logs.send(new DescribeLogGroupsCommand({}))).logGroups,
        ({ logGroupName }) => logGroupName,
      ),
    };
    return Object.entries(lists)
      .flatMap(([kind, names]) => names.map((name) => `${kind} ${name ?? ""}`))
      .sort();
  } finally {
    for (const client of [s3, sqs, sns, iam, kms, sagemaker, scaling, cloudwatch, logs]) client.destroy();
  }
}

/**
 * Returns the objects of stacks and locks in a Pulumi S3 backend, without its backups, which stay.
 * @param url as PULUMI_BACKEND_URL has it
 * @returns their keys below `.pulumi/`, each with its current content
 */
export async function backendObjects(access: AccountAccess, url: string): Promise<string[]> {
  const { hostname: Bucket, pathname } = new URL(url);
  const prefix = `${pathname.slice(1)}/.pulumi/`;
  const s3 = new S3Client({ ...access, forcePathStyle: true });
  try {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: prefix }));
    const objects = Contents.map(({ Key = "", ETag = "" }) => `${Key.slice(prefix.length)} ${ETag}`);
    return objects.filter((each) => /^(stacks\/.*\.json|locks\/.*) /.test(each));
  } finally {
    s3.destroy();
  }
}

function named<Item>(
  items: readonly Item[] | undefined,
  nameOf: (item: Item) => string | undefined,
): (string | undefined)[] {
  return (items ?? []).map(nameOf);
}

async function keys(kms: KMSClient): Promise<(string | undefined)[]> {
  const { Keys = [] } = await kms.send(new ListKeysCommand({}));
  const found = await Promise.all(Keys.map(({ KeyId }) => kms.send(new DescribeKeyCommand({ KeyId }))));
  return found.flatMap(({ KeyMetadata: key }) =>
    key?.KeyManager === "AWS" || key?.KeyState === "PendingDeletion" ? [] : [key?.KeyId],
  );
}
