/** The calls that services make on their own, as AWS makes them: when, as whom, and how sure that is. */

/** A call that a service makes. */
interface ActorCall {
  readonly as: "execution role" | "scaling role" | "cloudwatch.amazonaws.com" | "sns.amazonaws.com";
  readonly action: string;
  /** The resource in words; "*" for an action without one. */
  readonly resource: string;
  /** Condition keys that the call has besides the global ones. @default none */
  readonly context?: readonly string[];
  /** How the call is known. An assumption cannot justify a permission. */
  readonly certainty: "documented" | "observed" | "assumed";
  readonly source: string;
}

const roles = "SageMaker developer guide, How to use SageMaker AI execution roles, CreateModel API";
const viaService = (encryption: string) => ["kms:ViaService", `kms:EncryptionContext:${encryption}`];

const byRole = (action: string, resource: string, certainty: ActorCall["certainty"], source: string): ActorCall => {
  return { as: "execution role", action, resource, certainty, source };
};
const readsKey = (what: string): ActorCall => ({
  ...byRole("kms:Decrypt", `key of ${what}`, "documented", "S3 API reference, GetObject"),
  context: viaService("aws:s3:arn"),
});
const writesKey = (what: string): ActorCall[] => [
  {
    ...byRole("kms:GenerateDataKey", `key of ${what}`, "documented", "S3 API reference, PutObject"),
    context: viaService("aws:s3:arn"),
  },
  // Only if it is uploaded in parts.
  {
    ...byRole("kms:Decrypt", `key of ${what}`, "documented", "S3 API reference, UploadPart"),
    context: viaService("aws:s3:arn"),
  },
];
const messageKeys = ["kms:GenerateDataKey", "kms:Decrypt"];

