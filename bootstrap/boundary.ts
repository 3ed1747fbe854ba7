/** The most that a role which a deployment makes can do, whatever its policies say. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "./account.ts";
import { allow } from "./policy-document.ts";
import { endpointLogs, prefix } from "./scope.ts";
import { type SourceBucket, sourcePermissions } from "./source-buckets.ts";

/**
 * What the endpoint's execution role and the role for callers of another account need between them (`infra/execution-role.ts`,
 * `infra/caller-policy.ts`). A deployment that went wrong cannot give away more than its own stack's videos
 * and those of the source buckets.
 */
export function boundaryPermissions(
  account: Account,
  stackTags: readonly string[],
  sourceBuckets: readonly SourceBucket[],
): PolicyStatement[] {
  const buckets = account.bucket(`${prefix}*`);
  return [
    allow("Buckets", ["s3:ListBucket"], buckets),
    allow(
      "Objects",
      ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
      pulumi.interpolate`${buckets}/*`,
    ),
    allow("Keys", ["kms:Decrypt", "kms:GenerateDataKey"], account.regional("kms", "key/*"), {
      StringLike: { "aws:ResourceTag/stack": [...stackTags] },
    }),
    ...sourcePermissions(account, sourceBuckets),
    allow("Topics", ["sns:Publish"], account.regional("sns", `${prefix}*`)),
    allow("Endpoints", ["sagemaker:InvokeEndpointAsync"], account.regional("sagemaker", `endpoint/${prefix}*`)),
    // AWS's own images are in accounts of its own, one for each region.
    allow(
      "Images",
      ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
      pulumi.interpolate`arn:${account.partition}:ecr:${account.region}:*:repository/*`,
    ),
    allow("Registry", ["ecr:GetAuthorizationToken"], "*"),
    allow(
      "Logs",
      ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
      endpointLogs(account),
    ),
    allow("Metrics", ["cloudwatch:PutMetricData"], "*"),
    // Those that roll an update back are the team's own (setting rollbackAlarms).
    allow("Alarms", ["cloudwatch:DescribeAlarms"], account.regional("cloudwatch", "alarm:*")),
    allow(
      "Network",
      [
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
      ],
      ["network-interface/*", "subnet/*", "security-group/*"].map((resource) => account.regional("ec2", resource)),
    ),
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
