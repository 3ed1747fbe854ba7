/** A topic that only one AWS service of this account may publish to, encrypted and over TLS only. */
import * as sns from "@pulumi/aws/sns/index.js";
import type * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { denyWithoutTls, policyDocument } from "../iam/policy-document.ts";

/** Options for a service's topic. */
export interface ServiceTopicArgs {
  readonly account: Account;
  readonly keyArn: pulumi.Input<string>;
  /** The service's principal, as `sagemaker.amazonaws.com`. */
  readonly service: string;
  /** Sid of the statement that allows publishing. */
  readonly sid: string;
}

/** Creates the topic and its policy, which replaces AWS's default: that one lets the whole account publish. */
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
