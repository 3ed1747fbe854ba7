/** For tests: a burst of 100 videos as CloudWatch would show it, small enough to be computed by hand. */
import type { Durations, EndpointMetrics, Series } from "../metrics.ts";
import { minuteMs } from "../../../src/minutes.ts";
import type { BurstRun } from "../run.ts";

/** First minute of the sample. */
export const firstMinute = Date.parse("2030-01-01T10:00:00Z");

/** Values of the minutes from the start of the sample; undefined for a minute without a datapoint. */
export function series(...values: readonly (number | undefined)[]): Series {
  return values.flatMap((value, index) =>
    value === undefined ? [] : [{ minute: firstMinute + index * minuteMs, value }],
  );
}

function durations(count: Series, seconds: readonly (readonly [mean: number, max: number])[]): Durations {
  return {
    count,
    sum: count.map(({ minute, value }, index) => ({ minute, value: value * (seconds[index]?.[0] ?? 0) })),
    max: count.map(({ minute }, index) => ({ minute, value: seconds[index]?.[1] ?? 0 })),
  };
}

const processed = series(undefined, undefined, undefined, 20, undefined, 40, 38);

/** Metrics of the sample. */
export const sampleMetrics: EndpointMetrics = {
  backlog: series(100, 100, 100, 90, 80, 42, 2, 0),
  backlogPerInstance: series(100, 100, 100, 90, 40, 21, 1, 0),
  processed,
  failed: series(undefined, undefined, undefined, undefined, undefined, 1),
  expired: series(undefined, undefined, undefined, undefined, undefined, undefined, 2),
  inBacklog: durations(processed, [
    [180, 240],
    [300, 330],
    [360, 390],
  ]),
  inModel: durations(processed, [
    [3, 4],
    [3, 5],
    [3, 4],
  ]),
  total: durations(processed, [
    [184, 245],
    [304, 335],
    [364, 395],
  ]),
  instances: series(undefined, undefined, undefined, 1, 2, 2, 2),
};

/** The sample as the client saw it. */
export const sampleRun: BurstRun = {
  name: "burst-0a1b2c3d",
  endpointName: "video-0a1b2c3",
  environment: "aws",
  devices: ["cuda"],
  instanceType: "ml.g4dn.xlarge",
  concurrency: 2,
  maxCapacity: 5,
  startedAt: new Date(firstMinute + 10_000),
  endedAt: new Date(firstMinute + 6.5 * minuteMs),
  accepted: 100,
  completed: 97,
  failed: 1,
  expired: 2,
  inputBytes: 71e6,
  outputBytes: 54e6,
  jobs: Array.from({ length: 100 }, (_, index) => ({
    acceptedAt: firstMinute + 11_000 + index * 100,
    ttlSeconds: 21_600,
    timeoutSeconds: 900,
    end: {
      status: index < 97 ? "completed" : index < 98 ? "failed" : "expired",
      seenAt: firstMinute + (index < 20 ? 3.5 : index < 60 ? 5.5 : 6.5) * minuteMs,
    },
  })),
  instances: [
    { at: firstMinute + 11_000, current: 0, desired: 0 },
    { at: firstMinute + 2 * minuteMs, current: 0, desired: 1 },
    { at: firstMinute + 2.5 * minuteMs, current: 0, desired: 1 },
    { at: firstMinute + 3 * minuteMs, current: 1, desired: 1 },
    { at: firstMinute + 4 * minuteMs, current: 1, desired: 2 },
    { at: firstMinute + 4.5 * minuteMs, current: 2, desired: 2 },
    { at: firstMinute + 7 * minuteMs, current: 2, desired: 2 },
  ],
};

const oneMinute = durations(series(3), [[2, 3]]);

/** Metrics of a burst that ends within a minute. */
export const shortMetrics: EndpointMetrics = {
  backlog: series(3),
  backlogPerInstance: series(3),
  processed: series(3),
  failed: [],
  expired: [],
  inBacklog: oneMinute,
  inModel: oneMinute,
  total: oneMinute,
  instances: series(1),
};

/** That burst, in which one instance was seen once, late in the minute. */
export const shortRun: BurstRun = {
  ...sampleRun,
  endedAt: new Date(firstMinute + 50_000),
  accepted: 3,
  completed: 3,
  failed: 0,
  expired: 0,
  instances: [{ at: firstMinute + 48_000, current: 1, desired: 1 }],
};
