/** Reads the stack's error queue and its dead-letter queue, and deletes messages that are handled. */
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { DeleteMessageBatchRequestEntry, DeleteMessageBatchResult } from "@aws-sdk/client-sqs";
import { z } from "zod";
import { ServiceAnswerError, SetupError } from "../errors.ts";
import type { Stack } from "../stack.ts";

/** A message that this reader has received. */
export interface HeldMessage {
  readonly body: string;
  readonly receipt: string;
  /** Number of deliveries by SQS, including this one. */
  readonly deliveries: number;
}

/** SQS's maximum for any operation on several messages. */
export const batch = 10;

/**
 * Seconds that a message stays with its reader. After a crash it returns to the queue then. It is longer than the
 * slowest job takes: 240 s for the record before the call (`recorder.ts`), 120 s for the request object and 600 s for
 * the call (`submit.ts`), and 240 s for the record after it: 1,200 s.
 */
const visibilitySeconds = 1_500;

/** Seconds that one receive waits for a message: only long polling asks all of SQS's servers. */
const waitSeconds = 3;

/** SQS accepts the number as a string, too (API reference, SetQueueAttributes, "RedrivePolicy"). */
const redrivePolicySchema = z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.coerce.number() });

type RedrivePolicy = z.infer<typeof redrivePolicySchema>;

/** The error queue. Close it when done, or declare it with `using`. */
export class ErrorQueue implements Disposable {
  readonly #sqs: SQSClient;
  readonly #url: string;
  #deadLetters: string | undefined;

  constructor(stack: Stack) {
    this.#sqs = new SQSClient(stack.clientConfig);
    this.#url = stack.outputs.errorQueueUrl;
  }

  /** Receives up to `max` messages, and up to {@link batch}; none if none came for a few seconds. */
  async receive(max: number, signal?: AbortSignal): Promise<readonly HeldMessage[]> {
    const { Messages = [] } = await this.#sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#url,
        MaxNumberOfMessages: Math.min(max, batch),
        WaitTimeSeconds: waitSeconds,
        VisibilityTimeout: visibilitySeconds,
        MessageSystemAttributeNames: ["ApproximateReceiveCount"],
      }),
      signal === undefined ? {} : { abortSignal: signal },
    );
    return Messages.map(({ Body = "", ReceiptHandle = "", Attributes }) => ({
      body: Body,
      receipt: ReceiptHandle,
      deliveries: Number(Attributes?.ApproximateReceiveCount ?? 1),
    }));
  }

  /** Deletes handled messages. */
  async delete(messages: readonly HeldMessage[]): Promise<void> {
    await inBatches(messages, (Entries) =>
      this.#sqs.send(new DeleteMessageBatchCommand({ QueueUrl: this.#url, Entries })),
    );
  }

  /** Returns messages to the queue at once, for the next reader. */
  async release(messages: readonly HeldMessage[]): Promise<void> {
    await inBatches(messages, (entries) => {
      const Entries = entries.map((entry) => ({ ...entry, VisibilityTimeout: 0 }));
      return this.#sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.#url, Entries }));
    });
  }

  /**
   * Moves messages to the dead-letter queue: it writes them there first, so that none is lost between the two.
   * @throws SetupError if the queue has no dead-letter queue
   */
  async moveToDeadLetters(messages: readonly HeldMessage[]): Promise<void> {
    if (messages.length === 0) return;
    this.#deadLetters ??= await this.#findDeadLetters();
    for (const message of messages) {
      await this.#sqs.send(new SendMessageCommand({ QueueUrl: this.#deadLetters, MessageBody: message.body }));
      await this.delete([message]);
    }
  }

  [Symbol.dispose](): void {
    this.#sqs.destroy();
  }

  /**
   * Returns the number of times that SQS delivers a message that is not deleted; the next delivery moves it to the
   * dead-letter queue (developer guide, "Using dead-letter queues"). Returning a message does not lower its count.
   * @returns undefined if the queue has no dead-letter queue
   */
  async maxDeliveries(): Promise<number | undefined> {
    return (await this.#redrivePolicy())?.maxReceiveCount;
  }

  async #redrivePolicy(): Promise<RedrivePolicy | undefined> {
    const { Attributes } = await this.#sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: this.#url, AttributeNames: ["RedrivePolicy"] }),
    );
    const policy = Attributes?.RedrivePolicy;
    return policy === undefined ? undefined : redrivePolicySchema.parse(JSON.parse(policy));
  }

  async #findDeadLetters(): Promise<string> {
    const policy = await this.#redrivePolicy();
    if (policy === undefined) {
      throw new SetupError(
        `The error queue ${this.#url} has no dead-letter queue: deploy the stack as it is in infra/.`,
      );
    }
    const { deadLetterTargetArn } = policy;
    const [, , , , account, name] = deadLetterTargetArn.split(":");
    const { QueueUrl } = await this.#sqs.send(
      new GetQueueUrlCommand({ QueueName: name, QueueOwnerAWSAccountId: account }),
    );
    if (QueueUrl === undefined)
      throw new ServiceAnswerError(`SQS returns no URL for the queue ${deadLetterTargetArn}.`);
    return QueueUrl;
  }
}

/** Calls `act` for ten messages at a time; its answer names the failed ones. */
async function inBatches(
  messages: readonly HeldMessage[],
  act: (entries: DeleteMessageBatchRequestEntry[]) => Promise<Pick<DeleteMessageBatchResult, "Failed">>,
): Promise<void> {
  for (let from = 0; from < messages.length; from += batch) {
    const entries = messages
      .slice(from, from + batch)
      .map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt }));
    const { Failed: [failed] = [] } = await act(entries);
    if (failed !== undefined) {
      throw new ServiceAnswerError(`SQS refuses: ${failed.Code ?? "no code"}: ${failed.Message ?? "no message"}`);
    }
  }
}
