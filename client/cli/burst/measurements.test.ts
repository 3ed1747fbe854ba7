import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { minuteMs } from "../../src/minutes.ts";
import { measurementsOf } from "./measurements.ts";
import { firstMinute, sampleMetrics, sampleRun, series } from "./testing/sample-burst.ts";

/** Observations at minutes from the start of the sample. */
const samplesOf = (...observed: readonly (readonly [minutes: number, current: number, desired: number])[]) =>
  observed.map(([minutes, current, desired]) => ({ at: firstMinute + minutes * minuteMs, current, desired }));

describe("the measurements of a burst", () => {
  const measurements = measurementsOf(sampleRun, sampleMetrics);

  it("have the moment of the start within its minute, and each arrival from the start on", () => {
    assert.equal(measurements.phaseSeconds, 10);
    assert.deepEqual(
      measurements.jobs.slice(0, 3).map(({ arrival }) => arrival),
      [1, 1.1, 1.2],
    );
  });

  it("have the average time in the instance of the requests that ended in the same minute", () => {
    // 3 s in the model, and one for download and upload: the total time is 4 s more than the time in the backlog.
    assert.deepEqual([...new Set(measurements.jobs.map(({ service }) => service))], [4]);
    const inModel = {
      ...sampleMetrics.inModel,
      sum: sampleMetrics.inModel.sum.map((point, index) => ({ ...point, value: point.value + 20 * (index - 1) })),
    };
    const { jobs } = measurementsOf(sampleRun, { ...sampleMetrics, inModel });
    assert.ok((jobs[0]?.service ?? 0) < (jobs[20]?.service ?? 0));
    assert.ok((jobs[20]?.service ?? 0) < (jobs[97]?.service ?? 0));
  });

  it("have times that add up to those of each minute, each within its observations", () => {
    const at = (minutes: number) => firstMinute + minutes * minuteMs;
    const job = (seenAt: number) => ({
      ...{ acceptedAt: at(0), ttlSeconds: 21_600, timeoutSeconds: 900 },
      end: { status: "completed" as const, seenAt },
    });
    // The first end is seen soon; the second one late.
    const run = {
      ...sampleRun,
      jobs: [job(at(3)), job(at(15))],
      instances: samplesOf([2.9, 1, 1], [3, 1, 1], [15, 0, 0]),
    };
    const total = { count: series(undefined, undefined, 2), sum: series(undefined, undefined, 362), max: series() };
    const [first = NaN, second = NaN] = measurementsOf(run, { ...sampleMetrics, total }).jobs.map(
      (each) => each.total ?? NaN,
    );
    assert.ok(Math.abs(first + second - 362) < 1e-6);
    assert.ok(first >= 174 && first <= 180 && second >= 180 && second <= 190, `${first} ${second}`);
  });

  it("have no time that is longer than the maximum of its minute, however late the end is seen", () => {
    const acceptedAt = firstMinute;
    const job = { acceptedAt, ttlSeconds: 21_600, timeoutSeconds: 900 };
    const jobs = [{ ...job, end: { status: "completed" as const, seenAt: firstMinute + 15 * minuteMs } }];
    const instances = samplesOf([14.9, 1, 1], [15, 1, 1]);
    const total = { count: series(1), sum: series(50), max: series(50) };
    assert.equal(measurementsOf({ ...sampleRun, jobs, instances }, { ...sampleMetrics, total }).jobs[0]?.total, 50);
  });

  it("have no time of a job that has not ended", () => {
    const [first, second, ...others] = sampleRun.jobs;
    assert.ok(first && second);
    const { acceptedAt, ttlSeconds, timeoutSeconds } = second;
    const jobs = [first, { acceptedAt, ttlSeconds, timeoutSeconds }, ...others];
    const { total, status } = measurementsOf({ ...sampleRun, jobs }, sampleMetrics).jobs[1] ?? {};
    assert.deepEqual([total, status], [null, "pending"]);
  });

  it("have the time of each instance's start", () => {
    assert.deepEqual(measurements.startSeconds, [60, 30]);
  });

  it("end the start of an instance that stopped soon with the first minute that counts it", () => {
    const instances = samplesOf([0, 0, 0], [3, 0, 2], [4, 1, 2], [16, 0, 0]);
    const minutes = series(undefined, undefined, undefined, undefined, 2, 2);
    const { startSeconds } = measurementsOf({ ...sampleRun, instances }, { ...sampleMetrics, instances: minutes });
    assert.deepEqual(startSeconds, [60, 120]);
  });

  it("have the hours of the instances up to the last minute that counts them", () => {
    const instances = samplesOf([0, 0, 0], [3, 0, 2], [4, 2, 2], [5, 2, 2], [17, 0, 0]);
    const minutes = series(undefined, undefined, undefined, undefined, 2, 2, 2, 2, 1);
    const { instanceHours } = measurementsOf({ ...sampleRun, instances }, { ...sampleMetrics, instances: minutes });
    // From 3:00 on: one instance until 8:00, one until 9:00.
    assert.equal(instanceHours, 11 / 60);
  });

  it("have no hours if instances were left at the end", () => {
    assert.equal(measurements.instanceHours, null);
  });
});
