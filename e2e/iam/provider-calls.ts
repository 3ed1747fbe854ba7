/**
 * The calls of the official AWS provider for the program's resources. The emulator's provider makes only a part of them, because it reads
 * only what the program sets. Source: hashicorp/terraform-provider-aws, the named folder of `internal/service/`.
 */
import { keyContext } from "./key-context.ts";
import { resourcesOf } from "./resource-arns.ts";
import { on, under } from "./role-calls.ts";
import type { DocumentedCalls } from "./role-calls.ts";

const both = ["deploy", "preview"] as const;
const scalingRole = "sagemaker.application-autoscaling.amazonaws.com";

/** The calls by the provider's folders. */
export const providerCalls: readonly DocumentedCalls[] = [
  {
    by: both,
    source: "s3: resourceBucketRead, and the read functions of the bucket's parts and of objects",
    calls: (stack) => {
      const { inputBucket, artifact } = resourcesOf(stack);
      return [
        ...on(
          [inputBucket],
          "s3",
          "GetAccelerateConfiguration",
          "GetBucketAcl",
          "GetBucketCORS",
          "GetBucketLocation",
          "GetBucketLogging",
          "GetBucketNotification",
          "GetBucketObjectLockConfiguration",
          "GetBucketOwnershipControls",
          "GetBucketPolicy",
          "GetBucketPublicAccessBlock",
          "GetBucketRequestPayment",
          "GetBucketTagging",
          "GetBucketVersioning",
          "GetBucketWebsite",
          "GetEncryptionConfiguration",
          "GetLifecycleConfiguration",
          "GetReplicationConfiguration",
          "ListBucket",
          "ListTagsForResource",
        ),
        ...on([artifact], "s3", "GetObject", "GetObjectTagging"),
      ];
    },
  },
  {
    by: both,
    source: "s3/object.go: the provider compares an object's key with that of alias/aws/s3",
    calls: (stack) =>
      under({ "kms:requestalias": "alias/aws/s3" }, on([resourcesOf(stack).keyOfS3], "kms", "DescribeKey")),
  },
  {
    by: ["deploy"],
    source: "s3: create and update functions of buckets, their parts and objects",
    calls: (stack) => {
      const { inputBucket, artifact, key } = resourcesOf(stack);
      return [
        ...on(
          [inputBucket],
          "s3",
          "CreateBucket",
          "PutBucketNotification",
          "PutBucketOwnershipControls",
          "PutBucketPolicy",
          "PutBucketPublicAccessBlock",
          "PutBucketTagging",
          "PutBucketVersioning",
          "PutEncryptionConfiguration",
          "PutLifecycleConfiguration",
          "TagResource",
          "UntagResource",
        ),
        ...on(
          [artifact],
          "s3",
          "AbortMultipartUpload",
          "DeleteObject",
          "DeleteObjectVersion",
          "PutObject",
          "PutObjectTagging",
        ),
        ...under(keyContext({ "aws:s3:arn": inputBucket }, "s3"), on([key], "kms", "Decrypt", "GenerateDataKey")),
      ];
    },
  },
  {
    by: both,
    source: "sns, sqs: read functions",
    calls: (stack) => {
      const { success, successQueue } = resourcesOf(stack);
      return [
        ...on([success], "sns", "GetTopicAttributes", "ListSubscriptionsByTopic", "ListTagsForResource"),
        ...on(["*"], "sns", "GetSubscriptionAttributes"),
        ...on([successQueue], "sqs", "GetQueueAttributes", "GetQueueUrl", "ListQueueTags"),
      ];
    },
  },
  {
    by: ["deploy"],
    source: "sns, sqs: create, update and delete functions",
    calls: (stack) => {
      const { success, successQueue } = resourcesOf(stack);
      return [
        ...on([success], "sns", "CreateTopic", "DeleteTopic", "SetTopicAttributes", "TagResource", "UntagResource"),
        ...under({ "sns:protocol": "sqs", "sns:endpoint": successQueue }, on([success], "sns", "Subscribe")),
        ...under({ "sns:protocol": "email", "sns:endpoint": "ops@example.com" }, on([success], "sns", "Subscribe")),
        ...on(["*"], "sns", "SetSubscriptionAttributes", "Unsubscribe"),
        ...on([successQueue], "sqs", "CreateQueue", "DeleteQueue", "SetQueueAttributes", "TagQueue", "UntagQueue"),
      ];
    },
  },
  {
    by: both,
    source: "iam: read functions of roles, their policies and managed policies",
    calls: (stack) => {
      const { execution, callerPolicy } = resourcesOf(stack);
      return [
        ...on([execution], "iam", "GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies"),
        ...on([callerPolicy], "iam", "GetPolicy", "GetPolicyVersion"),
      ];
    },
  },
  {
    by: ["deploy"],
    source: "iam: create, update and delete functions of roles, their policies and managed policies",
    calls: (stack) => {
      const { execution, callerRole, callerPolicy, boundary } = resourcesOf(stack);
      const within = { "iam:permissionsboundary": boundary };
      return [
        ...under(within, on([execution], "iam", "CreateRole", "PutRolePermissionsBoundary", "PutRolePolicy")),
        ...under(
          { ...within, "iam:policyarn": callerPolicy },
          on([callerRole], "iam", "AttachRolePolicy", "DetachRolePolicy"),
        ),
        ...on(
          [execution],
          "iam",
          "DeleteRole",
          "DeleteRolePolicy",
          "ListInstanceProfilesForRole",
          "TagRole",
          "UntagRole",
          "UpdateAssumeRolePolicy",
          "UpdateRole",
          "UpdateRoleDescription",
        ),
        ...on(
          [callerPolicy],
          "iam",
          "CreatePolicy",
          "CreatePolicyVersion",
          "DeletePolicy",
          "DeletePolicyVersion",
          "ListPolicyVersions",
          "TagPolicy",
          "UntagPolicy",
        ),
      ];
    },
  },
  {
    by: both,
    source: "sagemaker: read functions",
    calls: (stack) => {
      const { endpoint, endpointConfig, model } = resourcesOf(stack);
      return [
        ...on([endpoint], "sagemaker", "DescribeEndpoint"),
        ...on([endpointConfig], "sagemaker", "DescribeEndpointConfig"),
        ...on([model], "sagemaker", "DescribeModel"),
        ...on([endpoint, endpointConfig, model], "sagemaker", "ListTags"),
      ];
    },
  },
  {
    by: ["deploy"],
    source: "sagemaker: create, update and delete functions; SageMaker developer guide, PassRole of CreateModel",
    calls: (stack) => {
      const { endpoint, endpointConfig, model, execution } = resourcesOf(stack);
      return [
        ...on([endpoint], "sagemaker", "CreateEndpoint", "DeleteEndpoint", "UpdateEndpoint"),
        ...on([endpointConfig], "sagemaker", "CreateEndpointConfig", "DeleteEndpointConfig"),
        ...on([model], "sagemaker", "CreateModel", "DeleteModel"),
        ...on([endpoint, endpointConfig, model], "sagemaker", "AddTags", "DeleteTags"),
        ...under({ "iam:passedtoservice": "sagemaker.amazonaws.com" }, on([execution], "iam", "PassRole")),
      ];
    },
  },
  {
    by: ["deploy"],
    source: "infra/update-hooks/update-hooks.ts and ops/pipeline/artifacts.ts, which are no part of the provider",
    calls: (stack) => [
      ...on([resourcesOf(stack).endpoint], "sagemaker", "UpdateEndpointWeightsAndCapacities"),
      ...on(["*"], "sagemaker", "ListModels"),
    ],
  },
  {
    by: both,
    source: "appautoscaling: read functions",
    calls: (stack) => [
      ...on(
        ["*"],
        "application-autoscaling",
        "DescribeScalableTargets",
        "DescribeScalingPolicies",
        "DescribeScheduledActions",
      ),
      ...on([resourcesOf(stack).scalableTarget], "application-autoscaling", "ListTagsForResource"),
    ],
  },
  {
    by: ["deploy"],
    source:
      "appautoscaling: create, update and delete functions; Application Auto Scaling user guide, Permissions validation for API calls on target resources, and Service-linked roles",
    calls: (stack) => {
      const { scalableTarget, alarmWithoutName, scalingRoleArn } = resourcesOf(stack);
      const tagged = { "aws:resourcetag/stack": stack };
      const scaled = { ...tagged, "application-autoscaling:service-namespace": "sagemaker" };
      return [
        ...under(
          scaled,
          on(
            [scalableTarget],
            "application-autoscaling",
            "DeleteScalingPolicy",
            "DeleteScheduledAction",
            "DeregisterScalableTarget",
            "PutScalingPolicy",
            "PutScheduledAction",
            "RegisterScalableTarget",
          ),
        ),
        ...under(tagged, on([scalableTarget], "application-autoscaling", "TagResource", "UntagResource")),
        ...on([alarmWithoutName], "cloudwatch", "DeleteAlarms", "PutMetricAlarm"),
        ...under({ "iam:awsservicename": scalingRole }, on([scalingRoleArn], "iam", "CreateServiceLinkedRole")),
      ];
    },
  },
  {
    by: both,
    source: "cloudwatch, logs: read functions",
    calls: (stack) => {
      const { alarm, dashboard, logGroup, logGroupWithoutName } = resourcesOf(stack);
      return [
        ...on([alarm], "cloudwatch", "ListTagsForResource"),
        ...on(["*"], "cloudwatch", "DescribeAlarms"),
        ...on([dashboard], "cloudwatch", "GetDashboard"),
        ...on([logGroup], "logs", "ListTagsForResource"),
        // hashicorp/terraform-provider-aws#8804.
        ...on([logGroupWithoutName], "logs", "DescribeLogGroups"),
      ];
    },
  },
  {
    by: ["deploy"],
    source: "cloudwatch, logs: create, update and delete functions",
    calls: (stack) => {
      const { alarm, dashboard, logGroup } = resourcesOf(stack);
      return [
        ...on([alarm], "cloudwatch", "DeleteAlarms", "PutMetricAlarm", "TagResource", "UntagResource"),
        ...on([dashboard], "cloudwatch", "DeleteDashboards", "PutDashboard"),
        ...on(
          [logGroup],
          "logs",
          "AssociateKmsKey",
          "CreateLogGroup",
          "DeleteLogGroup",
          "PutRetentionPolicy",
          "TagResource",
          "UntagResource",
        ),
      ];
    },
  },
];

/** The calls that destroy a stack's data, which only the deploy roles of disposable environments may make. */
export const destroyCalls: DocumentedCalls = {
  by: ["deploy"],
  source: "s3: delete functions; ListObjectVersions with forceDestroy",
  calls: (stack) => {
    const { inputBucket, jobRecord } = resourcesOf(stack);
    return [
      ...on([inputBucket], "s3", "DeleteBucket", "DeleteBucketPolicy", "ListBucketVersions"),
      ...on([jobRecord], "s3", "DeleteObject", "DeleteObjectVersion"),
    ];
  },
};
