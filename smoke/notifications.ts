/** A temporary queue that receives the notifications of an endpoint's topics, and is removed afterwards. */
import { SNSClient, SubscribeCommand, UnsubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { z } from "zod";
import { poll } from "../client/src/index.ts";
import type { PollOptions, Stack } from "../client/src/index.ts";

/**
 * One notification, as far as it is certain (developer guide, "Check prediction results"): a failure may lack
 * responseParameters, and a TestNotification has no inferenceId.
 */
const notificationSchema = z.object({
  inferenceId: z.string(),
  invocationStatus: z.enum(["Completed", "Failed"]),
  responseParameters: z.object({ outputLocation: z.string() }).optional(),
  failureReason: z.string().optional(),
});

/** Notification about one job. */
export type Notification = z.infer<typeof notificationSchema>;

/**
 * Seconds for which the queue keeps a message: slightly longer than the test waits for one, so that little is left if
 * the test is killed.
 */
const messageRetention = 300;

/** Receives the messages of the stack's success and error topics from the moment it is opened. */
export class NotificationWatch {
  readonly #sns: SNSClient;
  readonly #sqs: SQSClient;
  readonly #heard: Notification[] = [];
  readonly #subscriptions: string[] = [];
  #queueUrl: string | undefined;

  private constructor(stack: Stack) {
    this.#sns = new SNSClient(stack.clientConfig);
    this.#sqs = new SQSClient(stack.clientConfig);
  }

  /** Creates the queue and subscribes it; on a failure, removes everything created until then. */
  static async open(stack: Stack, name: string): Promise<NotificationWatch> {
    const watch = new NotificationWatch(stack);
    try {
      await watch.#subscribe([stack.outputs.successTopicArn, stack.outputs.errorTopicArn], name);
      return watch;
    } catch (error) {
      await watch.close();
      throw error;
    }
  }

  /** Waits for the notification about one job's end; undefined if it does not come within the limit. */
  async of(
    inferenceId: string,
    options: PollOptions<Notification | undefined> & { readonly limitSeconds: number },
  ): Promise<Notification | undefined> {
    return await poll(
      async () => {
        await this.#receive(options.signal);
        return this.#heard.find((notification) => notification.inferenceId === inferenceId);
      },
      (notification) => notification !== undefined,
      { ...options, pause: { first: 0.1, longest: 0.1 } },
    );
  }

  /** Removes the subscriptions and the queue. */
  async close(): Promise<void> {
    try {
      for (const SubscriptionArn of this.#subscriptions.splice(0)) {
        await this.#sns.send(new UnsubscribeCommand({ SubscriptionArn }));
      }
      if (this.#queueUrl !== undefined) await this.#sqs.send(new DeleteQueueCommand({ QueueUrl: this.#queueUrl }));
      this.#queueUrl = undefined;
    } finally {
      this.#sns.destroy();
      this.#sqs.destroy();
    }
  }

  async #subscribe(topics: readonly string[], name: string): Promise<void> {
    const [, partition, , region, account] = topics[0]?.split(":") ?? [];
    const queueArn = `arn:${partition ?? "aws"}:sqs:${region ?? ""}:${account ?? ""}:${name}`;
    const { QueueUrl } = await this.#sqs.send(
      new CreateQueueCommand({
        QueueName: name,
        Attributes: { MessageRetentionPeriod: String(messageRetention), Policy: queuePolicy(queueArn, topics) },
      }),
    );
    this.#queueUrl = QueueUrl;
    for (const TopicArn of topics) {
      const { SubscriptionArn } = await this.#sns.send(
        new SubscribeCommand({
          TopicArn,
          Protocol: "sqs",
          Endpoint: queueArn,
          Attributes: { RawMessageDelivery: "true" },
          ReturnSubscriptionArn: true,
        }),
      );
      if (SubscriptionArn !== undefined) this.#subscriptions.push(SubscriptionArn);
    }
  }

  async #receive(signal: AbortSignal | undefined): Promise<void> {
    const { Messages = [] } = await this.#sqs.send(
      new ReceiveMessageCommand({ QueueUrl: this.#queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 2 }),
      signal === undefined ? {} : { abortSignal: signal },
    );
    if (Messages.length === 0) return;
    this.#heard.push(...Messages.flatMap(({ Body = "" }) => parseNotification(Body) ?? []));
    await this.#sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl: this.#queueUrl,
        Entries: Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
      }),
    );
  }
}

/**
 * Parses a message's notification; undefined for anything else that comes through the topics, such as a
 * TestNotification.
 */
export function parseNotification(body: string): Notification | undefined {
  try {
    return notificationSchema.parse(JSON.parse(body));
  } catch {
    return undefined;
  }
}

function queuePolicy(queueArn: string, topics: readonly string[]): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "sns.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: queueArn,
        Condition: { ArnEquals: { "aws:SourceArn": topics } },
      },
    ],
  });
}
