import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { connect } from "../client/src/index.ts";
import { outputsAt } from "../client/testing/outputs-at.ts";
import { NotificationWatch, parseNotification } from "./notifications.ts";
import { FakeQueuesAndTopics } from "./testing/fake-queues.ts";

describe("the queue of the smoke test", () => {
  it("keeps messages for minutes, and is removed with its subscriptions", async () => {
    await using aws = await new FakeQueuesAndTopics().listen();
    const stack = connect(outputsAt(aws.url), { accessKeyId: "test", secretAccessKey: "test" });
    const watch = await NotificationWatch.open(stack, "video-dev-smoke-1");
    assert.deepEqual(
      [...aws.subscriptions.values()],
      Array.from({ length: 2 }, () => "arn:aws:sqs:us-east-1:000000000000:video-dev-smoke-1"),
    );
    assert.equal(aws.attributes.get("video-dev-smoke-1")?.["MessageRetentionPeriod"], "300");
    await watch.close();
    assert.deepEqual([aws.queues.size, aws.subscriptions.size], [0, 0]);
    stack.close();
  });
});

describe("a notification", () => {
  const completed = {
    awsRegion: "us-east-1",
    eventTime: "2030-01-01T00:00:00.000Z",
    receivedTime: "2030-01-01T00:00:00.000Z",
    invocationStatus: "Completed",
    requestParameters: { contentType: "video/mp4", endpointName: "video", inputLocation: "s3://in/a.mp4" },
    responseParameters: { contentType: "application/json", outputLocation: "s3://out/a.out" },
    inferenceId: "smoke-1",
    eventVersion: "1.0",
    eventSource: "aws:sagemaker",
    eventName: "InferenceResult",
  };

  it("has the job, its end, and the location of its result", () => {
    assert.deepEqual(parseNotification(JSON.stringify(completed)), {
      inferenceId: "smoke-1",
      invocationStatus: "Completed",
      responseParameters: { outputLocation: "s3://out/a.out" },
    });
  });

  it("of a failure may lack response parameters", () => {
    const { responseParameters, ...rest } = completed;
    assert.ok(responseParameters);
    const failed = { ...rest, invocationStatus: "Failed", failureReason: "ClientError: no" };
    assert.deepEqual(parseNotification(JSON.stringify(failed)), {
      inferenceId: "smoke-1",
      invocationStatus: "Failed",
      failureReason: "ClientError: no",
    });
  });

  it("is undefined if the service only tests the topic, or if the message is not JSON", () => {
    const test = { eventVersion: "1.0", eventSource: "aws:sagemaker", eventName: "TestNotification" };
    assert.equal(parseNotification(JSON.stringify(test)), undefined);
    assert.equal(parseNotification("hello"), undefined);
  });
});
