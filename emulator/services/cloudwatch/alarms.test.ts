/** Tests the inputs, results and refusals of CloudWatch's alarm operations. */

import assert from "node:assert/strict";
import type {
  DescribeAlarmsInput,
  DescribeAlarmsForMetricOutput,
  DescribeAlarmsOutput,
  ListTagsForResourceOutput,
  PutMetricAlarmInput,
} from "@aws-sdk/client-cloudwatch";
import { describe, it } from "mocha";
import { Autoscaler } from "../../core/autoscaler.ts";
import { backlogTracking } from "../../core/scaling-harness.ts";
import { refusalCode } from "../../testing/refusal-code.ts";
import { alarm, alarmArn, put, topic, withAlarm } from "./alarm-harness.ts";
import { MonitoringHarness, minute } from "./harness.ts";

async function names(harness: MonitoringHarness, input: DescribeAlarmsInput): Promise<(string | undefined)[]> {
  const { MetricAlarms = [] } = await harness.call<DescribeAlarmsOutput>("DescribeAlarms", input);
  return MetricAlarms.map(({ AlarmName }) => AlarmName);
}

describe("PutMetricAlarm", () => {
  it("creates an alarm that DescribeAlarms returns member for member", async () => {
    const harness = await withAlarm();
    const { MetricAlarms: [found] = [] } = await harness.call<DescribeAlarmsOutput>("DescribeAlarms", {
      AlarmNames: [alarm.AlarmName],
      AlarmTypes: ["MetricAlarm"],
    });
    assert.deepEqual(JSON.parse(JSON.stringify(found)), {
      ...alarm,
      AlarmArn: alarmArn,
      OKActions: [],
      InsufficientDataActions: [],
      StateValue: "INSUFFICIENT_DATA",
      StateReason: "Unchecked: Initial alarm creation",
      AlarmConfigurationUpdatedTimestamp: harness.at(0).toISOString(),
      StateUpdatedTimestamp: harness.at(0).toISOString(),
      StateTransitionedTimestamp: harness.at(0).toISOString(),
    });
  });

  it("leaves DatapointsToAlarm unset if it was not given, and counts all evaluation periods then", async () => {
    const harness = await withAlarm({ DatapointsToAlarm: undefined });
    put(harness, 0, 1);
    put(harness, 1, 0);
    put(harness, 2, 1);
    put(harness, 3, 1);
    const states: (string | undefined)[] = [];
    for (let index = 0; index < 4; index += 1) {
      await harness.clock.advance(minute);
      const { MetricAlarms: [found] = [] } = await harness.call<DescribeAlarmsOutput>("DescribeAlarms", {});
      assert.equal(found?.DatapointsToAlarm, undefined);
      states.push(found?.StateValue);
    }
    assert.deepEqual(states, ["INSUFFICIENT_DATA", "OK", "OK", "ALARM"]);
  });

  it("overwrites the alarm of that name as a whole, and ignores tags then", async () => {
    const harness = await withAlarm({ Tags: [{ Key: "a", Value: "1" }] });
    const changes = { AlarmDescription: undefined, Threshold: 3, Tags: [{ Key: "b", Value: "2" }] };
    await harness.call("PutMetricAlarm", { ...alarm, ...changes });
    const { MetricAlarms: [found] = [] } = await harness.call<DescribeAlarmsOutput>("DescribeAlarms", {});
    assert.deepEqual([found?.Threshold, found?.AlarmDescription], [3, undefined]);
    const { Tags } = await harness.call<ListTagsForResourceOutput>("ListTagsForResource", { ResourceARN: alarmArn });
    assert.deepEqual(Tags, [{ Key: "a", Value: "1" }]);
  });

  for (const [treatment, expected] of [
    ["evaluate", ["ALARM", "ALARM"]],
    ["ignore", ["INSUFFICIENT_DATA", "ALARM"]],
  ] as const) {
    it(`watches a percentile, and ${treatment}s few data points`, async () => {
      const percentile = {
        Statistic: undefined,
        ExtendedStatistic: "p50",
        EvaluateLowSampleCountPercentile: treatment,
      };
      const harness = await withAlarm({ ...percentile, EvaluationPeriods: 1, DatapointsToAlarm: 1 });
      const states: (string | undefined)[] = [];
      for (const [index, count] of [19, 20].entries()) {
        for (let each = 0; each < count; each += 1) put(harness, index, 1 + each);
        await harness.clock.advance(minute);
        const { MetricAlarms: [found] = [] } = await harness.call<DescribeAlarmsOutput>("DescribeAlarms", {});
        assert.deepEqual([found?.Statistic, found?.ExtendedStatistic], [undefined, "p50"]);
        assert.equal(found?.EvaluateLowSampleCountPercentile, treatment);
        states.push(found.StateValue);
      }
      assert.deepEqual(states, expected);
    });
  }

  const refusals: [string, Partial<Record<keyof PutMetricAlarmInput, unknown>>, RegExp][] = [
    ["no statistic", { Statistic: undefined }, /either Statistic or ExtendedStatistic/],
    ["two statistics", { ExtendedStatistic: "p90" }, /either Statistic or ExtendedStatistic, but not both/],
    [
      "an unknown extended statistic",
      { Statistic: undefined, ExtendedStatistic: "Sum" },
      /The value Sum for parameter ExtendedStatistic is not supported/,
    ],
    [
      "an unknown treatment of few data points",
      { EvaluateLowSampleCountPercentile: "maybe" },
      /The value maybe for parameter EvaluateLowSampleCountPercentile/,
    ],
    ["no metric", { MetricName: undefined }, /MetricName is required/],
    ["no threshold", { Threshold: undefined }, /Threshold is required/],
    ["no period", { Period: undefined }, /Period is required/],
    ["no operator", { ComparisonOperator: undefined }, /ComparisonOperator is required/],
    ["a period of 90 seconds", { Period: 90 }, /multiple of 60/],
    ["a period of 10 seconds, by name", { Period: 10 }, /does not implement alarms with a period of 10 seconds/],
    ["more than a day", { Period: 300, EvaluationPeriods: 289 }, /EvaluationPeriods \* Period must be <= 86400/],
    ["more datapoints than periods", { DatapointsToAlarm: 3 }, /less than or equal to EvaluationPeriods/],
    [
      "an unknown treatment of missing data",
      { TreatMissingData: "bad" },
      /The value bad for parameter TreatMissingData is not supported/,
    ],
    [
      "a metric together with metric math",
      { Metrics: [] },
      /Namespace, MetricName, Dimensions, Period, Statistic cannot be specified together with Metrics/,
    ],
    [
      "anomaly detection, by name",
      { ComparisonOperator: "LessThanLowerThreshold" },
      /does not implement anomaly detection/,
    ],
    ["an action that is not an ARN", { AlarmActions: ["topic"] }, /Invalid arn syntax: topic/],
    [
      "an action of another service, by name",
      { OKActions: ["arn:aws:lambda:us-east-1:0:function:f"] },
      /does not implement alarm actions of lambda/,
    ],
  ];
  for (const [what, changes, message] of refusals) {
    it(`refuses ${what}`, async () => {
      const harness = new MonitoringHarness();
      await assert.rejects(harness.call("PutMetricAlarm", { ...alarm, ...changes }), {
        code: refusalCode(message, "ValidationError"),
        message,
      });
      assert.deepEqual(harness.alarms.list(), []);
    });
  }
});

