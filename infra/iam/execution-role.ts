/** The policies of the endpoint's execution role, which SageMaker assumes. */
import type { PolicyDocument, PolicyStatement } from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import { regionalArn } from "../account.ts";
import type { Account } from "../account.ts";
import { hostNamespace, namespace } from "../endpoint-metrics.ts";
import { logGroupOf } from "../endpoint-name.ts";
import { readSources } from "../source-buckets.ts";
import type { SourceBucketArgs } from "../source-buckets.ts";
import type { LocationArns } from "../video-locations.ts";
import { allow, policyDocument } from "./policy-document.ts";

/** The VPC configuration of the instances. */
export interface Network {
  /** IDs of subnets. */
  readonly subnetIds: string[];
  /** IDs of security groups. */
  readonly securityGroupIds: string[];
}

/** Resources that the endpoint reads, writes and publishes to. */
export interface ExecutionScope {
  readonly account: Account;
  /** Prefix of the endpoint's name, which its log groups contain. */
  readonly endpointNamePrefix: string;
  readonly locations: LocationArns;
  /** Prefix of the keys of model artifacts in the input bucket. */
  readonly modelPrefix: pulumi.Input<string>;
  /** ARNs of the topics to publish to. */
  readonly topicArns: pulumi.Input<string>[];
  /** ARN of the key that encrypts all of it. */
  readonly keyArn: pulumi.Input<string>;
  /** Names of the alarms that roll back an update. */
  readonly rollbackAlarms: pulumi.Input<pulumi.Input<string>[]>;
  /** The serving image, in ECR. */
  readonly image: pulumi.Input<string>;
  /** Existing buckets that videos are read from. */
  readonly sourceBuckets: pulumi.Input<pulumi.Input<SourceBucketArgs>[]>;
  /** Subnets and security groups of the instances' network interfaces, if any. */
  readonly network: pulumi.Input<Network | undefined>;
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

/**
 * Returns the minimum for an asynchronous endpoint (AWS: "SageMaker roles", CreateModel and asynchronous inference).
 * @throws Error, when the document is resolved, if the image is not in ECR
 */
export function executionPolicy(scope: ExecutionScope): PolicyDocument {
  const { account, locations } = scope;
  const statements = [
    // SageMaker reads requests and artifacts with the role, and the container reads the videos that requests refer to. All artifacts,
    // not only this one: during an update or a rollback, the old model still starts.
    allow("ReadVideosAndModel", "s3:GetObject", [
      locations.videos,
      pulumi.interpolate`${locations.inputBucket}/${scope.modelPrefix}*`,
    ]),
    allow("WriteResults", ["s3:PutObject", "s3:AbortMultipartUpload"], [locations.results, locations.failures]),
    // Without it, S3 answers "access denied" for a missing object, also to HeadObject and GetObject (API reference, HeadObject,
    // "Permissions"), and the handler would report a missing video as a forbidden one.
    allow("FindObjects", "s3:ListBucket", [locations.inputBucket, locations.outputBucket]),
    allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], scope.keyArn),
    allow("SayWhatIsDone", "sns:Publish", scope.topicArns),
    allow(
      "PullImage",
      ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
      pulumi.all([scope.image, account.partition]).apply(([image, partition]) => repositoryArn(image, partition)),
    ),
    // The token is valid for the registry, not for a repository: AWS supports no resource here.
    allow("LogInToRegistry", "ecr:GetAuthorizationToken", "*"),
    allow(
      "WriteLogs",
      ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
      regionalArn(account, "logs", `log-group:${logGroupOf(scope.endpointNamePrefix)}*`),
    ),
    // CloudWatch supports no resources for metrics; the namespace limits the statement.
    allow("WriteInstanceMetrics", "cloudwatch:PutMetricData", "*", {
      StringEquals: { "cloudwatch:namespace": [namespace, hostNamespace] },
    }),
  ];
  return policyDocument(
    pulumi
      .all([scope.rollbackAlarms, scope.sourceBuckets, scope.network])
      .apply(([alarms, sources, network]) => [
        ...statements,
        ...(alarms.length === 0 ? [] : [watchAlarms(account, alarms)]),
        ...readSources(account, sources),
        ...(network === undefined ? [] : joinNetwork(account, network)),
      ]),
  );
}

/** During an update, SageMaker reads the alarms' states with the role (developer guide, "Auto-Rollback Configuration and Monitoring"). */
function watchAlarms(account: Account, names: readonly string[]): PolicyStatement {
  return allow(
    "WatchRollbackAlarms",
    "cloudwatch:DescribeAlarms",
    names.map((name) => regionalArn(account, "cloudwatch", `alarm:${name}`)),
  );
}

/** Permissions to create a network interface in a VPC for each instance (AWS: "SageMaker roles", private VPC). */
function joinNetwork(account: Account, { subnetIds, securityGroupIds }: Network): PolicyStatement[] {
  const resources = [
    "network-interface/*",
    ...subnetIds.map((id) => `subnet/${id}`),
    ...securityGroupIds.map((id) => `security-group/${id}`),
  ];
  return [
    allow(
      "JoinNetwork",
      [
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
      ],
      resources.map((resource) => regionalArn(account, "ec2", resource)),
    ),
    // EC2 supports no resource for Describe actions.
    allow(
      "SeeNetwork",
      [
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
      ],
      "*",
    ),
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
