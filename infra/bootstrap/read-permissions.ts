/** Permissions to read the resources that `infra/` defines. Sources: the calls of the official provider, and AWS's Service Authorization Reference. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import { bucketArn, globalArn, regionalArn } from "../account.ts";
import { allow } from "../iam/policy-document.ts";
import { endpointLogs, named, sageMaker } from "./scope.ts";
import type { Scope } from "./scope.ts";
import { allowUnlimited, unlimitedActions } from "./unlimited-actions.ts";

/** For previews and the nightly check: the state of all resources, but no video and no result. */
export function readPermissions(scope: Scope): PolicyStatement[] {
  const { account, environment } = scope;
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
      bucketArn(account, named(environment)),
    ),
    // IAM authorises HeadObject as GetObject.
    allow(
      "SeeModelArtifacts",
      ["s3:GetObject", "s3:GetObjectTagging"],
      bucketArn(account, `${named(environment, "input")}/models/*`),
    ),
    allow(
      "SeeTopics",
      ["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource"],
      regionalArn(account, "sns", named(environment)),
    ),
    allow(
      "SeeQueues",
      ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags"],
      regionalArn(account, "sqs", named(environment)),
    ),
    // The provider compares the key of each object that it reads with AWS's own.
    allowUnlimited("SeeKeyOfS3", ["kms:DescribeKey"], regionalArn(account, "kms", "key/*"), {
      StringEquals: { "kms:RequestAlias": "alias/aws/s3" },
    }),
    allow(
      "SeeRoles",
      [
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfilesForRole",
        "iam:ListRolePolicies",
      ],
      globalArn(account, "iam", `role/${named(environment)}`),
    ),
    allow(
      "SeePolicies",
      ["iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicyVersions"],
      globalArn(account, "iam", `policy/${named(environment)}`),
    ),
    allow(
      "SeeEndpoints",
      [
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:DescribeModel",
        "sagemaker:ListTags",
      ],
      sageMaker(scope),
    ),
    allowUnlimited(
      "SeeScaling",
      ["application-autoscaling:ListTagsForResource"],
      regionalArn(account, "application-autoscaling", "scalable-target/*"),
    ),
    allow(
      "SeeAlarms",
      ["cloudwatch:ListTagsForResource"],
      regionalArn(account, "cloudwatch", `alarm:${named(environment)}`),
    ),
    allowUnlimited("FindLogGroups", ["logs:DescribeLogGroups"], regionalArn(account, "logs", "log-group:*")),
    allow("SeeLogGroups", ["logs:ListTagsForResource"], endpointLogs(scope)),
    allow(
      "SeeDashboards",
      ["cloudwatch:GetDashboard"],
      globalArn(account, "cloudwatch", `dashboard/${named(environment)}`),
    ),
    allowUnlimited("SeeWhatTakesNoResource", [
      ...unlimitedActions.scalingState.actions,
      "cloudwatch:DescribeAlarms",
      "sns:GetSubscriptionAttributes",
    ]),
  ];
}
