import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { connect } from "./stack.ts";
import type { Stack } from "./stack.ts";
import { invoke, jobSchema } from "./submit.ts";
import { startFakeAws } from "../testing/fake-aws.ts";
import type { FakeAws } from "../testing/fake-aws.ts";
import { retryAtOnce } from "../testing/retry-at-once.ts";

const video = { inputLocation: "s3://in/videos/a.mp4", contentType: "video/mp4" };

describe("submitting a job", () => {
  let aws: FakeAws;
  let stack: Stack;

  beforeEach(async () => {
    aws = await startFakeAws();
    stack = retryAtOnce(connect(aws.outputs));
  });

  afterEach(async () => {
    stack.close();
    await aws[Symbol.asyncDispose]();
  });

  it("keeps the service's answer: the locations, the id, the time", async () => {
    aws.now = new Date("2030-01-01T00:00:00Z");
    const job = await invoke(stack, { ...video, inferenceId: "smoke-1", ttlSeconds: 60, timeoutSeconds: 30 });
    const seen = aws.invocations[0]!;
    assert.deepEqual(job, {
      inferenceId: "smoke-1",
      endpointName: "video",
      inputLocation: video.inputLocation,
      contentType: "video/mp4",
      outputLocation: seen.outputLocation,
      failureLocation: seen.failureLocation,
      submittedAt: aws.now.toISOString(),
      ttlSeconds: 60,
      timeoutSeconds: 30,
      attempts: 1,
    });
    assert.deepEqual(jobSchema.parse(JSON.parse(JSON.stringify(job))), job);
  });

  it("sends TTL, time-out and content type in the service's headers, with AWS's defaults", async () => {
    await invoke(stack, video);
    const { headers, inferenceId } = aws.invocations[0]!;
    assert.match(inferenceId, /^video-[\da-f]{24}$/);
    assert.equal(headers["x-amzn-sagemaker-requestttlseconds"], "21600");
    assert.equal(headers["x-amzn-sagemaker-invocationtimeoutseconds"], "900");
    assert.equal(headers["x-amzn-sagemaker-custom-attributes"], "timeout=900");
    assert.equal(headers["x-amzn-sagemaker-content-type"], "video/mp4");
    assert.match(headers.authorization!, /\/us-east-1\/sagemaker\/aws4_request/);
  });

  it("gives the model the same time limit as the service", async () => {
    await invoke(stack, { ...video, timeoutSeconds: 60, customAttributes: "fps=2" });
    const { headers } = aws.invocations[0]!;
    assert.equal(headers["x-amzn-sagemaker-invocationtimeoutseconds"], "60");
    assert.equal(headers["x-amzn-sagemaker-custom-attributes"], "fps=2;timeout=60");
  });

  for (const contentType of ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]) {
    it(`refuses ${contentType}, which would not reach the model, before it sends anything`, async () => {
      await assert.rejects(invoke(stack, { ...video, contentType }), { name: "InputError" });
      assert.equal(aws.count("InvokeEndpointAsync"), 0);
    });
  }

  it("refuses a part if the model would get the whole video, before it sends anything", async () => {
    const part = { job: "mine", number: 1, from: 10, to: 20 };
    await assert.rejects(invoke(stack, { ...video, inferenceId: "mine-1", part }), {
      name: "InputError",
      message: /mine-1 is for a part of .* with requests: payload .*: set requests to reference and deploy/,
    });
    assert.deepEqual(aws.requests, []);
  });

  for (const status of [400, 429]) {
    it(`retries throttling by its code, with status ${status}, and counts the job once`, async () => {
      aws.fail({ operation: "InvokeEndpointAsync", times: 2, answer: { status, code: "ThrottlingException" } });
      const job = await invoke(stack, video);
      assert.equal(job.attempts, 3);
      assert.equal(aws.invocations.length, 1);
      assert.equal(job.outputLocation, aws.invocations[0]!.outputLocation);
    });
  }

  it("retries a fault of the service", async () => {
    aws.fail({ operation: "InvokeEndpointAsync", answer: { status: 503, code: "ServiceUnavailable" } });
    assert.equal((await invoke(stack, video)).attempts, 2);
  });

  it("sends again with the same id after a lost answer, reports it, and counts one job", async () => {
    aws.fail({ operation: "InvokeEndpointAsync", answer: "lose the answer" });
    const job = await invoke(stack, video);
    const ids = aws.invocations.map(({ inferenceId }) => inferenceId);
    assert.deepEqual(ids, [job.inferenceId, job.inferenceId]);
    assert.equal(job.attempts, 2);
    assert.equal(job.outputLocation, aws.invocations[1]!.outputLocation);
  });

  it("does not retry a refusal", async () => {
    aws.fail({ operation: "InvokeEndpointAsync", answer: { status: 400, code: "ValidationError", message: "no" } });
    await assert.rejects(invoke(stack, video), { name: "ValidationError", message: "no" });
    assert.equal(aws.count("InvokeEndpointAsync"), 1);
  });
});
