import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { pricesAsOf } from "../../../policies/instance-types.ts";
import { figuresOf, rowsOf } from "./figures.ts";
import type { EndpointMetrics } from "./metrics.ts";
import { sampleMetrics, sampleRun, series } from "./testing/sample-burst.ts";

const none: EndpointMetrics["total"] = { sum: [], count: [], max: [] };

describe("a burst's figures", () => {
  it("are means over all requests, not over minutes, with the maximum", () => {
    const { backlogSeconds, totalSeconds, modelSeconds } = figuresOf(sampleRun, sampleMetrics);
    const requests = 20 + 40 + 38;
    assert.deepEqual(backlogSeconds, { mean: (20 * 180 + 40 * 300 + 38 * 360) / requests, most: 390 });
    assert.deepEqual(totalSeconds, { mean: (20 * 184 + 40 * 304 + 38 * 364) / requests, most: 395 });
    assert.deepEqual(modelSeconds, { mean: 3, most: 5 });
  });

  it("include a minute in which nothing ended in the throughput", () => {
    assert.deepEqual(figuresOf(sampleRun, sampleMetrics).perMinute, { mean: 98 / 4, most: 40, minutes: 4 });
  });

  it("leave quiet minutes before and after out of the throughput", () => {
    const processed = series(0, 0, 10, 20, 0);
    const { perMinute } = figuresOf(sampleRun, { ...sampleMetrics, processed });
    assert.deepEqual(perMinute, { mean: 15, most: 20, minutes: 2 });
  });

  it("show the maximum number of instances that were seen, and the limit", () => {
    assert.deepEqual(figuresOf(sampleRun, sampleMetrics).instances, { most: 2, allowed: 5 });
    assert.equal(figuresOf({ ...sampleRun, instances: [] }, sampleMetrics).instances.most, 0);
  });

  it("end the burst with the minute of the last end, even if that was seen later", () => {
    const late = { ...sampleRun, endedAt: new Date(sampleRun.endedAt.getTime() + 3600_000) };
    assert.equal(figuresOf(late, sampleMetrics).elapsedSeconds, 7 * 60 - 10);
    assert.equal(figuresOf(sampleRun, sampleMetrics).elapsedSeconds, 6.5 * 60 - 10);
  });

  it("are null if CloudWatch has no datapoint", () => {
    const metrics = { ...sampleMetrics, processed: [], inBacklog: none, inModel: none, total: none };
    const figures = figuresOf({ ...sampleRun, outputBytes: undefined }, metrics);
    const { perMinute, backlogSeconds, modelSeconds, totalSeconds, outputBytes } = figures;
    assert.deepEqual(
      [perMinute, backlogSeconds, modelSeconds, totalSeconds, outputBytes],
      [null, null, null, null, null],
    );
    assert.equal(rowsOf(figures).filter(({ value }) => value === "no data").length, 5);
  });
});

describe("a burst's table", () => {
  const rows = (changes: Partial<typeof sampleRun> = {}) =>
    Object.fromEntries(
      rowsOf(figuresOf({ ...sampleRun, ...changes }, sampleMetrics)).map(({ label, value }) => [label, value]),
    );

  it("has the rows of the blog post's table", () => {
    assert.deepEqual(rows(), {
      "Invocations (total burst size)": "100",
      Completed: "97, 1 failed, 2 expired",
      "Concurrency level (per instance)": "2",
      Environment: "AWS",
      "Device (from the results)": "GPU",
      "Instance type": "ml.g4dn.xlarge",
      "Input payload (per invocation)": "71.0 MB",
      "Output payload (per invocation)": "54.0 MB",
      "Model latency": "3.0 s on average, at most 5.0 s",
      "Instances (maximum seen, of the limit)": "2 of 5",
      "Throughput (requests per minute)": "24.5 over 4 min, maximum 40",
      "Time in backlog": "299 s on average, at most 390 s",
      "Total processing time": "303 s on average, at most 395 s",
      "Whole burst": "380 s",
      "Cost of the instances": `0.07 to 0.14 USD for 0.10 to 0.19 instance-hours; up to 1.11 USD more until 2 instances stopped (0.7364 USD an hour in us-east-1 on ${pricesAsOf})`,
    });
  });

  it("marks figures of the emulator, so that they do not look like those of a GPU", () => {
    const emulated = rows({ environment: "emulator", devices: ["cpu"] });
    assert.equal(emulated["Environment"], "AWS emulator, CPU of this machine, accelerated clock");
    assert.equal(emulated["Device (from the results)"], "CPU");
    assert.equal(emulated["Instance type"], "ml.g4dn.xlarge (of the stack; the emulator starts none)");
    assert.equal(emulated["Whole burst"], "380 s (stack clock)");
    assert.equal(rows({ devices: [] })["Device (from the results)"], "no data");
  });

  it("counts the jobs that have not ended", () => {
    assert.equal(rows({ completed: 90 })["Completed"], "90, 1 failed, 2 expired, 7 not ended");
    assert.equal(rows({ completed: 100, failed: 0, expired: 0 })["Completed"], "100");
  });

  it("shows small payloads in smaller units", () => {
    const { "Input payload (per invocation)": input, "Output payload (per invocation)": output } = rows({
      inputBytes: 31_400,
      outputBytes: 17,
    });
    assert.deepEqual([input, output], ["31.4 kB", "17 B"]);
  });
});
