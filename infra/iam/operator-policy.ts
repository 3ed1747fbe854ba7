/** The policy for operators: read the stack's state, queues and logs, and subscribe to its topics. */
import type { PolicyDocument } from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { logGroupOf } from "../endpoint-name.ts";
import { policyDocument } from "./policy-document.ts";

/** Resources that operators use. */
export interface OperatorScope {
  readonly account: Account;
  readonly endpointArn: pulumi.Input<string>;
  readonly endpointName: pulumi.Input<string>;
  /** ARNs of the topics that operators may subscribe to. */
  readonly topics: pulumi.Input<string>[];
  /** ARNs of the queues that the topics deliver to. */
  readonly queues: pulumi.Input<string>[];
  /** ARNs of the queues for messages that readers failed to process. */
  readonly deadLetterQueues: pulumi.Input<string>[];
  /** Prefix of the names of the queues that an operator may create and delete. */
  readonly temporaryQueuePrefix: string;
  readonly keyArn: pulumi.Input<string>;
}

const readQueue = [
  "sqs:ChangeMessageVisibility",
  "sqs:DeleteMessage",
  "sqs:GetQueueAttributes",
  "sqs:GetQueueUrl",
  "sqs:ReceiveMessage",
];

/** Allows no change of the stack. Deployments have a separate role. */
export function operatorPolicy(scope: OperatorScope): PolicyDocument {
  const { account, endpointArn, endpointName } = scope;
  const regional = (service: string, resource: pulumi.Input<string>): pulumi.Output<string> =>
    pulumi.interpolate`arn:${account.partition}:${service}:${account.region}:${account.id}:${resource}`;
  const temporaryQueues = regional("sqs", `${scope.temporaryQueuePrefix}*`);
  const logGroup = pulumi.interpolate`log-group:${pulumi.output(endpointName).apply(logGroupOf)}`;
  return policyDocument([
    {
      Sid: "SeeDashboard",
      Effect: "Allow",
      Action: "cloudwatch:GetDashboard",
      // Dashboards have the endpoint's name (monitoring.ts) and no region (Service Authorization Reference).
      Resource: pulumi.interpolate`arn:${account.partition}:cloudwatch::${account.id}:dashboard/${endpointName}`,
    },
    { Sid: "SeeEndpoint", Effect: "Allow", Action: "sagemaker:DescribeEndpoint", Resource: endpointArn },
    {
      // AWS supports no resource for any of these (Service Authorization Reference).
      Sid: "SeeScalingAndMetrics",
      Effect: "Allow",
      Action: [
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingActivities",
        "application-autoscaling:DescribeScalingPolicies",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "cloudwatch:GetMetricStatistics",
        "cloudwatch:ListDashboards",
        "cloudwatch:ListMetrics",
      ],
      Resource: "*",
    },
    {
      Sid: "ReadLogs",
      Effect: "Allow",
      Action: ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"],
      Resource: [regional("logs", logGroup), regional("logs", pulumi.interpolate`${logGroup}:*`)],
    },
    { Sid: "ReadQueues", Effect: "Allow", Action: readQueue, Resource: [...scope.queues, ...scope.deadLetterQueues] },
    {
      Sid: "RedriveDeadLetters",
      Effect: "Allow",
      Action: ["sqs:CancelMessageMoveTask", "sqs:ListMessageMoveTasks", "sqs:StartMessageMoveTask"],
      Resource: scope.deadLetterQueues,
    },
    {
      // A redrive sends messages with the operator's credentials: back to the queues, or, if it gives up, to the dead-letter queues.
      Sid: "RefillQueues",
      Effect: "Allow",
      Action: "sqs:SendMessage",
      Resource: [...scope.queues, ...scope.deadLetterQueues],
    },
    {
      Sid: "UseTemporaryQueues",
      Effect: "Allow",
      Action: ["sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", ...readQueue],
      Resource: temporaryQueues,
    },
    {
      Sid: "ListenToTopics",
      Effect: "Allow",
      Action: ["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"],
      Resource: scope.topics,
    },
    {
      // Notifications name videos and results: they must not be sent to an address or an account elsewhere.
      Sid: "SubscribeTemporaryQueues",
      Effect: "Allow",
      Action: "sns:Subscribe",
      Resource: scope.topics,
      Condition: {
        StringEquals: { "sns:Protocol": "sqs" },
        // The key's type is a string in SNS, not an ARN (SNS developer guide, "Service-specific keys").
        StringLike: { "sns:Endpoint": temporaryQueues },
      },
    },
    // AWS supports no resource. The smoke test lists queues to find those that earlier runs left.
    { Sid: "FindTemporaryQueues", Effect: "Allow", Action: "sqs:ListQueues", Resource: "*" },
    // AWS supports no resource here, not even the subscription.
    { Sid: "StopListening", Effect: "Allow", Action: "sns:Unsubscribe", Resource: "*" },
    // The queues' messages are encrypted.
    { Sid: "UseKey", Effect: "Allow", Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: scope.keyArn },
  ]);
}
