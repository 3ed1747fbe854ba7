/** The policy for operators: read the stack's state, queues and logs, and subscribe to its topics. */
import type { PolicyDocument } from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import { globalArn, regionalArn } from "../account.ts";
import type { Account } from "../account.ts";
import { logGroupOf } from "../endpoint-name.ts";
import { allow, policyDocument } from "./policy-document.ts";

/** Resources that operators use. */
export interface OperatorScope {
  readonly account: Account;
  readonly endpointArn: pulumi.Input<string>;
  readonly endpointName: pulumi.Input<string>;
  /** ARNs of the topics that operators may subscribe to. */
  readonly topicArns: pulumi.Input<pulumi.Input<string>[]>;
  /** ARNs of the queues that the topics deliver to. */
  readonly queueArns: pulumi.Input<pulumi.Input<string>[]>;
  /** ARNs of the queues for messages that readers failed to process. */
  readonly deadLetterQueueArns: pulumi.Input<pulumi.Input<string>[]>;
  /** Prefix of the names of the queues that an operator may create and delete. */
  readonly temporaryQueuePrefix: string;
  readonly keyArn: pulumi.Input<string>;
}

const readQueue = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage"];

/** Allows no change of the stack. Deployments have a separate role. */
export function operatorPolicy(scope: OperatorScope): PolicyDocument {
  const { account, endpointName, topicArns, queueArns, deadLetterQueueArns } = scope;
  const temporaryQueues = regionalArn(account, "sqs", `${scope.temporaryQueuePrefix}*`);
  const logGroup = regionalArn(
    account,
    "logs",
    pulumi.interpolate`log-group:${pulumi.output(endpointName).apply(logGroupOf)}`,
  );
  const allQueues = pulumi
    .all([queueArns, deadLetterQueueArns])
    .apply(([queues, deadLetterQueues]) => [...queues, ...deadLetterQueues]);
  return policyDocument([
    allow(
      "SeeDashboard",
      "cloudwatch:GetDashboard",
      // Dashboards have the endpoint's name (monitoring.ts) and no region (Service Authorization Reference).
      globalArn(account, "cloudwatch", pulumi.interpolate`dashboard/${endpointName}`),
    ),
    allow("SeeEndpoint", "sagemaker:DescribeEndpoint", scope.endpointArn),
    // AWS supports no resource for any of these (Service Authorization Reference).
    allow(
      "SeeScalingAndMetrics",
      [
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingActivities",
        "application-autoscaling:DescribeScalingPolicies",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "cloudwatch:GetMetricStatistics",
        "cloudwatch:ListDashboards",
        "cloudwatch:ListMetrics",
      ],
      "*",
    ),
    // With `:*`, which the ARN of a log group has in all actions except those for tags (CloudWatch Logs API reference, LogGroup).
    allow(
      "ReadLogs",
      ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"],
      pulumi.interpolate`${logGroup}:*`,
    ),
    allow("ReadQueues", ["sqs:ChangeMessageVisibility", ...readQueue], allQueues),
    allow(
      "RedriveDeadLetters",
      ["sqs:CancelMessageMoveTask", "sqs:ListMessageMoveTasks", "sqs:StartMessageMoveTask"],
      deadLetterQueueArns,
    ),
    // A redrive sends messages with the operator's credentials: back to the queues, or, if it gives up, to the dead-letter queues.
    allow("RefillQueues", "sqs:SendMessage", allQueues),
    allow("UseTemporaryQueues", ["sqs:CreateQueue", "sqs:DeleteQueue", ...readQueue], temporaryQueues),
    allow("ListenToTopics", "sns:ListSubscriptionsByTopic", topicArns),
    // Notifications name videos and results: they must not be sent to an address or an account elsewhere.
    allow("SubscribeTemporaryQueues", "sns:Subscribe", topicArns, {
      StringEquals: { "sns:Protocol": "sqs" },
      // The key's type is a string in SNS, not an ARN (SNS developer guide, "Service-specific keys").
      StringLike: { "sns:Endpoint": temporaryQueues },
    }),
    // AWS supports no resource. The smoke test lists queues to find those that earlier runs left.
    allow("FindTemporaryQueues", "sqs:ListQueues", "*"),
    // AWS supports no resource here, not even the subscription.
    allow("StopListening", "sns:Unsubscribe", "*"),
    // The queues' messages are encrypted.
    allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], scope.keyArn),
  ]);
}
