import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { connect } from "./stack.ts";
import type { Stack } from "./stack.ts";
import { invoke } from "./submit.ts";
import type { Job } from "./submit.ts";
import { objectKey, startFakeAws } from "../testing/fake-aws.ts";
import type { FakeAws } from "../testing/fake-aws.ts";
import { retryAtOnce } from "../testing/retry-at-once.ts";
import { checkJob, deadlineOf, waitForJob } from "./wait.ts";
import type { JobState } from "./wait.ts";

const quick = { pause: { first: 0.01, longest: 0.05 } };
const video = { inputLocation: "s3://in/videos/a.mp4", contentType: "video/mp4" };

describe("waiting for a job", () => {
  let aws: FakeAws;
  let stack: Stack;
  let job: Job;

  beforeEach(async () => {
    aws = await startFakeAws();
    stack = retryAtOnce(connect(aws.outputs));
    job = await invoke(stack, video);
  });

  afterEach(async () => {
    stack.close();
    await aws[Symbol.asyncDispose]();
  });

  const put = (uri: string | undefined, content: string): void => {
    aws.objects.set(objectKey(uri!), Buffer.from(content));
  };

  it("is pending while neither object exists", async () => {
    assert.deepEqual(await checkJob(stack, job), { status: "pending" });
  });

  it("ends as completed when the result comes, at the location that the invocation returned", async () => {
    // When both locations have been read, independent of the time that takes.
    const onProgress = ({ state }: { state?: JobState }): void => {
      if (state !== undefined) put(job.outputLocation, "{}");
    };
    assert.deepEqual(await waitForJob(stack, job, { ...quick, onProgress }), {
      status: "completed",
      outputLocation: job.outputLocation,
    });
    const read = new Set(aws.requests.filter(({ operation }) => operation === "GetObject").map(({ object }) => object));
    assert.deepEqual(read, new Set([objectKey(job.outputLocation), objectKey(job.failureLocation!)]));
  });

  it("ends as completed for an empty result, whose content fetch checks", async () => {
    put(job.outputLocation, "");
    assert.equal((await waitForJob(stack, job, quick)).status, "completed");
  });

  it("ends as failed with the model's message when the failure object comes", async () => {
    put(job.failureLocation, '{"error":"not a video: moov atom not found"}');
    assert.deepEqual(await waitForJob(stack, job, quick), {
      status: "failed",
      reason: "not a video: moov atom not found",
    });
  });

  it("reads no more than 64 KiB of a failure object", async () => {
    put(job.failureLocation, `{"error":"${"no video ".repeat(100_000)}"}`);
    const state = await waitForJob(stack, job, quick);
    assert.ok(state.status === "failed" && state.reason.startsWith('{"error":"no video no video '));
    const [last] = aws.requests.filter(({ object }) => object === objectKey(job.failureLocation!)).slice(-1);
    assert.equal(last!.headers.range, "bytes=0-65535");
    assert.equal(aws.s3.maxBytesRead, 65_536);
  });

  it("ends as failed if the failure object is empty", async () => {
    put(job.failureLocation, "");
    const state = await waitForJob(stack, job, quick);
    assert.deepEqual(state, { status: "failed", reason: "the failure object is empty: see the endpoint's log" });
  });

  it("ends as completed when an earlier run left a failure object next to the result", async () => {
    put(job.failureLocation, "timed out");
    put(job.outputLocation, "{}");
    assert.equal((await waitForJob(stack, job, quick)).status, "completed");
  });

  it("ends as expired once TTL, time-out and a margin are over on the service's clock, and not before", async () => {
    const deadline = deadlineOf(job);
    assert.equal(deadline.getTime(), aws.now.getTime() + (21_600 + 900 + 300) * 1000);
    aws.now = deadline;
    using fresh = connect(aws.outputs);
    assert.equal((await checkJob(fresh, job)).status, "pending");
    aws.now = new Date(deadline.getTime() + 1000);
    using later = connect(aws.outputs);
    assert.deepEqual(await waitForJob(later, job, quick), { status: "expired", deadline });
  });

  it("counts a late result as a result, not as an expiry", async () => {
    aws.now = new Date(deadlineOf(job).getTime() + 3_600_000);
    put(job.outputLocation, "{}");
    using later = connect(aws.outputs);
    assert.equal((await checkJob(later, job)).status, "completed");
  });

  it("reads the time even from a refusal to describe the endpoint", async () => {
    aws.now = new Date(deadlineOf(job).getTime() + 1000);
    aws.fail({ operation: "DescribeEndpoint", answer: { status: 400, code: "AccessDeniedException" } });
    using later = connect(aws.outputs);
    assert.equal((await checkJob(later, job)).status, "expired");
  });

  it("ends as pending at the caller's limit", async () => {
    assert.deepEqual(await waitForJob(stack, job, { ...quick, limitSeconds: 0.2 }), { status: "pending" });
  });

  it("ends with AbortError on the caller's signal", async () => {
    const controller = new AbortController();
    const waiting = waitForJob(stack, job, { ...quick, signal: controller.signal });
    setTimeout(() => {
      controller.abort();
    }, 50);
    await assert.rejects(waiting, { name: "AbortError" });
  });

  it("reports at once, and while an answer does not come", async () => {
    aws.fail({ operation: "GetObject", answer: "hang" });
    const controller = new AbortController();
    const waits: number[] = [];
    const waiting = waitForJob(stack, job, {
      signal: controller.signal,
      onProgress: ({ waitedSeconds }) => {
        waits.push(waitedSeconds);
        if (waits.length === 3) controller.abort();
      },
    });
    await assert.rejects(waiting, { name: "AbortError" });
    assert.ok(waits[0]! < 1 && waits[2]! > 1, `reports at ${waits.join(", ")} s`);
  });

  it("retries while the service is broken, and reports it", async () => {
    put(job.outputLocation, "{}");
    // The SDK's tries in one call are used up, the next call succeeds.
    aws.fail({ operation: "GetObject", times: 6, answer: { status: 500, code: "InternalError" } });
    const problems: (string | undefined)[] = [];
    const state = await waitForJob(stack, job, {
      pause: { first: 2.5, longest: 2.5 },
      onProgress: ({ problem }) => problems.push(problem),
    });
    assert.equal(state.status, "completed");
    assert.ok(
      problems.some((problem) => problem?.includes("InternalError")),
      problems.join(", "),
    );
  }).timeout(60_000);

  it("gives up when a broken service outlasts the retry budget", async () => {
    aws.fail({ operation: "GetObject", times: 100, answer: { status: 503, code: "ServiceUnavailable" } });
    await assert.rejects(waitForJob(stack, job, { ...quick, retryBudgetSeconds: 0 }), { name: "ServiceUnavailable" });
  }).timeout(60_000);

  it("throws errors that are not transient: a location that may not be read, a missing bucket", async () => {
    aws.s3.mayList = false;
    await assert.rejects(waitForJob(stack, job, quick), { name: "AccessDenied" });
    aws.s3.mayList = true;
    aws.fail({ operation: "GetObject", answer: { status: 404, code: "NoSuchBucket" } });
    await assert.rejects(waitForJob(stack, job, quick), { name: "NoSuchBucket" });
  });

  it("works without a failure location", async () => {
    aws.failureLocations = false;
    const other = await invoke(stack, video);
    assert.equal(other.failureLocation, undefined);
    assert.deepEqual(await checkJob(stack, other), { status: "pending" });
    put(other.outputLocation, "{}");
    assert.equal((await checkJob(stack, other)).status, "completed");
  });
});