describe("DescribeAlarms", () => {
  it("filters by name, prefix, state, action and type, and returns pages", async () => {
    const harness = await withAlarm();
    await harness.call("PutMetricAlarm", { ...alarm, AlarmName: "other", AlarmActions: [topic] });
    await harness.call("SetAlarmState", { AlarmName: "other", StateValue: "OK", StateReason: "by hand" });
    assert.deepEqual(await names(harness, {}), [alarm.AlarmName, "other"]);
    assert.deepEqual(await names(harness, { AlarmNames: ["other", "none"] }), ["other"]);
    assert.deepEqual(await names(harness, { AlarmNamePrefix: "clips" }), [alarm.AlarmName]);
    assert.deepEqual(await names(harness, { StateValue: "OK" }), ["other"]);
    assert.deepEqual(await names(harness, { ActionPrefix: "arn:aws:sns" }), ["other"]);
    assert.deepEqual(await names(harness, { AlarmTypes: ["CompositeAlarm"] }), []);
    const page = await harness.call<DescribeAlarmsOutput>("DescribeAlarms", { MaxRecords: 1 });
    assert.deepEqual(await names(harness, { MaxRecords: 1, NextToken: page.NextToken }), ["other"]);
    await assert.rejects(names(harness, { AlarmNames: ["a"], AlarmNamePrefix: "a" }), { code: "ValidationError" });
    await assert.rejects(names(harness, { NextToken: "1" }), { code: "InvalidNextToken" });
  });

  it("returns no composite alarms", async () => {
    const harness = await withAlarm();
    const found = await harness.call<DescribeAlarmsOutput>("DescribeAlarms", { AlarmTypes: ["CompositeAlarm"] });
    assert.deepEqual([found.MetricAlarms, found.CompositeAlarms], [[], []]);
  });

  it("shows the alarms that target tracking has created, which can be tagged, too", async () => {
    const harness = new MonitoringHarness();
    const { clock, alarms } = harness;
    const capacity = { current: () => 1, set: () => Promise.resolve() };
    const autoscaler = new Autoscaler({ clock, alarms, capacity, region: "us-east-1", accountId: "000000000000" });
    autoscaler.register("endpoint/videos/variant/main", { min: 0, max: 5 });
    autoscaler.putPolicy("endpoint/videos/variant/main", "backlog", backlogTracking);
    const { MetricAlarms = [] } = await harness.call<DescribeAlarmsOutput>("DescribeAlarms", {
      AlarmNamePrefix: "TargetTracking-endpoint/videos",
    });
    assert.deepEqual(
      MetricAlarms.map(({ ComparisonOperator, Threshold, EvaluationPeriods }) => [
        ComparisonOperator,
        Threshold,
        EvaluationPeriods,
      ]),
      [
        ["GreaterThanThreshold", 5, 3],
        ["LessThanThreshold", 4.5, 15],
      ],
    );
    const ResourceARN = MetricAlarms[0]?.AlarmArn;
    await harness.call("TagResource", { ResourceARN, Tags: [{ Key: "a", Value: "1" }] });
    const { Tags } = await harness.call<ListTagsForResourceOutput>("ListTagsForResource", { ResourceARN });
    assert.deepEqual(Tags, [{ Key: "a", Value: "1" }]);
  });
});

