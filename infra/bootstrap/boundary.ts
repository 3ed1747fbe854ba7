/** Permissions boundary of the roles that an environment's deployments create: the limit of their policies. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import { bucketArn, regionalArn } from "../account.ts";
import { allow } from "../iam/policy-document.ts";
import { endpointLogs, named } from "./scope.ts";
import type { Scope } from "./scope.ts";
import { readSources } from "../source-buckets.ts";
import type { SourceBucket } from "../source-buckets.ts";
import { allowUnlimited, unlimitedActions } from "./unlimited-actions.ts";

/**
 * Everything that the endpoint's execution role and the role for callers of another account need (`infra/iam/execution-role.ts`,
 * `infra/iam/caller-policy.ts`). A faulty deployment can give access only to the videos of its environment and of the source buckets.
 */
export function boundaryPermissions(scope: Scope, sourceBuckets: readonly SourceBucket[]): PolicyStatement[] {
  const { account, environment, keyArn } = scope;
  const buckets = bucketArn(account, named(environment));
  return [
    allow("Buckets", ["s3:ListBucket"], buckets),
    allow("Objects", ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], pulumi.interpolate`${buckets}/*`),
    allow("Key", ["kms:Decrypt", "kms:GenerateDataKey"], keyArn),
    ...readSources(account, sourceBuckets),
    allow("Topics", ["sns:Publish"], regionalArn(account, "sns", named(environment))),
    allow(
      "Endpoints",
      ["sagemaker:InvokeEndpointAsync"],
      regionalArn(account, "sagemaker", `endpoint/${named(environment)}`),
    ),
    allowUnlimited(
      "Images",
      unlimitedActions.images.actions,
      pulumi.interpolate`arn:${account.partition}:ecr:${account.region}:*:repository/*`,
    ),
    allowUnlimited("Registry", ["ecr:GetAuthorizationToken"]),
    allow(
      "Logs",
      ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
      endpointLogs(scope),
    ),
    allowUnlimited("Metrics", ["cloudwatch:PutMetricData"]),
    allowUnlimited("Alarms", ["cloudwatch:DescribeAlarms"], regionalArn(account, "cloudwatch", "alarm:*")),
    allowUnlimited(
      "Network",
      unlimitedActions.networkInterfaces.actions,
      ["network-interface/*", "subnet/*", "security-group/*"].map((resource) => regionalArn(account, "ec2", resource)),
    ),
    allowUnlimited("SeeNetwork", unlimitedActions.networks.actions),
  ];
}
