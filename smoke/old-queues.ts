/** Removes the queues and subscriptions of smoke tests that were killed before they could. */
import { paginateListSubscriptionsByTopic, SNSClient, UnsubscribeCommand } from "@aws-sdk/client-sns";
import {
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  paginateListQueues,
  QueueDoesNotExist,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { closing } from "../lib/closing.ts";
import { explain, SetupError } from "../client/src/index.ts";
import type { Stack, StackOutputs } from "../client/src/index.ts";

/** Minimum age of a queue to remove, ms: a running test takes a few hours or less. */
const maxAge = 24 * 60 * 60 * 1000;

/**
 * Returns the prefix of the names of the smoke test's queues; operators may use no others
 * (`infra/iam/operator-policy.ts`).
 * @throws SetupError if the stack was deployed by a program without this output
 */
export function queuePrefixOf({ temporaryQueuePrefix }: StackOutputs): string {
  if (temporaryQueuePrefix === undefined) {
    throw new SetupError(
      "The stack has no output temporaryQueuePrefix. Deploy it again with this version of the program.",
    );
  }
  return temporaryQueuePrefix;
}

/**
 * Removes the queues of the stack's smoke tests that are older than a day, and the subscriptions of the stack's topics
 * to them or to deleted queues. Returns one line for each failure.
 * @param now milliseconds since 1970
 */
export async function removeOldQueues(stack: Stack, now = Date.now()): Promise<string[]> {
  using sqs = closing(new SQSClient(stack.clientConfig));
  using sns = closing(new SNSClient(stack.clientConfig));
  const prefix = queuePrefixOf(stack.outputs);
  const left: string[] = [];
  const attempt = async (what: string, act: () => Promise<unknown>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      // Another test has removed its queue in the meantime.
      if (error instanceof QueueDoesNotExist) return;
      left.push(`left from an earlier smoke test: ${what}: ${explain(error)}`);
    }
  };
  for (const topic of [stack.outputs.successTopicArn, stack.outputs.errorTopicArn]) {
    await attempt(`subscriptions to ${topic}`, async () => {
      for (const { arn, queue } of await temporarySubscriptions(sns, topic, prefix)) {
        await attempt(arn, async () => {
          if (await isOldOrGone(sqs, queue, now)) await sns.send(new UnsubscribeCommand({ SubscriptionArn: arn }));
        });
      }
    });
  }
  await attempt(`queues named ${prefix}*`, async () => {
    for (const url of await temporaryQueues(sqs, prefix)) {
      await attempt(url, async () => {
        if (await isOld(sqs, url, now)) await sqs.send(new DeleteQueueCommand({ QueueUrl: url }));
      });
    }
  });
  return left;
}

/** Returns a topic's subscriptions to temporary queues of the topic's account: their ARNs and the queues' names. */
async function temporarySubscriptions(
  client: SNSClient,
  TopicArn: string,
  prefix: string,
): Promise<{ arn: string; queue: string }[]> {
  const [, , , region, account] = TopicArn.split(":");
  const found = [];
  for await (const { Subscriptions = [] } of paginateListSubscriptionsByTopic({ client }, { TopicArn })) {
    for (const { SubscriptionArn: arn, Protocol, Endpoint = "" } of Subscriptions) {
      const [, , , ...place] = Endpoint.split(":");
      const [, , queue = ""] = place;
      const isOurs = Protocol === "sqs" && place[0] === region && place[1] === account;
      // A subscription that is not confirmed has no ARN yet, only a placeholder word.
      if (isOurs && queue.startsWith(prefix) && arn?.startsWith("arn:") === true) found.push({ arn, queue });
    }
  }
  return found;
}

async function temporaryQueues(client: SQSClient, QueueNamePrefix: string): Promise<string[]> {
  const urls = [];
  for await (const { QueueUrls = [] } of paginateListQueues({ client, pageSize: 1000 }, { QueueNamePrefix })) {
    urls.push(...QueueUrls);
  }
  return urls;
}

/** Tells whether a queue is older than a day, by its CreatedTimestamp (SQS: seconds since 1970). */
async function isOld(sqs: SQSClient, QueueUrl: string, now: number): Promise<boolean> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["CreatedTimestamp"] }),
  );
  return now - Number(Attributes?.CreatedTimestamp) * 1000 > maxAge;
}

async function isOldOrGone(sqs: SQSClient, QueueName: string, now: number): Promise<boolean> {
  try {
    const { QueueUrl = "" } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
    return await isOld(sqs, QueueUrl, now);
  } catch (error) {
    if (error instanceof QueueDoesNotExist) return true;
    throw error;
  }
}