/** The calls by the event that leads to them. */
export const actorCalls = table({
  CreateModel: [
    byRole("s3:GetObject", "artifact", "observed", "philschmid/llm-sagemaker-sample#2"),
    {
      ...byRole("kms:Decrypt", "key of the artifact", "assumed", "CreateModel opens the artifact like a start"),
      context: viaService("aws:s3:arn"),
    },
  ],
  "CreateModel with uncompressed data": [
    byRole("s3:ListBucket", "bucket of the artifact", "observed", "philschmid/llm-sagemaker-sample#2"),
  ],
  "start of an instance": [
    byRole("ecr:GetAuthorizationToken", "*", "documented", roles),
    byRole("ecr:BatchGetImage", "repository of the image", "observed", "aws/sagemaker-python-sdk#2002"),
    byRole("ecr:GetDownloadUrlForLayer", "repository of the image", "documented", roles),
    byRole("ecr:BatchCheckLayerAvailability", "repository of the image", "documented", roles),
    byRole(
      "s3:GetObject",
      "artifact",
      "observed",
      "aws-solutions-library-samples/fraud-detection-using-machine-learning#9",
    ),
    readsKey("the artifact"),
  ],
  "start of an instance with uncompressed data": [
    byRole("s3:ListBucket", "bucket of the artifact", "documented", roles),
  ],
  "start of an instance in a VPC": [
    ...[
      "ec2:CreateNetworkInterface",
      "ec2:CreateNetworkInterfacePermission",
      "ec2:DeleteNetworkInterface",
      "ec2:DeleteNetworkInterfacePermission",
    ].map((action) => byRole(action, "network interfaces", "documented", roles)),
    ...[
      "ec2:DescribeDhcpOptions",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets",
      "ec2:DescribeVpcs",
    ].map((action) => byRole(action, "*", "documented", roles)),
  ],
  "start of an instance with an encrypted volume": [
    {
      ...byRole(
        "kms:CreateGrant",
        "key of the volume",
        "documented",
        "SageMaker API reference, RecommendationJobInputConfig, VolumeKmsKeyId",
      ),
      // For a service that uses the key for a resource (KMS developer guide, AWS KMS condition keys).
      context: ["kms:GrantIsForAWSResource"],
    },
  ],
  "metrics of an instance": [
    { ...byRole("cloudwatch:PutMetricData", "*", "documented", roles), context: ["cloudwatch:namespace"] },
  ],
  "deployment of an endpoint": [byRole("sns:Publish", "topic", "observed", "aws/amazon-sagemaker-examples#4461")],
  "update with roll-back alarms": [
    byRole(
      "cloudwatch:DescribeAlarms",
      "roll-back alarms",
      "documented",
      "SageMaker developer guide, Auto-Rollback Configuration and Monitoring",
    ),
  ],
  "output of a container": [
    byRole("logs:CreateLogGroup", "log group of the endpoint", "documented", roles),
    byRole("logs:CreateLogStream", "log streams of the endpoint", "documented", roles),
    byRole("logs:PutLogEvents", "log streams of the endpoint", "documented", roles),
  ],
  "start of a job": [
    byRole("s3:GetObject", "input", "documented", "SageMaker developer guide, Asynchronous inference prerequisites"),
    readsKey("the input"),
  ],
  "end of a job": [
    byRole("s3:PutObject", "result", "documented", "SageMaker developer guide, Asynchronous inference prerequisites"),
    ...writesKey("the result"),
    byRole("s3:AbortMultipartUpload", "result", "assumed", "an upload in parts that fails is aborted"),
  ],
  "failure of a job": [
    byRole("s3:PutObject", "failure object", "documented", "SageMaker API reference, AsyncInferenceOutputConfig"),
    ...writesKey("the failure object"),
  ],
  "notification of a job": [
    byRole("sns:Publish", "topic", "documented", "SageMaker developer guide, Asynchronous inference prerequisites"),
    ...messageKeys.map((action): ActorCall => {
      const source = "SNS developer guide, Managing Amazon SNS encryption keys and costs";
      const context = viaService("aws:sns:topicArn");
      return { ...byRole(action, "key of the topic", "documented", source), context };
    }),
  ],
  "action of an alarm": [
    {
      as: "cloudwatch.amazonaws.com",
      action: "sns:Publish",
      resource: "topic",
      context: ["aws:SourceArn", "aws:SourceAccount"],
      certainty: "documented",
      source: "CloudWatch user guide, Notifying users on alarm changes",
    },
    ...messageKeys.map((action): ActorCall => {
      const context = ["aws:SourceArn", "aws:SourceAccount", "kms:EncryptionContext:aws:sns:topicArn"];
      const source = "SNS developer guide, Managing Amazon SNS encryption keys and costs";
      return {
        as: "cloudwatch.amazonaws.com",
        action,
        resource: "key of the topic",
        context,
        certainty: "documented",
        source,
      };
    }),
  ],
  "delivery to a queue": [
    {
      as: "sns.amazonaws.com",
      action: "sqs:SendMessage",
      resource: "queue",
      context: ["aws:SourceArn", "aws:SourceAccount"],
      certainty: "documented",
      source: "SNS developer guide, Subscribing an Amazon SQS queue to an Amazon SNS topic",
    },
    ...messageKeys.map((action): ActorCall => {
      const context = ["kms:EncryptionContext:aws:sqs:arn"];
      const source = "aws/aws-cdk#11122";
      return { as: "sns.amazonaws.com", action, resource: "key of the queue", context, certainty: "observed", source };
    }),
  ],
  "scaling activity": [
    {
      as: "scaling role",
      action: "sagemaker:UpdateEndpointWeightsAndCapacities",
      resource: "endpoint",
      certainty: "documented",
      source: "AWS managed policy reference, AWSApplicationAutoscalingSageMakerEndpointPolicy",
    },
  ],
});

function table<Event extends string>(calls: Readonly<Record<Event, readonly ActorCall[]>>): typeof calls {
  return calls;
}

/** Returns the actions of an event in one service. */
export function actionsOf(when: keyof typeof actorCalls, service: string): readonly string[] {
  return actorCalls[when].map(({ action }) => action).filter((action) => action.startsWith(`${service}:`));
}
