/** What it takes to make, change and delete what `infra/` makes. Sources: the calls of the official provider, and AWS's Service Authorization Reference. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import { allow } from "./policy-document.ts";
import { alarms, endpointLogs, prefix, project, sageMaker, type Scope, tagged, tagging } from "./scope.ts";

/** To make, change and delete what holds videos, results and notices. */
export function storagePermissions({ account, environment }: Scope): PolicyStatement[] {
  const keys = account.regional("kms", "key/*");
  const topics = account.regional("sns", `${prefix}*`);
  return [
    allow(
      "MakeBuckets",
      [
        "s3:CreateBucket",
        "s3:PutBucketNotification",
        "s3:PutBucketOwnershipControls",
        "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketTagging",
        "s3:PutBucketVersioning",
        "s3:PutEncryptionConfiguration",
        "s3:PutLifecycleConfiguration",
        "s3:TagResource",
        "s3:UntagResource",
      ],
      account.bucket(`${prefix}*`),
    ),
    allow(
      "ReplaceModelArtifacts",
      ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject", "s3:PutObjectTagging"],
      account.bucket(`${prefix}input-*/models/*`),
    ),
    allow(
      "MakeTopics",
      ["sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:TagResource", "sns:UntagResource"],
      topics,
    ),
    // Stacks subscribe their queues and the addresses of their settings, which must confirm; nothing else.
    allow("SubscribeQueues", ["sns:Subscribe"], topics, {
      StringEquals: { "sns:Protocol": "sqs" },
      StringLike: { "sns:Endpoint": account.regional("sqs", `${prefix}*`) },
    }),
    allow("SubscribeEmails", ["sns:Subscribe"], topics, { StringEquals: { "sns:Protocol": "email" } }),
    allow("ChangeSubscriptions", ["sns:SetSubscriptionAttributes", "sns:Unsubscribe"], "*"),
    allow(
      "MakeQueues",
      ["sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"],
      account.regional("sqs", `${prefix}*`),
    ),
    allow("MakeKeys", ["kms:CreateKey"], "*", tagging(environment)),
    // A key gets its first tags as it is made: only one that has no others may get these.
    allow("TagNewKeys", ["kms:TagResource"], keys, {
      StringEquals: { "aws:RequestTag/project": project },
      StringLike: { "aws:RequestTag/stack": environment.stackTag },
      Null: { "aws:ResourceTag/stack": "true" },
    }),
    allow(
      "ChangeAndUseKeys",
      [
        "kms:CreateAlias",
        "kms:Decrypt",
        "kms:DeleteAlias",
        "kms:EnableKeyRotation",
        "kms:GenerateDataKey",
        "kms:PutKeyPolicy",
        "kms:TagResource",
        "kms:UntagResource",
        "kms:UpdateAlias",
        "kms:UpdateKeyDescription",
      ],
      keys,
      tagged(environment),
    ),
    allow(
      "NameKeys",
      ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"],
      account.regional("kms", `alias/${prefix}*`),
    ),
    ...(environment.disposable
      ? [
          allow(
            "DestroyData",
            ["s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:ListBucketVersions"],
            account.bucket(`${prefix}*`),
          ),
          allow("DestroyObjects", ["s3:DeleteObject", "s3:DeleteObjectVersion"], account.bucket(`${prefix}*/*`)),
          allow("DestroyKeys", ["kms:ScheduleKeyDeletion"], keys, tagged(environment)),
        ]
      : []),
  ];
}

/** To make, change and delete the endpoint, what scales it, and what watches it. */
export function inferencePermissions({ account, environment }: Scope): PolicyStatement[] {
  return [
    allow(
      "MakeEndpoints",
      ["sagemaker:AddTags", "sagemaker:CreateEndpoint", "sagemaker:CreateEndpointConfig", "sagemaker:CreateModel"],
      sageMaker(account),
      tagging(environment),
    ),
    allow(
      "ChangeEndpoints",
      [
        "sagemaker:AddTags",
        "sagemaker:DeleteEndpoint",
        "sagemaker:DeleteEndpointConfig",
        "sagemaker:DeleteModel",
        "sagemaker:DeleteTags",
        "sagemaker:UpdateEndpoint",
        "sagemaker:UpdateEndpointWeightsAndCapacities",
      ],
      sageMaker(account),
      tagged(environment),
    ),
    // AWS takes no resource for it (Service Authorization Reference); `pipeline artifacts` looks which artifacts models use.
    allow("ListModels", ["sagemaker:ListModels"], "*"),
    allow(
      "ScaleEndpoints",
      [
        "application-autoscaling:DeleteScalingPolicy",
        "application-autoscaling:DeregisterScalableTarget",
        "application-autoscaling:PutScalingPolicy",
        "application-autoscaling:RegisterScalableTarget",
      ],
      account.regional("application-autoscaling", "scalable-target/*"),
      { StringEquals: { "application-autoscaling:service-namespace": "sagemaker" } },
    ),
    allow(
      "TagScaling",
      ["application-autoscaling:TagResource", "application-autoscaling:UntagResource"],
      account.regional("application-autoscaling", "scalable-target/*"),
    ),
    allow(
      "MakeAlarms",
      ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"],
      alarms(account),
    ),
    allow(
      "MakeLogGroups",
      [
        "logs:AssociateKmsKey",
        "logs:CreateLogGroup",
        "logs:DeleteLogGroup",
        "logs:PutRetentionPolicy",
        "logs:TagResource",
        "logs:UntagResource",
      ],
      endpointLogs(account),
    ),
    allow(
      "MakeDashboards",
      ["cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"],
      account.global("cloudwatch", `dashboard/${prefix}*`),
    ),
  ];
}

/** To make the stack's roles and policies, none of which can do more than the boundary allows, and to hand one to SageMaker. */
export function identityPermissions({ account }: Scope, boundaryArn: PolicyStatement["Resource"]): PolicyStatement[] {
  const roles = account.global("iam", `role/${prefix}*`);
  const policies = account.global("iam", `policy/${prefix}*`);
  return [
    allow("MakeRolesWithinBoundary", ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"], roles, {
      StringEquals: { "iam:PermissionsBoundary": boundaryArn },
    }),
    allow("GiveRolesOwnPolicies", ["iam:AttachRolePolicy", "iam:DetachRolePolicy"], roles, {
      StringEquals: { "iam:PermissionsBoundary": boundaryArn },
      ArnLike: { "iam:PolicyARN": policies },
    }),
    allow(
      "ChangeRoles",
      [
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
        "iam:UpdateRoleDescription",
      ],
      roles,
    ),
    allow(
      "MakePolicies",
      [
        "iam:CreatePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeletePolicy",
        "iam:DeletePolicyVersion",
        "iam:TagPolicy",
        "iam:UntagPolicy",
      ],
      policies,
    ),
    allow("HandRoleToSageMaker", ["iam:PassRole"], account.global("iam", `role/${prefix}execution-*`), {
      StringEquals: { "iam:PassedToService": "sagemaker.amazonaws.com" },
    }),
    // The first scalable target of an account needs it.
    allow(
      "LetAutoScalingWork",
      ["iam:CreateServiceLinkedRole"],
      account.global(
        "iam",
        "role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
      ),
      { StringEquals: { "iam:AWSServiceName": "sagemaker.application-autoscaling.amazonaws.com" } },
    ),
  ];
}
