/** The policies of the endpoint's execution role, which SageMaker assumes. */
import type { PolicyDocument, PolicyStatement } from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { logGroupOf } from "../endpoint-name.ts";
import { hostNamespace, namespace } from "../components/metrics.ts";
import { policyDocument } from "./policy-document.ts";
import { readSources, type SourceBucket } from "../source-buckets.ts";

/** The VPC configuration of the instances. */
export interface Network {
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
}

/** Resources that the endpoint reads, writes and publishes to. */
export interface ExecutionScope {
  readonly account: Account;
  /** Prefix of the endpoint's name, which its log groups contain. */
  readonly endpointNamePrefix: string;
  /** ARNs of the buckets to list. */
  readonly buckets: pulumi.Input<string>[];
  /** ARN patterns of the objects to read: videos and artifacts. */
  readonly reads: pulumi.Input<string>[];
  /** ARN patterns of the objects to write: results and failures. */
  readonly writes: pulumi.Input<string>[];
  /** ARNs of the topics to publish to. */
  readonly topics: pulumi.Input<string>[];
  /** ARN of the key that encrypts all of it. */
  readonly keyArn: pulumi.Input<string>;
  /** Names of the alarms that roll back an update. */
  readonly rollbackAlarms: readonly string[];
  /** The serving image, in ECR. */
  readonly image: pulumi.Input<string>;
  /** Existing buckets that videos are read from. */
  readonly sourceBuckets: readonly SourceBucket[];
  /** Subnets and security groups of the instances' network interfaces, if any. */
  readonly network?: Network | undefined;
}

/**
 * Trust policy of the role: only SageMaker may assume it, on behalf of this account. `IfExists`, because AWS documents the key for training
 * jobs and only in general for other calls (SageMaker developer guide, "Cross-service confused deputy prevention"). If CreateModel or
 * CreateEndpoint does not send it, `StringEquals` would refuse both ("Could not assume role").
 */
export function trustPolicy(account: Account): PolicyDocument {
  return policyDocument([
    {
      Effect: "Allow",
      Principal: { Service: "sagemaker.amazonaws.com" },
      Action: "sts:AssumeRole",
      Condition: { StringEqualsIfExists: { "aws:SourceAccount": account.id } },
    },
  ]);
}

/** The minimum for an asynchronous endpoint (AWS: "SageMaker roles", CreateModel and asynchronous inference). */
export function executionPolicy(scope: ExecutionScope): PolicyDocument {
  const { account } = scope;
  const logGroups = pulumi.interpolate`arn:${account.partition}:logs:${account.region}:${account.id}:log-group:${logGroupOf(scope.endpointNamePrefix)}*`;
  return policyDocument([
    { Sid: "ReadVideosAndModel", Effect: "Allow", Action: "s3:GetObject", Resource: scope.reads },
    {
      Sid: "WriteResults",
      Effect: "Allow",
      Action: ["s3:PutObject", "s3:AbortMultipartUpload"],
      Resource: scope.writes,
    },
    // Without it, S3 answers "access denied" for a missing object.
    { Sid: "FindObjects", Effect: "Allow", Action: "s3:ListBucket", Resource: scope.buckets },
    { Sid: "UseKey", Effect: "Allow", Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: scope.keyArn },
    { Sid: "SayWhatIsDone", Effect: "Allow", Action: "sns:Publish", Resource: scope.topics },
    {
      Sid: "PullImage",
      Effect: "Allow",
      Action: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
      Resource: pulumi
        .all([scope.image, account.partition])
        .apply(([image, partition]) => repositoryArn(image, partition)),
    },
    // The token is valid for the registry, not for a repository: AWS supports no resource here.
    { Sid: "LogInToRegistry", Effect: "Allow", Action: "ecr:GetAuthorizationToken", Resource: "*" },
    {
      Sid: "WriteLogs",
      Effect: "Allow",
      Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
      Resource: logGroups,
    },
    {
      // CloudWatch supports no resources for metrics; the namespace limits the statement.
      Sid: "WriteInstanceMetrics",
      Effect: "Allow",
      Action: "cloudwatch:PutMetricData",
      Resource: "*",
      Condition: { StringEquals: { "cloudwatch:namespace": [namespace, hostNamespace] } },
    },
    ...(scope.rollbackAlarms.length === 0 ? [] : [watchAlarms(account, scope.rollbackAlarms)]),
    ...readSources(account, scope.sourceBuckets),
    ...(scope.network === undefined ? [] : joinNetwork(account, scope.network)),
  ]);
}

/** During an update, SageMaker reads the alarms' states with the role (developer guide, "Auto-Rollback Configuration and Monitoring"). */
function watchAlarms(account: Account, names: readonly string[]): PolicyStatement {
  return {
    Sid: "WatchRollbackAlarms",
    Effect: "Allow",
    Action: "cloudwatch:DescribeAlarms",
    Resource: names.map(
      (name) => pulumi.interpolate`arn:${account.partition}:cloudwatch:${account.region}:${account.id}:alarm:${name}`,
    ),
  };
}

/** Permissions to create a network interface in a VPC for each instance (AWS: "SageMaker roles", private VPC). */
function joinNetwork(account: Account, { subnetIds, securityGroupIds }: Network): PolicyStatement[] {
  const inEc2 = (resource: string): pulumi.Output<string> =>
    pulumi.interpolate`arn:${account.partition}:ec2:${account.region}:${account.id}:${resource}`;
  return [
    {
      Sid: "JoinNetwork",
      Effect: "Allow",
      Action: [
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
      ],
      Resource: [
        inEc2("network-interface/*"),
        ...subnetIds.map((id) => inEc2(`subnet/${id}`)),
        ...securityGroupIds.map((id) => inEc2(`security-group/${id}`)),
      ],
    },
    {
      // EC2 supports no resource for Describe actions.
      Sid: "SeeNetwork",
      Effect: "Allow",
      Action: [
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
      ],
      Resource: "*",
    },
  ];
}

/**
 * Returns the ARN of the repository that contains an image.
 * @throws Error if the image is not in ECR: for another registry, SageMaker requires a private one of the account
 */
export function repositoryArn(image: string, partition: string): string {
  const [, account, region, repository] = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.[a-z.]+\/([^:@]+)[:@]/.exec(image) ?? [];
  if (account === undefined || region === undefined || repository === undefined) {
    throw new Error(`${image} is not an image in ECR. Pass ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG.`);
  }
  return `arn:${partition}:ecr:${region}:${account}:repository/${repository}`;
}
