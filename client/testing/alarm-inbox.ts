/** For tests: a queue that receives a stack's alarm messages. */
import { SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { Stack } from "../src/stack.ts";

const account = "000000000000";

/** Messages that alarms have published since the last call. */
export interface AlarmInbox extends Disposable {
  /** Returns `NAME STATE` of each, sorted by name; keeps receiving until no message came for a second. */
  take(): Promise<string[]>;
}

/** Subscribes a queue to the topic; the names of its alarms are shown without Pulumi's random suffix. */
export async function openAlarmInbox(stack: Stack, topicArn: string): Promise<AlarmInbox> {
  const sns = new SNSClient({ ...stack.clientConfig });
  const sqs = new SQSClient({ ...stack.clientConfig });
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({
      QueueName: "alarm-inbox",
      Attributes: {
        Policy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Principal: { Service: "sns.amazonaws.com" },
              Action: "sqs:SendMessage",
              Resource: `arn:aws:sqs:${stack.clientConfig.region}:${account}:alarm-inbox`,
              Condition: { ArnEquals: { "aws:SourceArn": topicArn } },
            },
          ],
        }),
      },
    }),
  );
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
  await sns.send(
    new SubscribeCommand({
      TopicArn: topicArn,
      Protocol: "sqs",
      Endpoint: Attributes?.QueueArn,
      Attributes: { RawMessageDelivery: "true" },
    }),
  );
  return {
    async take() {
      const taken: string[] = [];
      for (;;) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
        );
        if (Messages.length === 0) return taken.sort();
        for (const { Body = "" } of Messages) {
          const { AlarmName, NewStateValue } = JSON.parse(Body) as Record<"AlarmName" | "NewStateValue", string>;
          taken.push(`${AlarmName.replace(/-[0-9a-f]{7}$/, "")} ${NewStateValue}`);
        }
        const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
        await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
      }
    },
    [Symbol.dispose]() {
      sns.destroy();
      sqs.destroy();
    },
  };
}
