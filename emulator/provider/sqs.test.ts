import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";
import type { TestResource } from "./testing/resource.ts";
import type { Values } from "./values.ts";

describe("SQS", () => {
  let testAws: TestAws;
  let provider: TestProvider;
  let queue: TestResource;
  let dead: TestResource;

  before(async () => {
    testAws = await startTestAws();
    provider = await startTestProvider(testAws.url);
    await provider.configure({});
    dead = provider.resource("aws:sqs/queue:Queue", "dead");
    await dead.create({});
    queue = provider.resource("aws:sqs/queue:Queue", "queue");
    provider.calls();
    await queue.create({ tags: { stage: "one" } });
  });

  after(async () => {
    await provider.stop();
    await testAws.stop();
  });

  describe("Queue", () => {
    it("is created with attributes and tags in one call, and has its URL as its id", async () => {
      assert.deepEqual(provider.calls(), ["CreateQueue", "GetQueueAttributes", "ListQueueTags"]);
      assert.match(queue.id, /^http:\/\/127\.0\.0\.1:\d+\/000000000000\/queue-a1a2a3a$/);
      assert.equal(queue.state["url"], queue.id);
      assert.equal(queue.state["arn"], "arn:aws:sqs:us-east-1:000000000000:queue-a1a2a3a");
      assert.equal(queue.state["visibilityTimeoutSeconds"], 30);
      assert.equal(queue.state["messageRetentionSeconds"], 345_600);
      await queue.assertSettled({ tags: { stage: "one" } });
    });

    it("changes tags first, then attributes", async () => {
      const news = { visibilityTimeoutSeconds: 60, tags: { step: "two" } };
      assert.deepEqual((await queue.diff(news)).detailed, {
        "tags.stage": "delete",
        "tags.step": "add",
        "tagsAll.stage": "delete",
        "tagsAll.step": "add",
        visibilityTimeoutSeconds: "update",
      });
      provider.calls();
      await queue.update(news);
      assert.deepEqual(provider.calls(), [
        "UntagQueue",
        "TagQueue",
        "SetQueueAttributes",
        "GetQueueAttributes",
        "ListQueueTags",
      ]);
      await queue.assertSettled(news);
    });

    it("is replaced for another name", async () => {
      assert.deepEqual((await queue.diff({ name: "other" })).replaces, ["name"]);
    });
  });

  describe("policies", () => {
    const policyOf = (action: string): string =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { Service: "sns.amazonaws.com" },
            Action: action,
            Resource: "arn:aws:sqs:us-east-1:000000000000:queue-a1a2a3a",
          },
        ],
      });
    it("QueuePolicy is put and read, settles, changes in place, and is awaited when it is deleted", async () => {
      const setting = provider.resource("aws:sqs/queuePolicy:QueuePolicy");
      const [first, then] = [policyOf("sqs:SendMessage"), policyOf("sqs:*")];
      const on = (policy: string): Values => ({ queueUrl: queue.id, policy });
      const calls = ["SetQueueAttributes", "GetQueueAttributes"];
      provider.calls();
      await setting.create(on(first));
      assert.deepEqual(provider.calls(), calls);
      assert.equal(setting.id, queue.id);
      await setting.assertSettled(on(first));
      // The queue itself has no effect on it.
      assert.deepEqual((await queue.diff({ visibilityTimeoutSeconds: 60, tags: { step: "two" } })).changes, []);

      assert.deepEqual((await setting.diff(on(then))).detailed, { policy: "update" });
      const spaced = JSON.stringify(JSON.parse(first), undefined, 4);
      assert.deepEqual((await setting.diff(on(spaced))).changes, []);
      await setting.update(on(then));
      await setting.assertSettled(on(then));
      assert.deepEqual((await setting.diff({ ...on(then), queueUrl: dead.id })).replaces, ["queueUrl"]);

      provider.calls();
      await setting.delete();
      assert.deepEqual(provider.calls(), calls);
      assert.equal(await setting.read(), undefined);
    });

    it("a deleted queue reads as missing and its deletion succeeds, also for its policies", async () => {
      await queue.delete();
      assert.equal(await queue.read(), undefined);
      await queue.delete();
      const policy = provider.resource("aws:sqs/queuePolicy:QueuePolicy");
      policy.id = queue.id;
      await policy.delete();
    });
  });
});
