/** Subscribes people to a topic. */
import * as sns from "@pulumi/aws/sns/index.js";
import type * as pulumi from "@pulumi/pulumi";

/** Subscribes each address; SNS sends it nothing but a question until it has confirmed. */
export function subscribeEmails(
  name: string,
  topic: sns.Topic,
  emails: readonly string[],
  parent: pulumi.Resource,
): void {
  for (const endpoint of emails) {
    new sns.TopicSubscription(`${name}-${endpoint}`, { topic: topic.arn, protocol: "email", endpoint }, { parent });
  }
}
