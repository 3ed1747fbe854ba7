/**
 * What it takes to read and to change what `infra/` makes, service by service: by name where AWS takes names, which all start
 * with "video", else by the tags that every stack puts on what it makes. Sources: the calls of the official provider, and AWS's
 * Service Authorization Reference.
 */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import type { Account } from "./account.ts";
import type { Environment } from "./environments.ts";
import { allow } from "./policy-document.ts";

/** Start of the names of all that a stack makes (`infra/index.ts`). */
const prefix = "video-";
/** The project's tag (`Pulumi.<stack>.yaml`). */
const project = "async-video-inference";

/** One environment in one account. */
export interface Scope {
  readonly account: Account;
  readonly environment: Environment;
}

/** On things that are the environment's by their tags. */
const tagged = ({ stackTag }: Environment): PolicyStatement["Condition"] => ({
  StringEquals: { "aws:ResourceTag/project": project },
  StringLike: { "aws:ResourceTag/stack": stackTag },
});

/** In calls that make something, tagged as the environment's. */
const tagging = ({ stackTag }: Environment): PolicyStatement["Condition"] => ({
  StringEquals: { "aws:RequestTag/project": project },
  StringLike: { "aws:RequestTag/stack": stackTag },
});

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

/** To make, change and delete what holds videos, results and notices. */
export function storagePermissions({ account, environment }: Scope): PolicyStatement[] {
  const keys = account.regional("kms", "key/*");
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
      [
        "sns:CreateTopic",
        "sns:DeleteTopic",
        "sns:SetTopicAttributes",
        "sns:Subscribe",
        "sns:TagResource",
        "sns:UntagResource",
      ],
      account.regional("sns", `${prefix}*`),
    ),
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

/** To run the smoke test: what the stack's policies for callers and operators allow together, and to tidy up after it. */
export function smokePermissions({ account, environment }: Scope): PolicyStatement[] {
  const logs = `log-group:/aws/sagemaker/Endpoints/${prefix}endpoint-*`;
  return [
    allow(
      "Invoke",
      ["sagemaker:InvokeEndpointAsync"],
      account.regional("sagemaker", `endpoint/${prefix}*`),
      tagged(environment),
    ),
    allow(
      "SendVideos",
      [
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:GetObject",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
      ],
      account.bucket(`${prefix}input-*/input/*`),
    ),
    allow(
      "FetchResults",
      ["s3:DeleteObject", "s3:GetObject"],
      [account.bucket(`${prefix}output-*/results/*`), account.bucket(`${prefix}output-*/failures/*`)],
    ),
    allow("TellVersions", ["s3:ListBucketVersions"], account.bucket(`${prefix}*`)),
    allow(
      "UseTemporaryQueues",
      [
        "sqs:ChangeMessageVisibility",
        "sqs:CreateQueue",
        "sqs:DeleteMessage",
        "sqs:DeleteQueue",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
        "sqs:SetQueueAttributes",
      ],
      account.regional("sqs", "smoke-*"),
    ),
    allow(
      "ReadLogs",
      ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"],
      [account.regional("logs", logs), account.regional("logs", `${logs}:*`)],
    ),
    allow("SeeMetrics", ["cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics"], "*"),
  ];
}

function sageMaker(account: Account) {
  return ["endpoint", "endpoint-config", "model"].map((kind) => account.regional("sagemaker", `${kind}/${prefix}*`));
}

/** The stack's own, and those that AWS makes for target tracking. */
function alarms(account: Account) {
  return [`alarm:${prefix}*`, `alarm:TargetTracking-endpoint/${prefix}*`].map((alarm) =>
    account.regional("cloudwatch", alarm),
  );
}
