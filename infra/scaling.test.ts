/** Tests the definitions of the scaling: policies, alarms and scheduled actions from the settings. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { derivedSettings, idleInstancesAlarm, scalingOf } from "./scaling.ts";
import type { ScalingSettings, StepPolicy, WarmWindow } from "./scaling-types.ts";
import { scalingSettings as settings } from "./testing/scaling-settings.ts";

const window: WarmWindow = { days: "MON-FRI", start: "08:05", end: "18:30", timeZone: "Europe/Berlin", instances: 2 };
const variant = { endpointName: "detector", variantName: "AllTraffic" };
const ofEndpoint = { EndpointName: "detector" };
const ofVariant = { EndpointName: "detector", VariantName: "AllTraffic" };

const scaling = (changes: Partial<ScalingSettings> = {}) => scalingOf({ ...settings, ...changes }, variant);

/** Returns a step policy's configuration. */
function stepsOf(policy: object | undefined): StepPolicy["stepScalingPolicyConfiguration"] {
  assert.ok(policy !== undefined && "stepScalingPolicyConfiguration" in policy);
  return (policy as StepPolicy).stepScalingPolicyConfiguration;
}

describe("the scaling with scaleIn idle", () => {
  const { target, policies, alarms, scheduledActions } = scaling();

  it("is between the settings' limits", () => {
    assert.deepEqual(target, { minCapacity: 0, maxCapacity: 5 });
  });

  it("tracks the blog's metric and never scales in by it", () => {
    assert.deepEqual(policies.backlog, {
      policyType: "TargetTrackingScaling",
      targetTrackingScalingPolicyConfiguration: {
        targetValue: 5,
        scaleInCooldown: 120,
        scaleOutCooldown: 120,
        disableScaleIn: true,
        customizedMetricSpecification: {
          namespace: "AWS/SageMaker",
          metricName: "ApproximateBacklogSizePerInstance",
          statistic: "Average",
          dimensions: [{ name: "EndpointName", value: "detector" }],
        },
      },
    });
  });

  it("stops all instances at a backlog of 0, and does nothing at a backlog of 1", () => {
    assert.deepEqual(stepsOf(policies.toZero), {
      adjustmentType: "ExactCapacity",
      metricAggregationType: "Maximum",
      cooldown: 60,
      stepAdjustments: [{ metricIntervalUpperBound: "-0.5", scalingAdjustment: 0 }],
    });
  });

  for (const [key, datapointsToAlarm, evaluationPeriods] of [
    ["idle", 5, 5],
    ["mostlyIdle", 10, 15],
  ] as const) {
    it(`stops them after ${datapointsToAlarm} of ${evaluationPeriods} minutes with an empty backlog`, () => {
      const { runs, alarm } = alarms[key] ?? {};
      assert.ok(alarm);
      const { alarmDescription, ...rule } = alarm;
      assert.match(alarmDescription, /ALARM is the normal state of an idle endpoint/);
      assert.equal(runs, "toZero");
      assert.deepEqual(rule, {
        namespace: "AWS/SageMaker",
        metricName: "ApproximateBacklogSize",
        dimensions: ofEndpoint,
        statistic: "Maximum",
        period: 60,
        comparisonOperator: "LessThanThreshold",
        threshold: 1,
        treatMissingData: "missing",
        evaluationPeriods,
        datapointsToAlarm,
      });
    });
  }

  it("starts an instance per backlogTarget videos from zero, by the backlog while there is no instance", () => {
    const { runs, alarm } = alarms.fromZero ?? {};
    assert.ok(alarm);
    const { alarmDescription, metricQueries, ...rule } = alarm;
    assert.ok(alarmDescription);
    assert.equal(runs, "fromZero");
    assert.deepEqual(rule, {
      evaluationPeriods: 2,
      datapointsToAlarm: 2,
      comparisonOperator: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      treatMissingData: "missing",
    });
    const metric = (metricName: string, stat: string) => {
      return { namespace: "AWS/SageMaker", metricName, dimensions: ofEndpoint, stat, period: 60 };
    };
    assert.deepEqual(metricQueries, [
      {
        id: "waiting",
        expression: "IF((h >= 1) AND (a < 840), b, 0)",
        label: "backlog without an instance",
        returnData: true,
      },
      { id: "h", metric: metric("HasBacklogWithoutCapacity", "Average") },
      { id: "a", metric: metric("ApproximateAgeOfOldestRequest", "Maximum") },
      { id: "b", metric: metric("ApproximateBacklogSize", "Maximum") },
    ]);
    assert.deepEqual(stepsOf(policies.fromZero), {
      adjustmentType: "ChangeInCapacity",
      metricAggregationType: "Maximum",
      cooldown: 300,
      stepAdjustments: [
        { metricIntervalUpperBound: "4.5", scalingAdjustment: 1 },
        { metricIntervalLowerBound: "4.5", metricIntervalUpperBound: "9.5", scalingAdjustment: 2 },
        { metricIntervalLowerBound: "9.5", metricIntervalUpperBound: "14.5", scalingAdjustment: 3 },
        { metricIntervalLowerBound: "14.5", metricIntervalUpperBound: "19.5", scalingAdjustment: 4 },
        { metricIntervalLowerBound: "19.5", scalingAdjustment: 5 },
      ],
    });
  });

  it("requests one more instance after 15 minutes without one", () => {
    const { runs, alarm } = alarms.fromZeroRetry ?? {};
    assert.equal(runs, "fromZeroRetry");
    assert.partialDeepStrictEqual(alarm, {
      metricName: "HasBacklogWithoutCapacity",
      dimensions: ofEndpoint,
      evaluationPeriods: 15,
      datapointsToAlarm: 15,
    });
    assert.partialDeepStrictEqual(stepsOf(policies.fromZeroRetry), {
      adjustmentType: "ChangeInCapacity",
      stepAdjustments: [{ metricIntervalLowerBound: "0", scalingAdjustment: 1 }],
    });
  });

  it("has no scheduled actions without a warm window", () => {
    assert.deepEqual(scheduledActions, {});
  });

  it("waits for the given number of idle minutes, or twice as many of three times as many", () => {
    const { idle, mostlyIdle } = scaling({ idleMinutes: 7 }).alarms;
    assert.deepEqual([idle?.alarm.datapointsToAlarm, idle?.alarm.evaluationPeriods], [7, 7]);
    assert.deepEqual([mostlyIdle?.alarm.datapointsToAlarm, mostlyIdle?.alarm.evaluationPeriods], [14, 21]);
  });
});

