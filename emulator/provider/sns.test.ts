import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";
import type { TestResource } from "./testing/resource.ts";

const arn = "arn:aws:sns:us-east-1:000000000000:done-a1a2a3a";

describe("SNS", () => {
  let testAws: TestAws;
  let provider: TestProvider;
  let topic: TestResource;

  before(async () => {
    testAws = await startTestAws();
    provider = await startTestProvider(testAws.url);
    await provider.configure({});
    topic = provider.resource("aws:sns/topic:Topic", "done");
  });

  after(async () => {
    await provider.stop();
    await testAws.stop();
  });

  const publish = (action: string): string =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Principal: { Service: "sagemaker.amazonaws.com" }, Action: action, Resource: arn },
      ],
    });

  describe("Topic", () => {
    const wanted = { kmsMasterKeyId: "alias/aws/sns", tags: { stage: "one" } };

    it("is created with its tags, then gets each attribute", async () => {
      await topic.create(wanted);
      assert.deepEqual(provider.calls(), [
        "CreateTopic",
        "SetTopicAttributes",
        "GetTopicAttributes",
        "ListTagsForResource",
      ]);
      assert.equal(topic.id, arn);
      assert.equal(topic.state["arn"], arn);
      assert.equal(topic.state["name"], "done-a1a2a3a");
      assert.equal(topic.state["owner"], "000000000000");
      assert.match(JSON.stringify(topic.state["policy"]), /__default_policy_ID/);
      await topic.assertSettled(wanted);
    });

    it("changes tags first, then attributes, and removes attributes that the program drops", async () => {
      const news = { displayName: "Done", tags: { step: "two" } };
      provider.calls();
      await topic.update(news);
      assert.deepEqual(provider.calls(), [
        "UntagResource",
        "TagResource",
        "SetTopicAttributes",
        "SetTopicAttributes",
        "GetTopicAttributes",
        "ListTagsForResource",
      ]);
      assert.deepEqual(topic.state["tags"], { step: "two" });
      await topic.assertSettled(news);
    });

    it("is replaced for another name", async () => {
      assert.deepEqual((await topic.diff({ name: "other" })).replaces, ["name"]);
    });

    it("sees no difference in AWS's default policy", async () => {
      const policy = provider.resource("aws:sns/topicPolicy:TopicPolicy");
      await policy.create({ arn, policy: publish("sns:Publish") });
      assert.deepEqual((await topic.read())?.state["policy"], publish("sns:Publish"));
      assert.deepEqual((await topic.diff({ displayName: "Done", tags: { step: "two" } })).changes, []);
      await policy.delete();
    });
  });

  describe("policies and subscriptions", () => {
    it("TopicPolicy is put, changes in place, and restores AWS's default policy on deletion", async () => {
      const policy = provider.resource("aws:sns/topicPolicy:TopicPolicy");
      const wanted = { arn, policy: publish("sns:Publish") };
      provider.calls();
      await policy.create(wanted);
      assert.deepEqual(provider.calls(), ["SetTopicAttributes", "GetTopicAttributes"]);
      assert.equal(policy.state["owner"], "000000000000");
      await policy.assertSettled(wanted);
      const news = { arn, policy: JSON.parse(publish("sns:*")) as object as never };
      assert.deepEqual((await policy.diff(news)).detailed, { policy: "update" });
      await policy.update(news);
      await policy.assertSettled(news);
      assert.deepEqual((await policy.diff({ ...wanted, arn: `${arn}x` })).replaces, ["arn"]);
      await policy.delete();
      assert.match(JSON.stringify((await topic.read())?.state["policy"]), /__default_policy_ID/);
    });

    it("TopicSubscription is created, changes its attributes in place, and is awaited when it is deleted", async () => {
      const queue = provider.resource("aws:sqs/queue:Queue", "queue");
      await queue.create({});
      const subscription = provider.resource("aws:sns/topicSubscription:TopicSubscription");
      const wanted = { topic: arn, protocol: "sqs", endpoint: queue.state["arn"] ?? "" };
      provider.calls();
      await subscription.create(wanted);
      assert.deepEqual(provider.calls(), ["Subscribe", "GetSubscriptionAttributes"]);
      assert.equal(subscription.state["arn"], subscription.id);
      assert.equal(subscription.state["ownerId"], "000000000000");
      assert.equal(subscription.state["pendingConfirmation"], false);
      await subscription.assertSettled(wanted);

      const news = { ...wanted, rawMessageDelivery: true };
      assert.deepEqual((await subscription.diff(news)).detailed, { rawMessageDelivery: "update" });
      await subscription.update(news);
      await subscription.assertSettled(news);
      for (const property of ["topic", "protocol", "endpoint"]) {
        assert.deepEqual((await subscription.diff({ ...news, [property]: "other" })).replaces, [property]);
      }
      provider.calls();
      await subscription.delete();
      assert.deepEqual(provider.calls(), ["Unsubscribe", "GetSubscriptionAttributes"]);
      assert.equal(await subscription.read(), undefined);
    });

    it("a deleted topic reads as missing, and its deletion succeeds", async () => {
      await topic.delete();
      assert.equal(await topic.read(), undefined);
      await topic.delete();
    });
  });
});
