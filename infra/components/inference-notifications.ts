/** SageMaker's notifications of successes and failures: two topics, each with a queue that stores the messages. */
import * as sns from "@pulumi/aws/sns/index.js";
import * as sqs from "@pulumi/aws/sqs/index.js";
import * as pulumi from "@pulumi/pulumi";
import { currentAccount } from "../account.ts";
import type { Account } from "../account.ts";
import { withDefaults } from "../defaults.ts";
import { denyWithoutTls, policyDocument } from "../iam/policy-document.ts";
import { serviceTopic } from "./service-topic.ts";
import type { ServiceTopicTransform } from "./service-topic.ts";
import { create } from "./transform.ts";
import type { Transform } from "./transform.ts";

/** Seconds that a message is retained for a reader: SQS's maximum, 14 days. */
const messageRetentionSeconds = 1_209_600;
/** Maximum number of receives of a message that is not deleted. After that, SQS moves it to the dead-letter queue. */
const maxReceiveCount = 5;

/**
 * SageMaker publishes a TestNotification at each update of the endpoint, including the autoscaler's. Results and failures are
 * both an InferenceResult (developer guide, "Check prediction results").
 */
const results = { eventName: ["InferenceResult"] };

/** Arguments of {@link InferenceNotifications}. */
export interface InferenceNotificationsArgs {
  /**
   * Account and region whose SageMaker endpoints may publish.
   * @default those of the component's provider
   */
  readonly account?: Account;
  /** ARN of the key that encrypts topics and queues. */
  readonly keyArn: pulumi.Input<string>;
  /**
   * Email addresses subscribed to results and failures (each must confirm). No input, because each is a resource.
   * @default none
   */
  readonly completionEmails?: readonly string[];
  /**
   * Changes the resources of the component.
   * @default none
   */
  readonly transform?: {
    /** The resources for results. @default unchanged */
    readonly success?: ChannelTransform;
    /** The resources for failures. @default unchanged */
    readonly error?: ChannelTransform;
  };
}

/** Changes a topic, its queues and its subscriptions. */
export interface ChannelTransform extends ServiceTopicTransform {
  /** The queue of messages. @default unchanged */
  readonly queue?: Transform<sqs.QueueArgs>;
  /** The queue of messages that readers failed to process. @default unchanged */
  readonly deadLetterQueue?: Transform<sqs.QueueArgs>;
  /** The policy of the queue of messages. @default unchanged */
  readonly queuePolicy?: Transform<sqs.QueuePolicyArgs>;
  /** The subscription of the queue of messages to the topic. @default unchanged */
  readonly queueSubscription?: Transform<sns.TopicSubscriptionArgs>;
}

/**
 * A success and an error topic, encrypted, each with a queue and that queue's dead-letter queue.
 * @example
 * const notifications = new InferenceNotifications("videos", { keyArn: key.arn });
 */
export class InferenceNotifications extends pulumi.ComponentResource {
  /** ARN of the topic for results. */
  readonly successTopicArn: pulumi.Output<string>;
  /** ARN of the topic for failures. */
  readonly errorTopicArn: pulumi.Output<string>;
  /** URL of the queue that stores notifications of results. */
  readonly successQueueUrl: pulumi.Output<string>;
  /** URL of the queue that stores notifications of failures. */
  readonly errorQueueUrl: pulumi.Output<string>;
  /** ARNs of the queues that the topics deliver to. */
  readonly queueArns: pulumi.Output<string>[];
  /** ARNs of the queues for messages that readers failed to process. */
  readonly deadLetterQueueArns: pulumi.Output<string>[];

  constructor(name: string, args: InferenceNotificationsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:CompletionTopics", name, {}, opts);
    const { account = currentAccount(this), keyArn, completionEmails, transform = {} } = withDefaults(args);

    const settings = { account, keyArn, emails: completionEmails };
    const success = channel(`${name}-success`, settings, transform.success, this);
    const error = channel(`${name}-error`, settings, transform.error, this);

    this.successTopicArn = success.topic.arn;
    this.errorTopicArn = error.topic.arn;
    this.successQueueUrl = success.queue.url;
    this.errorQueueUrl = error.queue.url;
    this.queueArns = [success.queue.arn, error.queue.arn];
    this.deadLetterQueueArns = [success.deadLetterQueue.arn, error.deadLetterQueue.arn];
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

/** A topic that only SageMaker, as the execution role, may publish to, and a queue that only this topic may send to. */
function channel(
  name: string,
  settings: { readonly account: Account; readonly keyArn: pulumi.Input<string>; readonly emails: readonly string[] },
  transform: ChannelTransform = {},
  parent: pulumi.ComponentResource,
): { topic: sns.Topic; queue: sqs.Queue; deadLetterQueue: sqs.Queue } {
  // SageMaker publishes with the execution role, whose own policy allows it (developer guide, "Check prediction results").
  const topic = serviceTopic(name, { ...settings, emailFilter: results, transform }, parent);

  const encrypted = { messageRetentionSeconds, kmsMasterKeyId: settings.keyArn };
  const deadLetterQueue = create(
    sqs.Queue,
    transform.deadLetterQueue,
    `${name}-dead-letters`,
    { ...encrypted },
    { parent },
  );
  const redrivePolicy = pulumi.jsonStringify({ deadLetterTargetArn: deadLetterQueue.arn, maxReceiveCount });
  const queue = create(sqs.Queue, transform.queue, name, { ...encrypted, redrivePolicy }, { parent });
  const delivery = create(
    sqs.QueuePolicy,
    transform.queuePolicy,
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
  create(
    sns.TopicSubscription,
    transform.queueSubscription,
    name,
    // Raw: the queue's messages are SageMaker's, without SNS's envelope.
    { topic: topic.arn, protocol: "sqs", endpoint: queue.arn, rawMessageDelivery: true },
    // A message that is published before the queue's policy exists would be lost.
    { parent, dependsOn: delivery },
  );
  return { topic, queue, deadLetterQueue };
}