describe("the scaling with scaleIn tracking", () => {
  const { policies, alarms } = scaling({ scaleIn: "tracking" });

  it("scales in only by target tracking", () => {
    assert.deepEqual(Object.keys(policies), ["backlog", "fromZero", "fromZeroRetry"]);
    assert.deepEqual(Object.keys(alarms), ["fromZero", "fromZeroRetry"]);
    assert.partialDeepStrictEqual(policies.backlog, {
      targetTrackingScalingPolicyConfiguration: { disableScaleIn: false },
    });
  });
});

describe("the steps from zero", () => {
  const steps = (maxCapacity: number, backlogTarget: number) =>
    derivedSettings({ ...settings, maxCapacity, backlogTarget }).stepsFromZero;

  it("have one bound if there is only one: a step without bounds is refused", () => {
    assert.deepEqual(steps(1, 5), [{ metricIntervalLowerBound: "0", scalingAdjustment: 1 }]);
    assert.deepEqual(steps(5, 0.01), [{ metricIntervalLowerBound: "0", scalingAdjustment: 5 }]);
  });

  it("are at most 20, which then start some instances more", () => {
    const many = steps(50, 1);
    assert.equal(many.length, 20);
    assert.deepEqual(many[0], { metricIntervalUpperBound: "2.5", scalingAdjustment: 3 });
    assert.deepEqual(many.at(-1), { metricIntervalLowerBound: "47.5", scalingAdjustment: 50 });
  });
});

describe("a warm window", () => {
  it("raises the minimum number of instances at its start, and returns it at its end", () => {
    assert.deepEqual(scaling({ warmWindow: window }).scheduledActions, {
      warmStart: {
        schedule: "cron(5 8 ? * MON-FRI *)",
        timezone: "Europe/Berlin",
        scalableTargetAction: { minCapacity: 2 },
      },
      warmEnd: {
        schedule: "cron(30 18 ? * MON-FRI *)",
        timezone: "Europe/Berlin",
        scalableTargetAction: { minCapacity: 0 },
      },
    });
  });
});

describe("the alarm on idle instances", () => {
  it("needs instances and no queued or processed video for 60 minutes", () => {
    const { metricQueries, alarmDescription, ...rule } = idleInstancesAlarm(variant);
    assert.match(alarmDescription, /for 60 minutes no video was queued or running/);
    assert.deepEqual(rule, {
      evaluationPeriods: 12,
      datapointsToAlarm: 12,
      comparisonOperator: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      treatMissingData: "notBreaching",
    });
    const metrics = (metricQueries ?? []).flatMap(({ metric }) => metric ?? []);
    assert.deepEqual(
      metrics.map(({ namespace, metricName, dimensions, stat, period }) => [
        ...[namespace, metricName, stat, period],
        dimensions,
      ]),
      [
        ["/aws/sagemaker/Endpoints", "CPUUtilization", "SampleCount", 300, ofVariant],
        ["AWS/SageMaker", "ApproximateBacklogSize", "Maximum", 300, ofEndpoint],
        ["AWS/SageMaker", "InvocationsProcessed", "Sum", 300, ofVariant],
        ["AWS/SageMaker", "InvocationsProcesssed", "Sum", 300, ofVariant],
      ],
    );
  });

  it("waits longer by the length of a warm window", () => {
    const { evaluationPeriods } = idleInstancesAlarm(variant, window);
    assert.equal(evaluationPeriods, (60 + 10 * 60 + 25) / 5);
  });
});
