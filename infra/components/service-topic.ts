/** An encrypted topic for roles whose policies allow publishing, and for one AWS service at most, over TLS only. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import * as sns from "@pulumi/aws/sns/index.js";
import type * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { denyWithoutTls, policyDocument } from "../iam/policy-document.ts";
import { create } from "./transform.ts";
import type { Transform } from "./transform.ts";

/** A service that publishes with its own permissions. */
interface ServicePublisher {
  /** Its principal, such as `cloudwatch.amazonaws.com`. */
  readonly service: string;
  /** Sid of the statement that allows it. */
  readonly sid: string;
}

/** Arguments of {@link serviceTopic}. */
export interface ServiceTopicArgs {
  /** Account whose roles, and whose service, may publish. */
  readonly account: Account;
  /** ARN of the key that encrypts messages. */
  readonly keyArn: pulumi.Input<string>;
  /**
   * A service that publishes with its own permissions.
   * @default none: the policies of roles allow publishing
   */
  readonly publisher?: ServicePublisher;
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
  { account, keyArn, publisher, emails, emailFilter, transform = {} }: ServiceTopicArgs,
  parent: pulumi.Resource,
): sns.Topic {
  const topic = create(sns.Topic, transform.topic, name, { kmsMasterKeyId: keyArn }, { parent });
  const tls = denyWithoutTls("sns:Publish", [topic.arn]);
  create(
    sns.TopicPolicy,
    transform.topicPolicy,
    name,
    {
      arn: topic.arn,
      policy: policyDocument([...(publisher === undefined ? [] : [allowService(topic.arn, account, publisher)]), tls]),
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

function allowService(
  topicArn: pulumi.Input<string>,
  account: Account,
  { service, sid }: NonNullable<ServiceTopicArgs["publisher"]>,
): PolicyStatement {
  return {
    Sid: sid,
    Effect: "Allow",
    Principal: { Service: service },
    Action: "sns:Publish",
    Resource: topicArn,
    Condition: { StringEquals: { "aws:SourceAccount": account.id } },
  };
}
