/** Tests the requests of step and target-tracking policies, by the API reference's rules. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { AlarmSettings } from "./alarms.ts";
import { defaultScalingAssumptions } from "./assumptions.ts";
import type { ScalingAssumptions } from "./assumptions.ts";
import { MetricQueries } from "./metric-queries.ts";
import { breachOf, stepCapacity, trackingAlarms, trackingCapacity } from "./scaling-policy.ts";
import type { StepScaling } from "./scaling-policy.ts";
import { backlogMetric, backlogTracking, wakeAlarm, wakeStep } from "./scaling-harness.ts";

/** Returns the request of a step policy for a metric's value. */
function requested(
  policy: StepScaling,
  value: number,
  threshold: number,
  current: number,
  { alarm = {}, ...assumed }: Partial<ScalingAssumptions> & { alarm?: Partial<AlarmSettings> } = {},
): number | undefined {
  const breach = breachOf({ ...wakeAlarm("arn"), threshold, ...alarm }, value, {
    ...defaultScalingAssumptions,
    ...assumed,
  });
  return stepCapacity(policy, breach, current);
}

describe("a step policy", () => {
  const outAndIn: StepScaling = {
    ...wakeStep,
    steps: [
      { upper: -10, adjustment: -2 },
      { lower: -10, upper: 0, adjustment: -1 },
      { lower: 0, upper: 10, adjustment: 1 },
      { lower: 10, adjustment: 3 },
    ],
  };

  it("includes the lower bound above the threshold, the upper bound below it", () => {
    const asked = [30, 39.9, 40, 49.9, 50, 59.9, 60, 99].map((value) => requested(outAndIn, value, 50, 10));
    assert.deepEqual(asked, [8, 8, 8, 9, 11, 11, 13, 13]);
  });

  it("decides by the alarm's direction which bound is included, if AWS does so", () => {
    const below = { stepEquality: "by-alarm", alarm: { comparison: "LessThanThreshold" } } as const;
    const above = { stepEquality: "by-alarm" } as const;
    const asked = [40, 50, 60].map((value) => [above, below].map((each) => requested(outAndIn, value, 50, 10, each)));
    assert.deepEqual(asked, [
      [9, 8],
      [11, 9],
      [13, 11],
    ]);
  });

  it("gets the threshold as the value of metric math if AWS hands on only the breach", () => {
    const source = "m + 0";
    const { metric } = backlogMetric;
    const watched = new MetricQueries([
      { id: "m", isReturned: false, source: { metric, statistic: "Average", period: 60_000 } },
      { id: "e", isReturned: true, source },
    ]);
    const math = { metricMathValue: "breach-only", alarm: { watched } } as const;
    assert.equal(requested(outAndIn, 99, 50, 10, { ...math, metricMathValue: "value" }), 13);
    assert.equal(requested(outAndIn, 99, 50, 10, math), 11);
    assert.equal(requested(outAndIn, 99, 50, 10, { metricMathValue: "breach-only" }), 13);
  });

  it("requests nothing if no step applies", () => {
    assert.equal(requested(wakeStep, 0, 1, 3), undefined);
  });

  it("sets an exact capacity", () => {
    assert.equal(requested({ ...wakeStep, adjustmentType: "ExactCapacity" }, 1, 1, 4), 1);
  });

  it("rounds a percentage towards zero, but not to zero", () => {
    const percent = (adjustment: number, current: number, minAdjustment?: number): number | undefined => {
      const steps = [{ lower: 0, adjustment }];
      const least = minAdjustment === undefined ? {} : { minAdjustment };
      return requested({ ...wakeStep, adjustmentType: "PercentChangeInCapacity", steps, ...least }, 1, 1, current);
    };
    assert.deepEqual([percent(25, 10), percent(5, 10), percent(-25, 10), percent(-5, 10)], [12, 11, 8, 9]);
    assert.deepEqual([percent(25, 10, 4), percent(-25, 10, 4), percent(50, 0)], [14, 6, 0]);
  });
});

describe("target tracking", () => {
  it("treats the metric at zero instances as the whole backlog", () => {
    assert.deepEqual(
      [0, 1, 5, 6, 23].map((backlog) => trackingCapacity(backlogTracking, backlog, 0)),
      [0, 1, 1, 2, 5],
    );
  });

  it("creates two alarms: 3 of 3 above the target, 15 of 15 below 90 % of it, with AWS's names", () => {
    const names = { resourceId: "endpoint/E/variant/V", policyArn: "arn:P", uuid: () => "u-u-i-d" };
    const { high, low } = trackingAlarms(backlogTracking, names);
    const shape = (alarm: typeof high): unknown[] => [
      alarm.name,
      alarm.comparison,
      alarm.threshold,
      alarm.evaluationPeriods,
      alarm.treatMissingData,
    ];
    const prefix = "TargetTracking-endpoint/E/variant/V";
    assert.deepEqual(shape(high), [`${prefix}-AlarmHigh-u-u-i-d`, "GreaterThanThreshold", 5, 3, "missing"]);
    assert.ok(low);
    assert.deepEqual(shape(low), [`${prefix}-AlarmLow-u-u-i-d`, "LessThanThreshold", 4.5, 15, "missing"]);
    const creator = "arn:P:createdBy/u-u-i-d";
    assert.deepEqual(high.actions.ALARM, [creator]);
    assert.equal(high.description, `DO NOT EDIT OR DELETE. For TargetTrackingScaling policy ${creator}.`);
  });
});
