/** Tests which messages of an endpoint reach a subscription with a filter on the message's body. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { Settlement } from "../core/endpoint-api.ts";
import { resultNotification, testNotification } from "../services/sagemaker/notifications.ts";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { sdkConfig } from "../testing/test-gateway.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";

/** The filter of infra/components/inference-notifications.ts. */
const filter = { filterPolicy: '{"eventName":["InferenceResult"]}', filterPolicyScope: "MessageBody" };

function notification(settlement: Settlement): string {
  const place = { bucket: "clips", key: "results/a.json", kmsKeyId: undefined };
  const invocation = {
    ...{ inferenceId: settlement.status, receivedAt: 0, ttl: 60_000, timeout: 60_000, input: place, output: place },
    ...{ failure: place, inputLocation: "s3://clips/input/a.mp4", contentType: "video/mp4", accept: undefined },
    ...{ customAttributes: undefined, answer: undefined },
  };
  const context = { region: "us-east-1", endpointName: "video", now: new Date(0), includeResponse: false };
  return resultNotification(invocation, settlement, context);
}

describe("a subscription that filters on the message's body", () => {
  let testAws: TestAws;
  let provider: TestProvider;
  let sns: SNSClient;
  let sqs: SQSClient;

  before(async () => {
    testAws = await startTestAws();
    provider = await startTestProvider(testAws.url);
    await provider.configure({});
    sns = new SNSClient(sdkConfig(testAws));
    sqs = new SQSClient(sdkConfig(testAws));
  });

  after(async () => {
    sns.destroy();
    sqs.destroy();
    await provider.stop();
    await testAws.stop();
  });

  it("receives results and failures, but no test notification; the filter can be added in place", async () => {
    const topic = provider.resource("aws:sns/topic:Topic", "results");
    const queue = provider.resource("aws:sqs/queue:Queue", "results");
    await topic.create({});
    const allowed = {
      Effect: "Allow",
      Principal: { Service: "sns.amazonaws.com" },
      Action: "sqs:SendMessage",
      Resource: "*",
    };
    await queue.create({ policy: JSON.stringify({ Version: "2012-10-17", Statement: [allowed] }) });
    const subscription = provider.resource("aws:sns/topicSubscription:TopicSubscription");
    const unfiltered = {
      ...{ topic: topic.state["arn"] ?? "", protocol: "sqs", endpoint: queue.state["arn"] ?? "" },
      rawMessageDelivery: true,
    };
    const TopicArn = topic.id;
    const QueueUrl = queue.id;

    const timings = {};
    const failed = { status: "failed", cause: "model", reason: "no video", timings } as const;
    const publish = async (): Promise<void> => {
      for (const Message of [testNotification, notification(failed), notification({ status: "completed", timings })]) {
        await sns.send(new PublishCommand({ TopicArn, Message }));
      }
    };
    const received = async (): Promise<string[]> => {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
      );
      return Messages.map(({ Body = "" }) => {
        const { eventName, inferenceId } = JSON.parse(Body) as { eventName: string; inferenceId?: string };
        return inferenceId ?? eventName;
      }).sort();
    };

    await subscription.create(unfiltered);
    await publish();
    assert.deepEqual(await received(), ["TestNotification", "completed", "failed"]);

    const filtered = { ...unfiltered, ...filter };
    assert.deepEqual((await subscription.diff(filtered)).replaces, []);
    await subscription.update(filtered);
    await subscription.assertSettled(filtered);
    await publish();
    assert.deepEqual(await received(), ["completed", "failed"]);

    await subscription.delete();
    await subscription.create(filtered);
    await subscription.assertSettled(filtered);
    await publish();
    assert.deepEqual(await received(), ["completed", "failed"]);
  });

  it("gets a scope of MessageBody before its policy, and any other scope after it", async () => {
    const names: unknown[] = [];
    const observed = await startTestProvider(testAws.url, {
      onCall: ({ operation, input }) => {
        if (operation === "SetSubscriptionAttributes") names.push((input as { AttributeName: string }).AttributeName);
      },
    });
    await observed.configure({});
    const topic = observed.resource("aws:sns/topic:Topic", "ordered");
    const queue = observed.resource("aws:sqs/queue:Queue", "ordered");
    await topic.create({});
    await queue.create({});
    const subscription = observed.resource("aws:sns/topicSubscription:TopicSubscription");
    const unfiltered = { topic: topic.id, protocol: "sqs", endpoint: queue.state["arn"] ?? "" };
    await subscription.create(unfiltered);
    await subscription.update({ ...unfiltered, ...filter });
    assert.deepEqual(names.splice(0), ["FilterPolicyScope", "FilterPolicy"]);
    await subscription.update({
      ...unfiltered,
      filterPolicy: '{"eventName":["Other"]}',
      filterPolicyScope: "MessageAttributes",
    });
    assert.deepEqual(names, ["FilterPolicy", "FilterPolicyScope"]);
    await observed.stop();
  });
});
