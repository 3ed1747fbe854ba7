/** Permissions to create, change and delete the resources that `infra/` defines. Sources: the calls of the official provider, and AWS's Service Authorization Reference. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import { bucketArn, globalArn, regionalArn } from "../account.ts";
import { allow } from "../iam/policy-document.ts";
import { alarms, endpointLogs, named, sageMaker } from "./scope.ts";
import type { Scope } from "./scope.ts";
import { allowUnlimited, unlimitedActions } from "./unlimited-actions.ts";
import type { UnlimitedAction } from "./unlimited-actions.ts";

/** For resources that hold videos, results and notifications, except for the key, which the bootstrap creates (`environment-key.ts`). */
export function storagePermissions({ account, environment, keyArn }: Scope): PolicyStatement[] {
  const buckets = bucketArn(account, named(environment));
  const topics = regionalArn(account, "sns", named(environment));
  const queues = regionalArn(account, "sqs", named(environment));
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
      buckets,
    ),
    allow(
      "ReplaceModelArtifacts",
      ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject", "s3:PutObjectTagging"],
      bucketArn(account, `${named(environment, "input")}/models/*`),
    ),
    allow(
      "MakeTopics",
      ["sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:TagResource", "sns:UntagResource"],
      topics,
    ),
    // Subscribers: the stacks' queues, the smoke test's temporary queues, and the e-mail addresses of settings, which must confirm.
    allow("SubscribeQueues", ["sns:Subscribe"], topics, {
      StringEquals: { "sns:Protocol": "sqs" },
      StringLike: { "sns:Endpoint": queues },
    }),
    allow("SubscribeEmails", ["sns:Subscribe"], topics, { StringEquals: { "sns:Protocol": "email" } }),
    allowUnlimited("ChangeSubscriptions", ["sns:SetSubscriptionAttributes", "sns:Unsubscribe"]),
    allow(
      "MakeQueues",
      ["sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"],
      queues,
    ),
    allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], keyArn),
    ...(environment.disposable
      ? [
          allow("DestroyData", ["s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:ListBucketVersions"], buckets),
          allow(
            "DestroyObjects",
            ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            bucketArn(account, `${named(environment)}/*`),
          ),
        ]
      : []),
  ];
}

/** For the endpoint, its scaling and its monitoring. */
export function inferencePermissions(scope: Scope): PolicyStatement[] {
  const { account, environment } = scope;
  return [
    allow(
      "MakeEndpoints",
      [
        "sagemaker:AddTags",
        "sagemaker:CreateEndpoint",
        "sagemaker:CreateEndpointConfig",
        "sagemaker:CreateModel",
        "sagemaker:DeleteEndpoint",
        "sagemaker:DeleteEndpointConfig",
        "sagemaker:DeleteModel",
        "sagemaker:DeleteTags",
        "sagemaker:UpdateEndpoint",
        "sagemaker:UpdateEndpointWeightsAndCapacities",
      ],
      sageMaker(scope),
    ),
    // `pipeline artifacts` lists the artifacts that models use.
    allowUnlimited("ListModels", ["sagemaker:ListModels"]),
    ...scalingPermissions(scope),
    allow(
      "MakeAlarms",
      ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"],
      alarms(scope),
    ),
    // When a scalable target is registered, Application Auto Scaling tests both permissions with an alarm without a name
    // (user guide, "Permissions validation for API calls on target resources"). No alarm has such a name.
    allow(
      "LetAutoScalingTestAlarms",
      ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"],
      regionalArn(account, "cloudwatch", "alarm:"),
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
      endpointLogs(scope),
    ),
    allow(
      "MakeDashboards",
      ["cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"],
      globalArn(account, "cloudwatch", `dashboard/${named(environment)}`),
    ),
  ];
}

/**
 * For scalable targets, whose ARNs contain no name. Only a target that has another environment's tag is refused: a target that is
 * being registered has no tag yet, and AWS may see a new tag late.
 */
function scalingPermissions({ account, environment }: Scope): PolicyStatement[] {
  const targets = regionalArn(account, "application-autoscaling", "scalable-target/*");
  const change: UnlimitedAction[] = [
    "application-autoscaling:DeleteScalingPolicy",
    "application-autoscaling:DeleteScheduledAction",
    "application-autoscaling:DeregisterScalableTarget",
    "application-autoscaling:PutScalingPolicy",
    "application-autoscaling:PutScheduledAction",
    "application-autoscaling:RegisterScalableTarget",
  ];
  const tag: UnlimitedAction[] = ["application-autoscaling:TagResource", "application-autoscaling:UntagResource"];
  return [
    allowUnlimited("ScaleEndpoints", change, targets, {
      StringEquals: { "application-autoscaling:service-namespace": "sagemaker" },
    }),
    allowUnlimited("TagScaling", tag, targets),
    {
      Sid: "KeepOffOthersScaling",
      Effect: "Deny",
      Action: [...unlimitedActions.scaling.actions],
      Resource: targets,
      Condition: {
        Null: { "aws:ResourceTag/stack": "false" },
        StringNotLike: { "aws:ResourceTag/stack": environment.stack },
      },
    },
  ];
}

/** For the stack's roles and policies, none of which can exceed the boundary, and to pass one role to SageMaker. */
export function identityPermissions(
  { account, environment }: Scope,
  boundaryArn: PolicyStatement["Resource"],
): PolicyStatement[] {
  const roles = globalArn(account, "iam", `role/${named(environment)}`);
  const policies = globalArn(account, "iam", `policy/${named(environment)}`);
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
    allow(
      "HandRoleToSageMaker",
      ["iam:PassRole"],
      globalArn(account, "iam", `role/${named(environment, "execution")}`),
      {
        StringEquals: { "iam:PassedToService": "sagemaker.amazonaws.com" },
      },
    ),
    // The first scalable target of an account needs this role.
    allow(
      "LetAutoScalingWork",
      ["iam:CreateServiceLinkedRole"],
      globalArn(
        account,
        "iam",
        "role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
      ),
      { StringEquals: { "iam:AWSServiceName": "sagemaker.application-autoscaling.amazonaws.com" } },
    ),
  ];
}
