/** The stack's own key: everything that holds a video's content, a result or a notice is encrypted with it. */
import type { PolicyDocument } from "@pulumi/aws/iam/index.js";
import * as kms from "@pulumi/aws/kms/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { logGroupOf } from "../endpoint-name.ts";
import { policyDocument } from "../iam/policy-document.ts";

/** Days in which a deleted key, and with it what it encrypts, can be had back: KMS's longest. */
const deletionWindowInDays = 30;

/** What can be chosen about an {@link EncryptionKey}. */
export interface EncryptionKeyArgs {
  /** The account that the key belongs to. */
  readonly account: Account;
}

/** A symmetric key that KMS rotates every year, and an alias to find it by. */
export class EncryptionKey extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;

  constructor(name: string, { account }: EncryptionKeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:EncryptionKey", name, {}, opts);

    const key = new kms.Key(
      name,
      {
        description: "Videos, results and notices of the asynchronous inference stack",
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
 * In a key's policy the resource "*" is this key.
 * @param endpointNamePrefix start of the name of the endpoint whose log is encrypted
 */
export function keyPolicy(account: Account, endpointNamePrefix: string): PolicyDocument {
  const use = ["kms:Decrypt", "kms:GenerateDataKey"];
  return policyDocument([
    {
      // Lets IAM decide: the execution role, callers and operators get the key by their own policies. Without it the
      // key could be lost for good (KMS developer guide, "Default key policy").
      Sid: "AccountAdministers",
      Effect: "Allow",
      Principal: { AWS: pulumi.interpolate`arn:${account.partition}:iam::${account.id}:root` },
      Action: "kms:*",
      Resource: "*",
    },
    {
      // AWS's managed SNS key could not be opened to alarms, whose topic would stay silent.
      Sid: "AlarmsPublish",
      Effect: "Allow",
      Principal: { Service: "cloudwatch.amazonaws.com" },
      Action: use,
      Resource: "*",
      Condition: { StringEquals: { "aws:SourceAccount": account.id } },
    },
    {
      // No condition: no source says that SNS names the account when it asks for a queue's key. What it may put into
      // a queue is limited by the queue's policy, to the one topic.
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
