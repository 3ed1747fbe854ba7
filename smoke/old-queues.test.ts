import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { connect } from "../client/src/index.ts";
import type { Stack } from "../client/src/index.ts";
import { outputsAt } from "../client/testing/outputs-at.ts";
import { queuePrefixOf, removeOldQueues } from "./old-queues.ts";
import { FakeQueuesAndTopics } from "./testing/fake-queues.ts";

const hour = 60 * 60;
const now = 1_900_000_000;
const named = (name: string) => `video-dev-smoke-${name}`;
const arnOf = (queue: string, account = "000000000000") => `arn:aws:sqs:us-east-1:${account}:${queue}`;

describe("the remains of a killed smoke test", () => {
  let aws: FakeQueuesAndTopics;
  let stack: Stack;

  beforeEach(async () => {
    aws = await new FakeQueuesAndTopics().listen();
    stack = connect(outputsAt(aws.url), { accessKeyId: "test", secretAccessKey: "test" });
    for (const [queue, age] of Object.entries({
      [named("old")]: 25,
      [named("new")]: 23,
      [named("older")]: 999,
      "video-prod-smoke-old": 999,
      "video-dev-success": 999,
    })) {
      aws.queues.set(queue, now - age * hour);
    }
    for (const [id, endpoint] of Object.entries({
      old: arnOf(named("old")),
      new: arnOf(named("new")),
      gone: arnOf(named("gone")),
      stack: arnOf("video-dev-success"),
      "other-stack": arnOf("video-prod-smoke-gone"),
      foreign: arnOf(named("old"), "210987654321"),
      mail: `${named("old")}@example.com`,
    })) {
      aws.subscriptions.set(`arn:aws:sns:us-east-1:000000000000:success:${id}`, endpoint);
    }
  });

  afterEach(async () => {
    stack.close();
    await aws[Symbol.asyncDispose]();
  });

  const subscribed = () => [...aws.subscriptions.keys()].map((arn) => arn.split(":").at(-1));

  it("are removed if older than a day: the stack's queues by their prefix, and subscriptions to such queues or to missing ones", async () => {
    assert.deepEqual(await removeOldQueues(stack, now * 1000), []);
    assert.deepEqual([...aws.queues.keys()], [named("new"), "video-prod-smoke-old", "video-dev-success"]);
    assert.deepEqual(subscribed(), ["new", "stack", "other-stack", "foreign", "mail"]);
  });

  it("stay if they may not be removed, and are reported", async () => {
    for (const operation of ["DeleteQueue", "Unsubscribe"]) aws.denied.add(operation);
    const lines = await removeOldQueues(stack, now * 1000);
    assert.equal(lines.length, 4);
    for (const line of lines)
      assert.match(line, /^left from an earlier smoke test: .*(smoke-old(er)?|:old|:gone): .*AccessDenied/);
    assert.equal(aws.queues.size, 5);
  });

  it("are reported as unknown if queues and subscriptions may not be listed", async () => {
    for (const operation of ["ListQueues", "ListSubscriptionsByTopic"]) aws.denied.add(operation);
    const lines = await removeOldQueues(stack, now * 1000);
    assert.equal(lines.length, 3);
    assert.match(lines.join("\n"), /queues named video-dev-smoke-\*: .*AccessDenied/);
    assert.equal(aws.queues.size, 5);
  });

  it("cannot be found without the output with the prefix, which the error names", () => {
    const { temporaryQueuePrefix, ...outputs } = stack.outputs;
    assert.equal(queuePrefixOf(stack.outputs), temporaryQueuePrefix);
    assert.throws(() => queuePrefixOf(outputs), /no output temporaryQueuePrefix\. Deploy it again/);
  });
});
