/** SageMaker's notifications of successes and failures: two topics, each with a queue that stores the messages. */
import * as sns from "@pulumi/aws/sns/index.js";
import * as sqs from "@pulumi/aws/sqs/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { defaults } from "../defaults.ts";
import { subscribeEmails } from "./email-subscriptions.ts";
import { denyWithoutTls, policyDocument } from "../iam/policy-document.ts";
import { serviceTopic } from "./service-topic.ts";

/** Seconds that a message is retained for a reader: SQS's maximum, 14 days. */
const messageRetentionSeconds = 1_209_600;
/** Maximum number of receives of a message that is not deleted. After that, SQS moves it to the dead-letter queue. */
const maxReceiveCount = 5;

/**
 * SageMaker publishes a TestNotification at each update of the endpoint, including the autoscaler's. Results and failures are
 * both an InferenceResult (developer guide, "Check prediction results").
 */
const results = { eventName: ["InferenceResult"] };

/** Options for {@link InferenceNotifications}. */
export interface InferenceNotificationsArgs {
  /** The account whose SageMaker endpoints may publish. */
  readonly account: Account;
  /** ARN of the key that encrypts topics and queues. */
  readonly keyArn: pulumi.Input<string>;
  /**
   * Email addresses subscribed to results and failures (each must confirm).
   * @default none
   */
  readonly completionEmails?: readonly string[];
}

/** A success and an error topic, encrypted, each with a queue and that queue's dead-letter queue. */
export class InferenceNotifications extends pulumi.ComponentResource {
  readonly successTopicArn: pulumi.Output<string>;
  readonly errorTopicArn: pulumi.Output<string>;
  readonly successQueueUrl: pulumi.Output<string>;
  readonly errorQueueUrl: pulumi.Output<string>;
  /** The queues that the topics deliver to. */
  readonly queueArns: pulumi.Output<string>[];
  /** The queues for messages that readers failed to process. */
  readonly deadLetterQueueArns: pulumi.Output<string>[];

  constructor(name: string, args: InferenceNotificationsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:CompletionTopics", name, {}, opts);

    const settings = { ...defaults, ...args };
    const success = channel(`${name}-success`, settings, this);
    const error = channel(`${name}-error`, settings, this);

    this.successTopicArn = success.topic.arn;
    this.errorTopicArn = error.topic.arn;
    this.successQueueUrl = success.queue.url;
    this.errorQueueUrl = error.queue.url;
    this.queueArns = [success.queue.arn, error.queue.arn];
    this.deadLetterQueueArns = [success.deadLetters.arn, error.deadLetters.arn];
    this.registerOutputs({
      successTopicArn: this.successTopicArn,
      errorTopicArn: this.errorTopicArn,
      successQueueUrl: this.successQueueUrl,
      errorQueueUrl: this.errorQueueUrl,
      queueArns: this.queueArns,
      deadLetterQueueArns: this.deadLetterQueueArns,
    });
  }
}

/** A topic that only SageMaker may publish to, and a queue that only this topic may send to. */
function channel(
  name: string,
  { account, keyArn, completionEmails }: Required<InferenceNotificationsArgs>,
  parent: pulumi.ComponentResource,
): { topic: sns.Topic; queue: sqs.Queue; deadLetters: sqs.Queue } {
  // SageMaker publishes with the execution role, whose own policy allows it.
  const topic = serviceTopic(
    name,
    { account, keyArn, service: "sagemaker.amazonaws.com", sid: "SageMakerOfThisAccountPublishes" },
    parent,
  );

  const deadLetters = new sqs.Queue(
    `${name}-dead-letters`,
    { messageRetentionSeconds, kmsMasterKeyId: keyArn },
    { parent },
  );
  const queue = new sqs.Queue(
    name,
    {
      messageRetentionSeconds,
      kmsMasterKeyId: keyArn,
      redrivePolicy: pulumi.jsonStringify({ deadLetterTargetArn: deadLetters.arn, maxReceiveCount }),
    },
    { parent },
  );
  const delivery = new sqs.QueuePolicy(
    name,
    {
      queueUrl: queue.url,
      policy: policyDocument([
        {
          Sid: "TopicDelivers",
          Effect: "Allow",
          Principal: { Service: "sns.amazonaws.com" },
          Action: "sqs:SendMessage",
          Resource: queue.arn,
          Condition: { ArnEquals: { "aws:SourceArn": topic.arn } },
        },
        denyWithoutTls("sqs:*", [queue.arn]),
      ]),
    },
    { parent },
  );
  new sns.TopicSubscription(
    name,
    // Raw: the queue's messages are SageMaker's, without SNS's envelope.
    { topic: topic.arn, protocol: "sqs", endpoint: queue.arn, rawMessageDelivery: true },
    // A message that is published before the queue's policy exists would be lost.
    { parent, dependsOn: delivery },
  );
  subscribeEmails(name, topic, completionEmails, parent, results);
  return { topic, queue, deadLetters };
}
