/** E-mail subscriptions to a topic. */
import * as sns from "@pulumi/aws/sns/index.js";
import type * as pulumi from "@pulumi/pulumi";

/** Filter of the messages that are e-mailed: all, or those whose body matches a filter policy. */
export type MessageFilter = Readonly<Record<string, readonly string[]>>;

/** Subscribes each address. Until an address has confirmed, SNS sends it only the request for confirmation. */
export function subscribeEmails(
  name: string,
  topic: sns.Topic,
  emails: readonly string[],
  parent: pulumi.Resource,
  filter?: MessageFilter,
): void {
  const filtered =
    filter === undefined ? {} : { filterPolicy: JSON.stringify(filter), filterPolicyScope: "MessageBody" };
  for (const endpoint of emails) {
    new sns.TopicSubscription(
      `${name}-${endpoint}`,
      { topic: topic.arn, protocol: "email", endpoint, ...filtered },
      { parent },
    );
  }
}
