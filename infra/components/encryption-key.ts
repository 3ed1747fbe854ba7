/** The stack's KMS key, which encrypts everything that holds the content of a video, a result or a notification. */
import type { PolicyDocument } from "@pulumi/aws/iam/index.js";
import * as kms from "@pulumi/aws/kms/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { logGroupOf } from "../endpoint-name.ts";
import { policyDocument } from "../iam/policy-document.ts";

/** Days in which the deletion of the key can be cancelled: the maximum of KMS. Without the key, its data cannot be decrypted. */
const deletionWindowInDays = 30;

/** Options for an {@link EncryptionKey}. */
export interface EncryptionKeyArgs {
  /** The account that the key belongs to. */
  readonly account: Account;
}

/** A symmetric key that KMS rotates every year, and its alias. */
export class EncryptionKey extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;

  constructor(name: string, { account }: EncryptionKeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:EncryptionKey", name, {}, opts);

    const key = new kms.Key(
      name,
      {
        description: "Videos, results and notifications of the asynchronous inference stack",
        enableKeyRotation: true,
        deletionWindowInDays,
        policy: pulumi.jsonStringify(keyPolicy(account, `${name}-endpoint-`)),
      },
      { parent: this },
    );
    new kms.Alias(name, { targetKeyId: key.keyId }, { parent: this });

    this.arn = key.arn;
    this.registerOutputs({ arn: this.arn });
  }
}

/**
 * Returns the key's policy. In a key policy, the resource "*" is the key itself.
 * @param endpointNamePrefix prefix of the name of the endpoint whose log is encrypted
 */
export function keyPolicy(account: Account, endpointNamePrefix: string): PolicyDocument {
  const use = ["kms:Decrypt", "kms:GenerateDataKey"];
  return policyDocument([
    {
      // Delegates to IAM: the execution role, callers and operators get access through their own policies. Without it the
      // key could become unmanageable (KMS developer guide, "Default key policy").
      Sid: "AccountAdministers",
      Effect: "Allow",
      Principal: { AWS: pulumi.interpolate`arn:${account.partition}:iam::${account.id}:root` },
      Action: "kms:*",
      Resource: "*",
    },
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
      Condition: {
        ArnLike: {
          "kms:EncryptionContext:aws:logs:arn": pulumi.interpolate`arn:${account.partition}:logs:${account.region}:${account.id}:log-group:${logGroupOf(endpointNamePrefix)}*`,
        },
      },
    },
  ]);
}
