/** Subscribes people to a topic. */
import * as sns from "@pulumi/aws/sns/index.js";
import type * as pulumi from "@pulumi/pulumi";

/** Which messages reach people: all, or those whose body a filter policy matches. */
export type MessageFilter = Readonly<Record<string, readonly string[]>>;

/** Subscribes each address; SNS sends it nothing but a question until it has confirmed. */
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
