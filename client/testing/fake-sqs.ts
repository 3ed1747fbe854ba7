/** For tests: SQS's queues on the fake AWS, with visibility, receive counts and repeated delivery. */
import { createHash } from "node:crypto";
import type { FakeAws } from "./fake-aws.ts";

/** A message in a queue. */
export interface FakeMessage {
  readonly id: number;
  readonly body: string;
  visible: boolean;
  receives: number;
}

/** Deliveries of a message before it goes to the dead-letter queue, as in infra/. */
const maxReceives = 5;

interface Batch {
  readonly QueueUrl: string;
  readonly Entries: readonly { readonly Id: string; readonly ReceiptHandle: string }[];
}

/** The error queue of the fake AWS's stack and its dead-letter queue. */
export class FakeQueues {
  readonly error: FakeMessage[] = [];
  readonly deadLetters: FakeMessage[] = [];
  /** True if the error queue has a dead-letter queue. */
  hasDeadLetters = true;
  readonly #aws: FakeAws;
  #last = 0;

  constructor(aws: FakeAws) {
    this.#aws = aws;
    const answer = (operation: string, act: (input: never) => object): void => {
      aws.answers.set(operation, act);
    };
    answer("ReceiveMessage", (input: { MaxNumberOfMessages: number }) => this.#receive(input.MaxNumberOfMessages));
    answer("DeleteMessageBatch", (input: Batch) =>
      this.#each(input, (message) => {
        this.error.splice(this.error.indexOf(message), 1);
      }),
    );
    answer("ChangeMessageVisibilityBatch", (input: Batch) =>
      this.#each(input, (message) => {
        message.visible = true;
      }),
    );
    answer("GetQueueAttributes", () => ({
      Attributes: this.hasDeadLetters
        ? {
            RedrivePolicy: JSON.stringify({
              deadLetterTargetArn: "arn:aws:sqs:us-east-1:000000000000:dead-letters",
              maxReceiveCount: maxReceives,
            }),
          }
        : {},
    }));
    answer("GetQueueUrl", ({ QueueName }: { QueueName: string }) => ({
      QueueUrl: `${aws.url}/000000000000/${QueueName}`,
    }));
    answer("SendMessage", (input: { QueueUrl: string; MessageBody: string }) => {
      if (!input.QueueUrl.endsWith("/dead-letters")) throw new Error(`no message may be sent to ${input.QueueUrl}`);
      this.#put(this.deadLetters, input.MessageBody);
      return { MessageId: "id", MD5OfMessageBody: md5(input.MessageBody) };
    });
  }

  /** Puts a message into the error queue; an object as its JSON. */
  put(body: object | string): void {
    this.#put(this.error, typeof body === "string" ? body : JSON.stringify(body));
  }

  /** Ends a crash: the messages that its reader had come back. */
  timeOut(): void {
    for (const message of this.error) message.visible = true;
  }

  /** Messages that no reader has. */
  get visible(): readonly FakeMessage[] {
    return this.error.filter(({ visible }) => visible);
  }

  #put(queue: FakeMessage[], body: string): void {
    queue.push({ id: ++this.#last, body, visible: true, receives: 0 });
  }

  #receive(max: number): object {
    // SQS moves a message when it would deliver it once more than its policy allows.
    for (const message of this.hasDeadLetters ? this.visible.filter(({ receives }) => receives >= maxReceives) : []) {
      this.error.splice(this.error.indexOf(message), 1);
      this.deadLetters.push(message);
    }
    const messages = this.visible.slice(0, max);
    for (const message of messages) {
      message.visible = false;
      message.receives += 1;
    }
    return {
      Messages: messages.map(({ id, body, receives }) => ({
        Attributes: { ApproximateReceiveCount: String(receives) },
        MessageId: String(id),
        ReceiptHandle: String(id),
        Body: body,
        MD5OfBody: md5(body),
      })),
    };
  }

  #each({ QueueUrl, Entries }: Batch, act: (message: FakeMessage) => void): object {
    if (QueueUrl !== this.#aws.outputs.errorQueueUrl) throw new Error(`${QueueUrl} is not the error queue`);
    for (const { ReceiptHandle } of Entries) {
      const message = this.error.find(({ id }) => String(id) === ReceiptHandle);
      if (message !== undefined) act(message);
    }
    return { Successful: Entries.map(({ Id }) => ({ Id })), Failed: [] };
  }
}

/** Computes the digest that the SDK checks. */
function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/** Makes a failure's notification as SageMaker sends it. */
export function failureOf(inferenceId: string, changes: object = {}): object {
  return {
    awsRegion: "us-east-1",
    eventTime: "2030-01-01T00:00:00.000Z",
    receivedTime: "2030-01-01T00:00:00.000Z",
    invocationStatus: "Failed",
    failureReason: "ClientError: Received server error (500) from model.",
    requestParameters: { endpointName: "video", inputLocation: `s3://in/videos/${inferenceId}.mp4` },
    inferenceId,
    eventVersion: "1.0",
    eventSource: "aws:sagemaker",
    eventName: "InferenceResult",
    ...changes,
  };
}