describe("DescribeAlarmsForMetric", () => {
  const { Namespace, MetricName, Dimensions } = alarm;
  const metric = { Namespace, MetricName, Dimensions };
  const filters: readonly [string, object, boolean][] = [
    ["the metric", {}, true],
    ["its statistic", { Statistic: alarm.Statistic }, true],
    ["another statistic", { Statistic: "Sum" }, false],
    ["an extended statistic", { ExtendedStatistic: "p90" }, false],
    ["its period", { Period: alarm.Period }, true],
    ["another period", { Period: 3_600 }, false],
    ["another unit", { Unit: "Bytes" }, false],
    ["other dimensions", { Dimensions: [] }, false],
    ["another name", { MetricName: "Other" }, false],
    ["another namespace", { Namespace: "Other" }, false],
  ];
  for (const [what, changes, isFound] of filters) {
    it(`${isFound ? "finds" : "does not find"} an alarm by ${what}`, async () => {
      const harness = await withAlarm();
      const input = { ...metric, ...changes };
      const { MetricAlarms = [] } = await harness.call<DescribeAlarmsForMetricOutput>("DescribeAlarmsForMetric", input);
      assert.deepEqual(
        MetricAlarms.map(({ AlarmName }) => AlarmName),
        isFound ? [alarm.AlarmName] : [],
      );
    });
  }

  it("does not find alarms on metric math", async () => {
    const harness = new MonitoringHarness();
    const MetricStat = { Metric: metric, Period: 60, Stat: "Sum" };
    const { EvaluationPeriods, Threshold, ComparisonOperator } = alarm;
    const rest = { EvaluationPeriods, Threshold, ComparisonOperator };
    await harness.call("PutMetricAlarm", { AlarmName: "math", Metrics: [{ Id: "m", MetricStat }], ...rest });
    const found = await harness.call<DescribeAlarmsForMetricOutput>("DescribeAlarmsForMetric", metric);
    assert.deepEqual(found.MetricAlarms, []);
  });
});

describe("DeleteAlarms", () => {
  it("deletes all alarms or, if one does not exist, none", async () => {
    const harness = await withAlarm();
    await assert.rejects(harness.call("DeleteAlarms", { AlarmNames: [alarm.AlarmName, "none"] }), {
      code: "ResourceNotFound",
    });
    assert.equal(harness.alarms.list().length, 1);
    await harness.call("DeleteAlarms", { AlarmNames: [alarm.AlarmName] });
    assert.equal(harness.alarms.list().length, 0);
    await assert.rejects(harness.call("ListTagsForResource", { ResourceARN: alarmArn }), {
      code: "ResourceNotFoundException",
    });
  });
});

describe("SetAlarmState", () => {
  it("refuses a missing alarm, and data that is not JSON", async () => {
    const harness = await withAlarm();
    const input = { AlarmName: alarm.AlarmName, StateValue: "OK", StateReason: "by hand" };
    await assert.rejects(harness.call("SetAlarmState", { ...input, AlarmName: "none" }), { code: "ResourceNotFound" });
    await assert.rejects(harness.call("SetAlarmState", { ...input, StateReasonData: "{" }), { code: "InvalidFormat" });
  });
});

describe("tags", () => {
  it("are added, overwritten, removed, and limited to 50", async () => {
    const harness = await withAlarm({ Tags: [{ Key: "a", Value: "1" }] });
    const ResourceARN = alarmArn;
    await harness.call("TagResource", {
      ResourceARN,
      Tags: [
        { Key: "a", Value: "2" },
        { Key: "b", Value: "3" },
      ],
    });
    await harness.call("UntagResource", { ResourceARN, TagKeys: ["a"] });
    const { Tags } = await harness.call<ListTagsForResourceOutput>("ListTagsForResource", { ResourceARN });
    assert.deepEqual(Tags, [{ Key: "b", Value: "3" }]);
    const many = Array.from({ length: 50 }, (_, index) => ({ Key: `k${index}`, Value: "" }));
    await assert.rejects(harness.call("TagResource", { ResourceARN, Tags: many }), { code: "InvalidParameterValue" });
    await assert.rejects(harness.call("TagResource", { ResourceARN, Tags: [{ Key: "aws:x", Value: "" }] }), {
      code: "InvalidParameterValue",
    });
  });
});
