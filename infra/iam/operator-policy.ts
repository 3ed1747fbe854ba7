/** What those who look after the stack may do: see how it is, read its queues and logs, listen to its topics. */
import type { PolicyDocument } from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { logGroupOf } from "../endpoint-name.ts";
import { policyDocument } from "./policy-document.ts";

/** What operators work with. */
export interface OperatorScope {
  readonly account: Account;
  readonly endpointArn: pulumi.Input<string>;
  readonly endpointName: pulumi.Input<string>;
  /** ARNs of the topics that may be listened to. */
  readonly topics: pulumi.Input<string>[];
  /** ARNs of the queues that topics fill. */
  readonly queues: pulumi.Input<string>[];
  /** ARNs of the queues that take what readers could not deal with. */
  readonly deadLetterQueues: pulumi.Input<string>[];
  /** Start of the names of the queues that an operator may create and delete. */
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

/** Nothing that changes the stack: deployments have a role of their own. */
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
      // Named as the endpoint (monitoring.ts); dashboards have no region (Service Authorization Reference).
      Resource: pulumi.interpolate`arn:${account.partition}:cloudwatch::${account.id}:dashboard/${endpointName}`,
    },
    { Sid: "SeeEndpoint", Effect: "Allow", Action: "sagemaker:DescribeEndpoint", Resource: endpointArn },
    {
      // AWS takes no resource for any of these (Service Authorization Reference).
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
      // A redrive sends in the operator's name: back into the queues, or what is given up to the dead letters.
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
      // Notices name videos and results: they must not be sent to an address or an account elsewhere.
      Sid: "SubscribeTemporaryQueues",
      Effect: "Allow",
      Action: "sns:Subscribe",
      Resource: scope.topics,
      Condition: {
        StringEquals: { "sns:Protocol": "sqs" },
        // A string to SNS, not an ARN (SNS developer guide, "Service-specific keys").
        StringLike: { "sns:Endpoint": temporaryQueues },
      },
    },
    // AWS takes no resource: the smoke test finds queues here that earlier runs left.
    { Sid: "FindTemporaryQueues", Effect: "Allow", Action: "sqs:ListQueues", Resource: "*" },
    // AWS takes no resource here, not even the subscription's own.
    { Sid: "StopListening", Effect: "Allow", Action: "sns:Unsubscribe", Resource: "*" },
    // The queues' messages are encrypted.
    { Sid: "UseKey", Effect: "Allow", Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: scope.keyArn },
  ]);
}
