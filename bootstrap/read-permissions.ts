/** What it takes to read what `infra/` makes. Sources: the calls of the official provider, and AWS's Service Authorization Reference. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import { allow } from "./policy-document.ts";
import { alarms, endpointLogs, prefix, sageMaker, type Scope, tagged } from "./scope.ts";

/** To see how everything is: for previews and the nightly check. Nothing of what videos show. */
export function readPermissions({ account, environment }: Scope): PolicyStatement[] {
  return [
    allow(
      "SeeBuckets",
      [
        "s3:GetAccelerateConfiguration",
        "s3:GetBucketAcl",
        "s3:GetBucketCORS",
        "s3:GetBucketLocation",
        "s3:GetBucketLogging",
        "s3:GetBucketNotification",
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketPolicy",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketRequestPayment",
        "s3:GetBucketTagging",
        "s3:GetBucketVersioning",
        "s3:GetBucketWebsite",
        "s3:GetEncryptionConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
        "s3:ListTagsForResource",
      ],
      account.bucket(`${prefix}*`),
    ),
    // HeadObject is GetObject to IAM.
    allow("SeeModelArtifacts", ["s3:GetObject", "s3:GetObjectTagging"], account.bucket(`${prefix}input-*/models/*`)),
    allow(
      "SeeTopics",
      ["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource"],
      account.regional("sns", `${prefix}*`),
    ),
    allow(
      "SeeQueues",
      ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags"],
      account.regional("sqs", `${prefix}*`),
    ),
    allow(
      "SeeKeys",
      ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"],
      account.regional("kms", "key/*"),
      tagged(environment),
    ),
    allow(
      "SeeRoles",
      [
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfilesForRole",
        "iam:ListRolePolicies",
      ],
      account.global("iam", `role/${prefix}*`),
    ),
    allow(
      "SeePolicies",
      ["iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicyVersions"],
      account.global("iam", `policy/${prefix}*`),
    ),
    allow(
      "SeeEndpoints",
      [
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:DescribeModel",
        "sagemaker:ListTags",
      ],
      sageMaker(account),
    ),
    allow(
      "SeeScaling",
      ["application-autoscaling:ListTagsForResource"],
      account.regional("application-autoscaling", "scalable-target/*"),
    ),
    allow("SeeAlarms", ["cloudwatch:ListTagsForResource"], alarms(account)),
    // AWS compares it with an ARN without a name, log-group::log-stream: (hashicorp/terraform-provider-aws#8804).
    allow("FindLogGroups", ["logs:DescribeLogGroups"], account.regional("logs", "log-group:*")),
    allow("SeeLogGroups", ["logs:ListTagsForResource"], endpointLogs(account)),
    allow("SeeDashboards", ["cloudwatch:GetDashboard"], account.global("cloudwatch", `dashboard/${prefix}*`)),
    allow(
      "SeeWhatTakesNoResource",
      [
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingActivities",
        "application-autoscaling:DescribeScalingPolicies",
        "cloudwatch:DescribeAlarms",
        "kms:ListAliases",
        "sns:GetSubscriptionAttributes",
      ],
      "*",
    ),
  ];
}
