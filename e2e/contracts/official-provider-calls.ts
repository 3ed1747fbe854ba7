/**
 * API calls of the official provider for the program's resource types. Sources: traces of Terraform AWS provider 5.100 against an emulator,
 * and the folders of internal/service/ in hashicorp/terraform-provider-aws; S3 Control: #45251 there (6.23 and later).
 */

/** Client of the AWS SDK for JavaScript, by its class. `S3Control` has no client in this project: see the test. */
export type ServiceName =
  | "ApplicationAutoScaling"
  | "CloudWatch"
  | "CloudWatchLogs"
  | "IAM"
  | "KMS"
  | "S3"
  | "S3Control"
  | "SageMaker"
  | "SNS"
  | "SQS"
  | "STS";

/** Operations of one resource type. */
export interface TypeCalls {
  readonly service: ServiceName;
  readonly create: readonly string[];
  /** Reads and waits, which follow each create and update. */
  readonly read: readonly string[];
  readonly update: readonly string[];
  readonly delete: readonly string[];
}

const topicTags = ["TagResource", "UntagResource"] as const;

/** The calls by resource type, without the prefix `aws:`. A type with two services has two entries. */
export const officialCalls: readonly (TypeCalls & { readonly type: string })[] = [
  {
    type: "provider",
    service: "STS",
    create: [],
    read: ["GetCallerIdentity"],
    update: [],
    delete: [],
  },
  {
    type: "s3/bucket:Bucket",
    service: "S3",
    create: ["HeadBucket", "CreateBucket", "PutBucketTagging"],
    read: [
      "GetBucketAccelerateConfiguration",
      "GetBucketAcl",
      "GetBucketCors",
      "GetBucketEncryption",
      "GetBucketLifecycleConfiguration",
      "GetBucketLocation",
      "GetBucketLogging",
      "GetBucketPolicy",
      "GetBucketReplication",
      "GetBucketRequestPayment",
      "GetBucketTagging",
      "GetBucketVersioning",
      "GetBucketWebsite",
      "GetObjectLockConfiguration",
    ],
    update: ["PutBucketTagging", "DeleteBucketTagging"],
    delete: ["ListObjectVersions", "DeleteObjects", "DeleteBucket"],
  },
  {
    type: "s3/bucket:Bucket",
    service: "S3Control",
    create: [],
    read: ["ListTagsForResource"],
    update: ["TagResource", "UntagResource"],
    delete: [],
  },
  {
    type: "s3/bucketVersioning:BucketVersioning",
    service: "S3",
    create: ["PutBucketVersioning"],
    read: ["GetBucketVersioning"],
    update: ["PutBucketVersioning"],
    delete: ["PutBucketVersioning"],
  },
  {
    type: "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    service: "S3",
    create: ["PutBucketEncryption"],
    read: ["GetBucketEncryption"],
    update: ["PutBucketEncryption"],
    delete: ["DeleteBucketEncryption"],
  },
  {
    type: "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    service: "S3",
    create: ["PutBucketLifecycleConfiguration"],
    read: ["GetBucketLifecycleConfiguration"],
    update: ["PutBucketLifecycleConfiguration"],
    delete: ["DeleteBucketLifecycle"],
  },
  {
    type: "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    service: "S3",
    create: ["PutPublicAccessBlock"],
    read: ["GetPublicAccessBlock"],
    update: ["PutPublicAccessBlock"],
    delete: ["DeletePublicAccessBlock"],
  },
  {
    type: "s3/bucketOwnershipControls:BucketOwnershipControls",
    service: "S3",
    create: ["PutBucketOwnershipControls"],
    read: ["GetBucketOwnershipControls"],
    update: ["PutBucketOwnershipControls"],
    delete: ["DeleteBucketOwnershipControls"],
  },
  {
    type: "s3/bucketPolicy:BucketPolicy",
    service: "S3",
    create: ["PutBucketPolicy"],
    read: ["GetBucketPolicy"],
    update: ["PutBucketPolicy"],
    delete: ["DeleteBucketPolicy"],
  },
  {
    type: "s3/bucketNotification:BucketNotification",
    service: "S3",
    create: ["PutBucketNotificationConfiguration"],
    read: ["GetBucketNotificationConfiguration"],
    update: ["PutBucketNotificationConfiguration"],
    delete: ["PutBucketNotificationConfiguration"],
  },
  {
    type: "s3/bucketObjectv2:BucketObjectv2",
    service: "S3",
    create: ["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload"],
    read: ["HeadObject", "GetObjectTagging"],
    update: ["PutObject", "PutObjectTagging", "DeleteObjectTagging"],
    delete: ["ListObjectVersions", "DeleteObject"],
  },
  {
    type: "sns/topic:Topic",
    service: "SNS",
    create: ["CreateTopic", "SetTopicAttributes"],
    read: ["GetTopicAttributes", "ListTagsForResource"],
    update: ["SetTopicAttributes", ...topicTags],
    delete: ["DeleteTopic"],
  },
  {
    type: "sns/topicPolicy:TopicPolicy",
    service: "SNS",
    create: ["SetTopicAttributes"],
    read: ["GetTopicAttributes"],
    update: ["SetTopicAttributes"],
    delete: ["SetTopicAttributes"],
  },
  {
    type: "sns/topicSubscription:TopicSubscription",
    service: "SNS",
    create: ["Subscribe"],
    read: ["GetSubscriptionAttributes", "ListSubscriptionsByTopic"],
    update: ["SetSubscriptionAttributes"],
    delete: ["Unsubscribe"],
  },
  {
    type: "sqs/queue:Queue",
    service: "SQS",
    create: ["CreateQueue", "SetQueueAttributes"],
    read: ["GetQueueAttributes", "GetQueueUrl", "ListQueueTags"],
    update: ["SetQueueAttributes", "TagQueue", "UntagQueue"],
    delete: ["DeleteQueue"],
  },
  {
    type: "sqs/queuePolicy:QueuePolicy",
    service: "SQS",
    create: ["SetQueueAttributes"],
    read: ["GetQueueAttributes"],
    update: ["SetQueueAttributes"],
    delete: ["SetQueueAttributes"],
  },
  {
    type: "kms/key:Key",
    service: "KMS",
    create: ["CreateKey", "EnableKeyRotation"],
    read: ["DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags"],
    update: [
      "DisableKeyRotation",
      "EnableKey",
      "DisableKey",
      "PutKeyPolicy",
      "UpdateKeyDescription",
      "TagResource",
      "UntagResource",
    ],
    delete: ["ScheduleKeyDeletion"],
  },
  {
    type: "kms/alias:Alias",
    service: "KMS",
    create: ["CreateAlias"],
    read: ["ListAliases"],
    update: ["UpdateAlias"],
    delete: ["DeleteAlias"],
  },
  {
    type: "iam/role:Role",
    service: "IAM",
    create: ["CreateRole"],
    read: ["GetRole", "ListRolePolicies", "GetRolePolicy", "ListAttachedRolePolicies"],
    update: [
      "UpdateAssumeRolePolicy",
      "UpdateRole",
      "UpdateRoleDescription",
      "PutRolePermissionsBoundary",
      "DeleteRolePermissionsBoundary",
      "TagRole",
      "UntagRole",
    ],
    delete: ["ListInstanceProfilesForRole", "DetachRolePolicy", "DeleteRolePolicy", "DeleteRole"],
  },
  {
    type: "iam/rolePolicy:RolePolicy",
    service: "IAM",
    create: ["PutRolePolicy"],
    read: ["GetRolePolicy"],
    update: ["PutRolePolicy"],
    delete: ["DeleteRolePolicy"],
  },
  {
    type: "iam/rolePolicyAttachment:RolePolicyAttachment",
    service: "IAM",
    create: ["AttachRolePolicy"],
    read: ["ListAttachedRolePolicies"],
    update: [],
    delete: ["DetachRolePolicy"],
  },
  {
    type: "iam/policy:Policy",
    service: "IAM",
    create: ["CreatePolicy"],
    read: ["GetPolicy", "GetPolicyVersion"],
    update: ["ListPolicyVersions", "CreatePolicyVersion", "DeletePolicyVersion", "TagPolicy", "UntagPolicy"],
    delete: ["ListPolicyVersions", "DeletePolicyVersion", "DeletePolicy"],
  },
  {
    type: "sagemaker/model:Model",
    service: "SageMaker",
    create: ["CreateModel"],
    read: ["DescribeModel", "ListTags"],
    update: ["AddTags", "DeleteTags"],
    delete: ["DeleteModel"],
  },
  {
    type: "sagemaker/endpointConfiguration:EndpointConfiguration",
    service: "SageMaker",
    create: ["CreateEndpointConfig"],
    read: ["DescribeEndpointConfig", "ListTags"],
    update: ["AddTags", "DeleteTags"],
    delete: ["DeleteEndpointConfig"],
  },
  {
    type: "sagemaker/endpoint:Endpoint",
    service: "SageMaker",
    create: ["CreateEndpoint"],
    read: ["DescribeEndpoint", "ListTags"],
    update: ["UpdateEndpoint", "AddTags", "DeleteTags"],
    delete: ["DeleteEndpoint"],
  },
  {
    type: "appautoscaling/target:Target",
    service: "ApplicationAutoScaling",
    create: ["RegisterScalableTarget"],
    read: ["DescribeScalableTargets", "ListTagsForResource"],
    update: ["RegisterScalableTarget", "TagResource", "UntagResource"],
    delete: ["DeregisterScalableTarget"],
  },
  {
    type: "appautoscaling/policy:Policy",
    service: "ApplicationAutoScaling",
    create: ["PutScalingPolicy"],
    read: ["DescribeScalingPolicies"],
    update: ["PutScalingPolicy"],
    delete: ["DeleteScalingPolicy"],
  },
  {
    type: "appautoscaling/scheduledAction:ScheduledAction",
    service: "ApplicationAutoScaling",
    create: ["PutScheduledAction"],
    read: ["DescribeScheduledActions"],
    update: ["PutScheduledAction"],
    delete: ["DeleteScheduledAction"],
  },
  {
    type: "cloudwatch/metricAlarm:MetricAlarm",
    service: "CloudWatch",
    create: ["PutMetricAlarm"],
    read: ["DescribeAlarms", "ListTagsForResource"],
    update: ["PutMetricAlarm", "TagResource", "UntagResource"],
    delete: ["DeleteAlarms"],
  },
  {
    type: "cloudwatch/dashboard:Dashboard",
    service: "CloudWatch",
    create: ["PutDashboard"],
    read: ["GetDashboard"],
    update: ["PutDashboard"],
    delete: ["DeleteDashboards"],
  },
  {
    type: "cloudwatch/logGroup:LogGroup",
    service: "CloudWatchLogs",
    create: ["CreateLogGroup", "PutRetentionPolicy"],
    read: ["DescribeLogGroups", "ListTagsForResource"],
    update: [
      "PutRetentionPolicy",
      "DeleteRetentionPolicy",
      "AssociateKmsKey",
      "DisassociateKmsKey",
      "TagResource",
      "UntagResource",
    ],
    delete: ["DeleteLogGroup"],
  },
];
