/** A topic that one AWS service of this account publishes to, encrypted and over TLS only. */
import * as sns from "@pulumi/aws/sns/index.js";
import type * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { denyWithoutTls, policyDocument } from "../iam/policy-document.ts";

/** Who publishes, and with what the topic is encrypted. */
export interface ServiceTopicArgs {
  readonly account: Account;
  readonly keyArn: pulumi.Input<string>;
  /** The service's principal, as `sagemaker.amazonaws.com`. */
  readonly service: string;
  /** The statement's name, which says what is allowed. */
  readonly sid: string;
}

/** Makes the topic and its policy, which takes the place of AWS's default: that one lets the whole account publish. */
export function serviceTopic(
  name: string,
  { account, keyArn, service, sid }: ServiceTopicArgs,
  parent: pulumi.Resource,
): sns.Topic {
  const topic = new sns.Topic(name, { kmsMasterKeyId: keyArn }, { parent });
  new sns.TopicPolicy(
    name,
    {
      arn: topic.arn,
      policy: policyDocument([
        {
          Sid: sid,
          Effect: "Allow",
          Principal: { Service: service },
          Action: "sns:Publish",
          Resource: topic.arn,
          Condition: { StringEquals: { "aws:SourceAccount": account.id } },
        },
        denyWithoutTls("sns:Publish", [topic.arn]),
      ]),
    },
    { parent },
  );
  return topic;
}
