import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { readCapacity, readTimings, waitForInstances } from "./capacity.ts";
import type { Capacity } from "./capacity.ts";
import { connect } from "./stack.ts";
import type { Stack } from "./stack.ts";
import { invoke } from "./submit.ts";
import { startFakeAws } from "../testing/fake-aws.ts";
import type { FakeAws } from "../testing/fake-aws.ts";

const quick = { pause: { first: 0.01, longest: 0.02 } };

describe("the endpoint's capacity", () => {
  let aws: FakeAws;
  let stack: Stack;

  beforeEach(async () => {
    aws = await startFakeAws();
    stack = connect(aws.outputs);
  });

  afterEach(async () => {
    stack.close();
    await aws[Symbol.asyncDispose]();
  });

  it("has the current and the desired instances of the endpoint's variant", async () => {
    aws.endpoint = { EndpointStatus: "Updating", CurrentInstanceCount: 1, DesiredInstanceCount: 2 };
    assert.deepEqual(await readCapacity(stack), { status: "Updating", current: 1, desired: 2 });
  });

  it("is awaited until no instance starts or stops", async () => {
    const states = [
      { EndpointStatus: "InService", CurrentInstanceCount: 0, DesiredInstanceCount: 1 },
      { EndpointStatus: "Updating", CurrentInstanceCount: 0, DesiredInstanceCount: 0 },
      { EndpointStatus: "InService", CurrentInstanceCount: 0, DesiredInstanceCount: 0 },
    ];
    aws.endpoint = { EndpointStatus: "InService", CurrentInstanceCount: 1, DesiredInstanceCount: 1 };
    const timer = setInterval(() => {
      aws.endpoint = states.shift() ?? aws.endpoint;
    }, 30);
    try {
      const capacity = await waitForInstances(stack, 0, quick);
      assert.deepEqual(capacity, { status: "InService", current: 0, desired: 0 });
    } finally {
      clearInterval(timer);
    }
  });

  it("is the last observation if the caller's limit comes first, and is reported meanwhile", async () => {
    const seen: (Capacity | undefined)[] = [];
    const wanted = { status: "InService", current: 0, desired: 0 };
    const last = await waitForInstances(stack, 1, {
      ...quick,
      limitSeconds: 1.2,
      onProgress: ({ state }) => seen.push(state),
    });
    assert.deepEqual(last, wanted);
    assert.deepEqual(seen.slice(0, 2), [undefined, wanted]);
  });

  it("is an error if the endpoint has failed", async () => {
    aws.endpoint.EndpointStatus = "Failed";
    await assert.rejects(waitForInstances(stack, 0, quick), /has failed: see .*\/aws\/sagemaker\/Endpoints\/video/);
  });

  it("includes a job's durations in seconds once the service has published all of them", async () => {
    const job = await invoke(stack, { inputLocation: "s3://in/videos/a.mp4", contentType: "video/mp4" });
    aws.metrics.set("TimeInBacklog", [{ Sum: 150_000, SampleCount: 1, Unit: "Milliseconds" }]);
    aws.metrics.set("ModelLatency", [{ Sum: 2_500_000, SampleCount: 1, Unit: "Microseconds" }]);
    assert.deepEqual(await readTimings(stack, job, { ...quick, limitSeconds: 0.1 }), {
      backlogSeconds: 150,
      modelSeconds: 2.5,
    });
    aws.metrics.set("TotalProcessingTime", [{ Sum: 310, SampleCount: 2, Unit: "Seconds" }]);
    assert.deepEqual(await readTimings(stack, job, quick), {
      backlogSeconds: 150,
      modelSeconds: 2.5,
      totalSeconds: 155,
    });
    // A minute's durations of several jobs are weighted by the number of jobs.
    aws.metrics.set("TimeInBacklog", [
      { Sum: 60_000_000, SampleCount: 1, Unit: "Microseconds" },
      { Sum: 0, SampleCount: 2, Unit: "Microseconds" },
    ]);
    assert.equal((await readTimings(stack, job, quick)).backlogSeconds, 20);
    const asked = JSON.parse(aws.requests.at(-1)!.body.toString()) as { Dimensions: unknown };
    assert.deepEqual(asked.Dimensions, [
      { Name: "EndpointName", Value: "video" },
      { Name: "VariantName", Value: "main" },
    ]);
  });
});
