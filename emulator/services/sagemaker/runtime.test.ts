/** Tests asynchronous invocations with an SDK client: accepted inputs, locations of results, messages to topics. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, it } from "mocha";
import { UpdateEndpointCommand } from "@aws-sdk/client-sagemaker";
import { InvokeEndpointAsyncCommand, InvokeEndpointCommand } from "@aws-sdk/client-sagemaker-runtime";
import type { InvokeEndpointAsyncCommandInput } from "@aws-sdk/client-sagemaker-runtime";
import { goodConfig, goodOutput, refused, resourceId, SageMakerFixture } from "../../testing/sagemaker-fixture.ts";
import type { Invocation } from "./invocation.ts";

const good = {
  EndpointName: "endpoint",
  InputLocation: "s3://videos/in/a video.mp4",
  ContentType: "video/mp4",
  Accept: "application/json",
  CustomAttributes: "fps=2",
  InferenceId: "job-1",
} satisfies InvokeEndpointAsyncCommandInput;

const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.source;

describe("An asynchronous invocation", () => {
  let fixture: SageMakerFixture;
  let seen: Invocation[];

  const invoke = (change: Partial<InvokeEndpointAsyncCommandInput> = {}) =>
    fixture.runtime.send(new InvokeEndpointAsyncCommand({ ...good, ...change }));
  /** Returns the topics' messages except TestNotifications, after the given number has arrived. */
  const notifications = async (count: number) => {
    for (;;) {
      const results = fixture.aws.topics.published.filter(({ message }) => message["eventName"] === "InferenceResult");
      if (results.length >= count) return results;
      await sleep(5);
    }
  };
  const notified = async () => {
    const [first] = await notifications(1);
    assert.ok(first !== undefined);
    return first;
  };

  beforeEach(async () => {
    fixture = await SageMakerFixture.start();
    seen = [];
    fixture.aws.fleet.model = (invocation) => {
      seen.push(invocation);
      invocation.answer = { contentType: "application/json", body: Buffer.from('{"ok":true}') };
      return Promise.resolve({ status: "completed", timings: {} });
    };
    await fixture.createEndpoint();
    await fixture.untilStatus("InService");
  });
  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  it("is accepted with the locations of result and failure, which cannot be guessed", async () => {
    const answer = await invoke();
    assert.equal(answer.$metadata.httpStatusCode, 202);
    assert.equal(answer.InferenceId, "job-1");
    assert.match(answer.OutputLocation ?? "", new RegExp(`^s3://results/out/${uuid}\\.out$`));
    assert.match(answer.FailureLocation ?? "", new RegExp(`^s3://results/failed/${uuid}-error\\.out$`));
    const again = await invoke();
    assert.notEqual(again.OutputLocation, answer.OutputLocation);
  });

  it("reaches the instance with all of the caller's parameters", async () => {
    const answer = await invoke({ RequestTTLSeconds: 60, InvocationTimeoutSeconds: 3600 });
    await notified();
    const [{ receivedAt, ...invocation } = { receivedAt: 0 }] = seen;
    assert.ok(receivedAt > 0);
    const [, , , ...key] = (answer.OutputLocation ?? "").split("/");
    const [, , , ...failureKey] = (answer.FailureLocation ?? "").split("/");
    assert.deepEqual(invocation, {
      inferenceId: "job-1",
      ttl: 60_000,
      timeout: 3_600_000,
      input: { bucket: "videos", key: "in/a video.mp4" },
      inputLocation: "s3://videos/in/a video.mp4",
      output: { bucket: "results", key: key.join("/"), kmsKeyId: undefined },
      failure: { bucket: "results", key: failureKey.join("/"), kmsKeyId: undefined },
      contentType: "video/mp4",
      accept: "application/json",
      customAttributes: "fps=2",
      answer: { contentType: "application/json", body: Buffer.from('{"ok":true}') },
    });
  });

  it("gets an id, six hours in the queue and fifteen minutes of work by default", async () => {
    const { InferenceId } = await invoke({ InferenceId: undefined });
    assert.match(InferenceId ?? "", new RegExp(`^${uuid}$`));
    await notified();
    assert.deepEqual(
      seen.map(({ inferenceId, ttl, timeout }) => ({ inferenceId, ttl, timeout })),
      [{ inferenceId: InferenceId, ttl: 21_600_000, timeout: 900_000 }],
    );
  });

  it("ends with a notification that it is completed", async () => {
    const { OutputLocation } = await invoke();
    const { topicArn, message } = await notified();
    assert.equal(topicArn, goodOutput.NotificationConfig.SuccessTopic);
    const { eventTime, receivedTime, ...rest } = message;
    assert.ok(Date.parse(String(eventTime)) >= Date.parse(String(receivedTime)));
    assert.deepEqual(rest, {
      awsRegion: "us-east-1",
      invocationStatus: "Completed",
      requestParameters: {
        accept: "application/json",
        contentType: "video/mp4",
        endpointName: "endpoint",
        inputLocation: good.InputLocation,
      },
      responseParameters: { contentType: "application/json", outputLocation: OutputLocation },
      inferenceId: "job-1",
      eventVersion: "1.0",
      eventSource: "aws:sagemaker",
      eventName: "InferenceResult",
    });
  });

  describe("that the model refuses", () => {
    beforeEach(() => {
      fixture.aws.fleet.model = (invocation) => {
        invocation.answer = { contentType: "application/json", body: Buffer.from('{"error":"not a video"}') };
        const reason = "ClientError: Received client error (400) from model.";
        return Promise.resolve({ status: "failed", reason, modelStatus: 400, timings: {} });
      };
    });

    it("leaves the model's answer as its failure object", async () => {
      const { FailureLocation, OutputLocation } = await invoke();
      await notified();
      assert.equal(fixture.aws.objects.text(FailureLocation), '{"error":"not a video"}');
      assert.equal(fixture.aws.objects.stored.get(FailureLocation ?? "")?.contentType, "application/json");
      assert.equal(fixture.aws.objects.stored.has(OutputLocation ?? ""), false);
    });

    it("ends with a notification of the reason", async () => {
      await invoke({ ContentType: undefined });
      const { topicArn, message } = await notified();
      assert.equal(topicArn, goodOutput.NotificationConfig.ErrorTopic);
      assert.equal(message["invocationStatus"], "Failed");
      assert.equal(message["failureReason"], "ClientError: Received client error (400) from model.");
      assert.equal("responseParameters" in message, false);
      assert.equal("contentType" in (message["requestParameters"] as object), false);
    });

    it("causes a notification even if its failure object cannot be written, which is counted", async () => {
      fixture.aws.objects.unwritable = "s3://results/failed";
      await invoke();
      assert.equal((await notified()).message["invocationStatus"], "Failed");
      assert.ok(fixture.aws.metrics.list().some(({ name }) => name === "ResponseUploadFailures"));
    });
  });

  it("waits for an instance, and is then processed", async () => {
    await fixture.sagemaker.capacity.set(resourceId, 0);
    await invoke();
    assert.deepEqual(fixture.sagemaker.status(), [
      { name: "endpoint", status: "InService", current: 0, desired: 0, queued: 1, inProcess: 0 },
    ]);
    await fixture.sagemaker.capacity.set(resourceId, 1);
    assert.equal((await notified()).message["inferenceId"], "job-1");
  });

  it("counts a notification that cannot be published", async () => {
    fixture.aws.topics.missing.add(goodOutput.NotificationConfig.SuccessTopic);
    await invoke();
    while (!fixture.aws.metrics.list().some(({ name }) => name === "NotificationFailures")) await sleep(5);
  });

  it("may include its input, which is stored as an object", async () => {
    await invoke({ InputLocation: undefined, Body: Buffer.from("bytes") });
    const { message } = await notified();
    const { inputLocation } = message["requestParameters"] as { inputLocation: string };
    assert.equal(fixture.aws.objects.text(inputLocation), "bytes");
  });

  it("may name the folder and file of its result", async () => {
    const { OutputLocation } = await invoke({ S3OutputPathExtension: "/2026/jobs/", Filename: "a.json" });
    assert.equal(OutputLocation, "s3://results/out/2026/jobs/a.json");
  });

  it("may name its input by an https URL of S3", async () => {
    for (const InputLocation of [
      "https://videos.s3.us-east-1.amazonaws.com/in/a%20video.mp4",
      "https://s3.us-east-1.amazonaws.com/videos/in/a%20video.mp4",
      "https://videos.s3.amazonaws.com/in/a%20video.mp4",
    ]) {
      await invoke({ InputLocation });
    }
    await notifications(3);
    assert.deepEqual(
      seen.map(({ input }) => input),
      Array(3).fill({ bucket: "videos", key: "in/a video.mp4" }),
    );
  });

  const cases: [string, Partial<InvokeEndpointAsyncCommandInput>, string | RegExp][] = [
    ["to no endpoint", { EndpointName: "other" }, "Endpoint other of account 000000000000 not found."],
    [
      "to an endpoint in another case",
      { EndpointName: "Endpoint" },
      "Endpoint Endpoint of account 000000000000 not found.",
    ],
    ["without input", { InputLocation: undefined }, /InputLocation is required/],
    ["with two inputs", { Body: Buffer.from("x") }, /InputLocation and Body cannot both be set/],
    ["with a bucket for an input", { InputLocation: "s3://videos" }, /is not an object in Amazon S3/],
    ["with an input outside S3", { InputLocation: "https://example.com/a.mp4" }, /is not an object in Amazon S3/],
    ["that may wait less than a minute", { RequestTTLSeconds: 59 }, /requestTTLSeconds/],
    ["that may work more than an hour", { InvocationTimeoutSeconds: 3601 }, /invocationTimeoutSeconds/],
    [
      "with too large a body",
      { InputLocation: undefined, Body: Buffer.alloc(128_001) },
      /body.* less than or equal to 128000/,
    ],
  ];
  for (const [what, change, message] of cases) {
    it(`is refused ${what}`, async () => {
      await refused(invoke(change), message, "ValidationError");
      assert.deepEqual(seen, []);
    });
  }

  it("is the only kind that an asynchronous endpoint accepts", async () => {
    await refused(
      fixture.runtime.send(new InvokeEndpointCommand({ EndpointName: "endpoint", Body: "{}" })),
      /is asynchronous/,
      "ValidationError",
    );
  });

  describe("of an endpoint with other output settings", () => {
    const withOutput = async (output: object) => {
      await fixture.createConfig({
        EndpointConfigName: "other",
        AsyncInferenceConfig: { ...goodConfig.AsyncInferenceConfig, OutputConfig: { ...goodOutput, ...output } },
      });
      await fixture.client.send(new UpdateEndpointCommand({ EndpointName: "endpoint", EndpointConfigName: "other" }));
      await fixture.untilStatus("InService");
    };

    it("embeds results in notifications on request, unless they are large", async () => {
      const NotificationConfig = {
        ...goodOutput.NotificationConfig,
        IncludeInferenceResponseIn: ["SUCCESS_NOTIFICATION_TOPIC"],
      };
      await withOutput({ NotificationConfig });
      await invoke();
      assert.deepEqual((await notified()).message["responseBody"], {
        content: Buffer.from('{"ok":true}').toString("base64"),
        encoding: "BASE64",
      });
    });

    it("returns no location of failures, and writes none, without S3FailurePath", async () => {
      await withOutput({ S3FailurePath: undefined });
      fixture.aws.fleet.model = () => Promise.resolve({ status: "failed", reason: "no", timings: {} });
      const { FailureLocation } = await invoke();
      assert.equal(FailureLocation, undefined);
      await notified();
      assert.deepEqual([...fixture.aws.objects.stored.keys()], ["s3://models/model.tar.gz"]);
    });

    it("sends no notification without topics", async () => {
      await withOutput({ NotificationConfig: undefined });
      fixture.aws.topics.published.length = 0;
      await invoke();
      await fixture.sagemaker.stop();
      assert.deepEqual(fixture.aws.topics.published, []);
    });

    it("encrypts its output with the output key", async () => {
      await withOutput({ KmsKeyId: "key" });
      fixture.aws.fleet.model = () => Promise.resolve({ status: "failed", reason: "no", timings: {} });
      const { FailureLocation } = await invoke();
      await notified();
      assert.equal(fixture.aws.objects.stored.get(FailureLocation ?? "")?.kmsKeyId, "key");
    });
  });
});
