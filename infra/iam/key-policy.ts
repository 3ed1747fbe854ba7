/** The statements of a KMS key's policy for the account, and for the AWS services that process a stack's data. In a key policy, the resource "*" is the key itself. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import { globalArn } from "../account.ts";
import type { Account } from "../account.ts";

/**
 * Delegates to IAM: the roles of an endpoint and of its callers and operators get access through their own policies. Without this statement the
 * key could become unmanageable (KMS developer guide, "Default key policy").
 */
export function accountAdministers(account: Account): PolicyStatement {
  return {
    Sid: "AccountAdministers",
    Effect: "Allow",
    Principal: { AWS: globalArn(account, "iam", "root") },
    Action: "kms:*",
    Resource: "*",
  };
}

/**
 * Lets alarms publish to topics, topics send to queues, and CloudWatch Logs write the logs of endpoints.
 * @param logGroups ARN pattern of the endpoints' log groups
 */
export function dataServices(account: Account, logGroups: pulumi.Input<string>): PolicyStatement[] {
  const use = ["kms:Decrypt", "kms:GenerateDataKey"];
  return [
    {
      // CloudWatch alarms cannot use AWS's managed SNS key, so the topic would receive no alarms.
      Sid: "AlarmsPublish",
      Effect: "Allow",
      Principal: { Service: "cloudwatch.amazonaws.com" },
      Action: use,
      Resource: "*",
      Condition: { StringEquals: { "aws:SourceAccount": account.id } },
    },
    {
      // No condition: no source says that SNS passes the account when it uses a queue's key. The queue's policy limits
      // SNS to messages of the one topic.
      Sid: "TopicsFillQueues",
      Effect: "Allow",
      Principal: { Service: "sns.amazonaws.com" },
      Action: use,
      Resource: "*",
    },
    {
      // As in the CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS Key Management Service".
      Sid: "LogsOfEndpoint",
      Effect: "Allow",
      Principal: { Service: pulumi.interpolate`logs.${account.region}.amazonaws.com` },
      Action: ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
      Resource: "*",
      Condition: { ArnLike: { "kms:EncryptionContext:aws:logs:arn": logGroups } },
    },
  ];
}
