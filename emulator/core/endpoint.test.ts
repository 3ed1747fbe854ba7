/** Tests how an asynchronous endpoint queues, runs and ends requests, and the metrics that it publishes about them. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { EndpointHarness, minute, second } from "./endpoint-harness.ts";
import type { Instance, InvocationRequest, RunOutcome } from "./worker.ts";

describe("an asynchronous endpoint's queue", () => {
  it("hands out requests first in, first out, up to the concurrency of an instance", async () => {
    const harness = await new EndpointHarness().deployed(1, {}, 2);
    const sent = harness.send(5);
    assert.deepEqual(harness.started, ["video-1 on main-1", "video-2 on main-1"]);
    assert.equal(harness.endpoint.inProcess, 2);
    assert.equal(harness.endpoint.backlog, 5);
    await harness.clock.advance(90 * second);
    assert.deepEqual([...harness.settled.keys()], sent);
    assert.equal(harness.settledAt.get("video-5"), minute + 90 * second);
    assert.equal(harness.endpoint.backlog, 0);
  });

  it("keeps requests while there is no instance", async () => {
    const harness = await new EndpointHarness().deployed(0);
    harness.send(3);
    await harness.clock.advance(60 * minute);
    assert.equal(harness.endpoint.queued, 3);
    void harness.endpoint.setDesired(1);
    await harness.clock.advance(minute + 90 * second);
    assert.equal(harness.settled.size, 3);
  });

  it("lets a request expire once its time to live has passed in the queue (RequestTTLSeconds)", async () => {
    const harness = await new EndpointHarness().deployed(0);
    const [id = ""] = harness.send(1, { ttl: 10 * minute });
    await harness.clock.advance(10 * minute - 1);
    assert.equal(harness.settled.size, 0);
    await harness.clock.advance(1);
    assert.equal(harness.failure(id).cause, "expired");
    assert.equal(harness.counted("ExpiredRequests"), 1);
    assert.equal(harness.counted("InvocationsProcessed"), 0);
  });

  it("does not let a request expire that is in process", async () => {
    const harness = await new EndpointHarness().deployed(1, { run: () => ({ length: 20 * minute }) });
    const [id = ""] = harness.send(1, { ttl: 10 * minute, timeout: 30 * minute });
    await harness.clock.advance(20 * minute);
    assert.equal(harness.ended(id).status, "completed");
  });
});

describe("an asynchronous endpoint's runs", () => {
  it("are ended by the invocation time-out (InvocationTimeoutSeconds); the request has then failed", async () => {
    const harness = await new EndpointHarness().deployed(1, { run: () => ({ length: 20 * minute }) });
    const [slow = "", next = ""] = [...harness.send(1), ...harness.send(1, { timeout: 60 * minute })];
    await harness.clock.advance(15 * minute);
    assert.deepEqual(harness.failure(slow), {
      status: "failed",
      cause: "timeout",
      reason: "The model did not answer within 900 seconds.",
      timings: {},
    });
    assert.equal(harness.counted("InvocationFailures"), 1);
    await harness.clock.advance(20 * minute);
    assert.equal(harness.ended(next).status, "completed");
  });

  it("free their slot only when the worker has released it, even after the time-out", async () => {
    const harness = new EndpointHarness();
    const release: (() => void)[] = [];
    const instance: Instance<InvocationRequest> = {
      run: () =>
        new Promise<RunOutcome>((resolve) => {
          release.push(() => {
            resolve({ status: "completed", timings: {} });
          });
        }),
      stop: () => Promise.resolve(),
    };
    await harness.endpoint.deploy({
      launcher: { launch: () => Promise.resolve(instance) },
      concurrency: 1,
      initialCount: 1,
    });
    harness.send(2);
    await harness.clock.advance(15 * minute);
    assert.equal(harness.settled.size, 1);
    assert.equal(harness.started.length, 1);
    release[0]?.();
    await harness.clock.advance(0);
    assert.equal(harness.started.length, 2);
    assert.equal(harness.settled.size, 1);
  });

  it("ignore the outcome of an earlier run that ends late", async () => {
    const harness = new EndpointHarness({ retriesAfterTimeout: 1 });
    const runs: ((outcome: RunOutcome) => void)[] = [];
    const instance: Instance<InvocationRequest> = {
      run: () => {
        const { promise, resolve } = Promise.withResolvers<RunOutcome>();
        runs.push(resolve);
        return promise;
      },
      stop: () => Promise.resolve(),
    };
    const launcher = { launch: () => Promise.resolve(instance) };
    await harness.endpoint.deploy({ launcher, concurrency: 2, initialCount: 1 });
    const [id = ""] = harness.send();
    await harness.clock.advance(15 * minute);
    runs[0]?.({ status: "failed", reason: "too late", timings: {} });
    await harness.clock.advance(0);
    assert.equal(harness.settled.size, 0);
    runs[1]?.({ status: "completed", timings: {} });
    await harness.clock.advance(0);
    assert.equal(harness.ended(id).status, "completed");
  });

  it("fail with the model's reason, and count its status", async () => {
    const outcome = { status: "failed", reason: "not a video", modelStatus: 415, timings: { model: 20 } } as const;
    const harness = await new EndpointHarness().deployed(1, { run: () => ({ length: second, outcome }) });
    const [id = ""] = harness.send();
    await harness.clock.advance(minute);
    assert.deepEqual(harness.failure(id), { ...outcome, cause: "model" });
    assert.equal(harness.counted("Invocation4XXErrors"), 1);
    assert.equal(harness.counted("Invocation5XXErrors"), 0);
    assert.equal(harness.counted("ModelLatency"), 20_000);
  });

  it("are repeated after a 5xx only as often as the assumption says", async () => {
    const outcome = { status: "failed", reason: "out of memory", modelStatus: 500, timings: {} } as const;
    for (const retriesAfterServerError of [0, 2]) {
      const harness = await new EndpointHarness({ retriesAfterServerError }).deployed(1, {
        run: () => ({ length: second, outcome }),
      });
      harness.send();
      await harness.clock.advance(minute);
      assert.equal(harness.started.length, 1 + retriesAfterServerError);
      assert.equal(harness.settled.size, 1);
    }
  });
});

describe("an asynchronous endpoint's metrics", () => {
  it("count running requests as backlog, and divide it by the instances in service", async () => {
    const harness = await new EndpointHarness().deployed(2, { run: () => ({ length: 90 * second }) }, 2);
    harness.send(8);
    await harness.clock.advance(4 * minute);
    assert.deepEqual(harness.gauge("ApproximateBacklogSize"), [undefined, 8, 4, 4, 0]);
    assert.deepEqual(harness.gauge("ApproximateBacklogSizePerInstance"), [undefined, 4, 2, 2, 0]);
  });

  it("report a backlog without capacity while requests wait and no instance is in service", async () => {
    const harness = await new EndpointHarness().deployed(0);
    await harness.clock.advance(minute);
    harness.send();
    await harness.clock.advance(minute);
    void harness.endpoint.setDesired(1);
    await harness.clock.advance(2 * minute);
    assert.deepEqual(harness.gauge("HasBacklogWithoutCapacity"), [0, 0, 1, 1, 0]);
    assert.deepEqual(harness.gauge("ApproximateAgeOfOldestRequest"), [0, 0, 59.999, 119.999, 0]);
  });

  it("have a datapoint of CPUUtilization for each instance in service, and none at zero instances", async () => {
    const harness = await new EndpointHarness().deployed(3, { run: () => ({ length: 10 * minute }) });
    harness.send(2);
    await harness.clock.advance(minute);
    void harness.endpoint.setDesired(0);
    await harness.clock.advance(3 * minute);
    const dimensions = { EndpointName: "videos", VariantName: "main" };
    const metric = { namespace: "/aws/sagemaker/Endpoints", name: "CPUUtilization", dimensions };
    const points = harness.metrics.query({ metric, start: harness.start, end: harness.clock.now(), period: minute });
    assert.deepEqual(points, [
      { timestamp: harness.start + minute, sampleCount: 3, sum: 200, minimum: 0, maximum: 100 },
    ]);
  });

  it("have the measured use of each instance, instead of its occupied slots", async () => {
    const harness = new EndpointHarness();
    const model = harness.launcher();
    const uses = [
      { cpu: 150, memory: 20, disk: 1 },
      { cpu: 50, memory: 40, gpu: 300, gpuMemory: 120 },
    ];
    const launcher = {
      launch: async (...args: Parameters<typeof model.launch>) => {
        const instance = await model.launch(...args);
        const use = uses.shift() ?? {};
        return { run: instance.run.bind(instance), stop: () => instance.stop(), usage: () => use };
      },
    };
    const deployment = harness.endpoint.deploy({ launcher, concurrency: 1, initialCount: 2 });
    await harness.clock.advance(minute);
    await deployment;
    await harness.clock.advance(minute);
    const measured = (name: string): unknown[] => {
      const dimensions = { EndpointName: "videos", VariantName: "main" };
      const metric = { namespace: "/aws/sagemaker/Endpoints", name, dimensions };
      const points = harness.metrics.query({ metric, start: harness.start, end: harness.clock.now(), period: minute });
      return points.map(({ sampleCount, sum }) => [sampleCount, sum]);
    };
    assert.deepEqual(measured("CPUUtilization"), [[2, 200]]);
    assert.deepEqual(measured("MemoryUtilization"), [[2, 60]]);
    assert.deepEqual(measured("DiskUtilization"), [[1, 1]]);
    assert.deepEqual(measured("GPUUtilization"), [[1, 300]]);
    assert.deepEqual(measured("GPUMemoryUtilization"), [[1, 120]]);
  });

  it("support every assumption about the backlog per instance at zero instances", async () => {
    const expected = {
      undivided: [0, 7],
      missing: [undefined, undefined],
      "undivided-while-backlog": [undefined, 7],
    } as const;
    for (const backlogPerInstanceAtZero of ["undivided", "missing", "undivided-while-backlog"] as const) {
      const harness = await new EndpointHarness({ backlogPerInstanceAtZero }).deployed(0);
      harness.send(7);
      await harness.clock.advance(minute);
      assert.deepEqual(harness.gauge("ApproximateBacklogSizePerInstance"), expected[backlogPerInstanceAtZero]);
    }
  });

  it("measure the wait and the whole processing in milliseconds, the model in microseconds", async () => {
    const harness = await new EndpointHarness().deployed(1);
    harness.send(2);
    await harness.clock.advance(2 * minute);
    assert.equal(harness.counted("TimeInBacklog"), 0 + 30_000);
    assert.equal(harness.counted("TotalProcessingTime"), 30_000 + 60_000);
    assert.equal(harness.counted("ModelLatency"), 2 * 30_000_000);
    assert.equal(harness.counted("InvocationsProcessed"), 2);
    assert.equal(harness.counted("InvocationFailures"), 0);
  });

  it("count processed requests only under the assumed name", async () => {
    const names = ["InvocationsProcessed", "InvocationsProcesssed"] as const;
    for (const processedMetricName of names) {
      const harness = await new EndpointHarness({ processedMetricName }).deployed(1);
      harness.send(2);
      await harness.clock.advance(2 * minute);
      assert.deepEqual(
        names.map((name) => harness.counted(name)),
        names.map((name) => (name === processedMetricName ? 2 : 0)),
      );
    }
  });

  it("report the same wait in the assumed unit", async () => {
    for (const [timeInBacklogUnit, perSecond] of [
      ["Milliseconds", 1e3],
      ["Microseconds", 1e6],
    ] as const) {
      const harness = await new EndpointHarness({ timeInBacklogUnit }).deployed(1);
      harness.send(2);
      await harness.clock.advance(2 * minute);
      const dimensions = { EndpointName: "videos", VariantName: "main" };
      const metric = { namespace: "AWS/SageMaker", name: "TimeInBacklog", dimensions };
      assert.deepEqual(harness.metrics.units(metric), [timeInBacklogUnit]);
      assert.equal(harness.counted("TimeInBacklog"), 30 * perSecond);
      assert.equal(harness.counted("TotalProcessingTime"), 90_000);
    }
  });

  it("hold the clock exactly while an instance starts, works or stops", async () => {
    const harness = new EndpointHarness();
    const creation = harness.endpoint.deploy({ launcher: harness.launcher(), concurrency: 1, initialCount: 1 });
    assert.equal(harness.clock.holds, 1);
    await harness.clock.advance(minute);
    await creation;
    assert.equal(harness.clock.holds, 0);
    harness.send(2);
    assert.equal(harness.clock.holds, 1);
    await harness.clock.advance(minute);
    assert.equal(harness.clock.holds, 0);
    void harness.endpoint.setDesired(0);
    assert.equal(harness.clock.holds, 1);
    await harness.clock.advance(1);
    assert.equal(harness.clock.holds, 0);
    harness.send(1);
    assert.equal(harness.clock.holds, 0);
  });
});
