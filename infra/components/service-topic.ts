/** A topic that only one AWS service of this account may publish to, encrypted and over TLS only. */
import * as sns from "@pulumi/aws/sns/index.js";
import type * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { denyWithoutTls, policyDocument } from "../iam/policy-document.ts";
import { create } from "./transform.ts";
import type { Transform } from "./transform.ts";

/** Arguments of {@link serviceTopic}. */
export interface ServiceTopicArgs {
  /** Account whose service may publish. */
  readonly account: Account;
  /** ARN of the key that encrypts messages. */
  readonly keyArn: pulumi.Input<string>;
  /** The service's principal, as `sagemaker.amazonaws.com`. */
  readonly service: string;
  /** Sid of the statement that allows publishing. */
  readonly sid: string;
  /** Email addresses to subscribe. Until an address has confirmed, SNS sends it only the request for confirmation. */
  readonly emails: readonly string[];
  /**
   * Filter policy of the messages that are emailed, on their body.
   * @default all messages
   */
  readonly emailFilter?: Readonly<Record<string, readonly string[]>>;
  /**
   * Changes the resources.
   * @default none
   */
  readonly transform?: ServiceTopicTransform;
}

/** Changes the topic and its subscriptions. */
export interface ServiceTopicTransform {
  /** The topic. @default unchanged */
  readonly topic?: Transform<sns.TopicArgs>;
  /** The topic's policy. @default unchanged */
  readonly topicPolicy?: Transform<sns.TopicPolicyArgs>;
  /** Each subscription of an email address. @default unchanged */
  readonly emailSubscription?: Transform<sns.TopicSubscriptionArgs>;
}

/** Creates the topic, its subscriptions, and its policy, which replaces AWS's default: that one lets the whole account publish. */
export function serviceTopic(
  name: string,
  { account, keyArn, service, sid, emails, emailFilter, transform = {} }: ServiceTopicArgs,
  parent: pulumi.Resource,
): sns.Topic {
  const topic = create(sns.Topic, transform.topic, name, { kmsMasterKeyId: keyArn }, { parent });
  create(
    sns.TopicPolicy,
    transform.topicPolicy,
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
  const filter =
    emailFilter === undefined ? {} : { filterPolicy: JSON.stringify(emailFilter), filterPolicyScope: "MessageBody" };
  for (const endpoint of emails) {
    create(
      sns.TopicSubscription,
      transform.emailSubscription,
      `${name}-${endpoint}`,
      { topic: topic.arn, protocol: "email", endpoint, ...filter },
      { parent },
    );
  }
  return topic;
}
