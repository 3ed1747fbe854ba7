/** Tests the messages of alarms to topics, and the history of alarms. */

import assert from "node:assert/strict";
import type { DescribeAlarmHistoryOutput } from "@aws-sdk/client-cloudwatch";
import { describe, it } from "mocha";
import { alarm, alarmArn, put, topic, withAlarm } from "./alarm-harness.ts";
import { minute } from "./harness.ts";

describe("an alarm's action on a topic", () => {
  it("publishes CloudWatch's message with the states, the reason and the trigger", async () => {
    const harness = await withAlarm({ AlarmActions: [topic] });
    put(harness, 0, 1);
    put(harness, 1, 1);
    await harness.clock.advance(2 * minute);
    const [publication] = harness.published;
    assert.equal(publication?.topicArn, topic);
    assert.equal(publication.subject, 'ALARM: "clips-wake-0a1b2c3" in us-east-1');
    const message = JSON.parse(publication.message) as Record<string, unknown>;
    assert.deepEqual(
      [
        message["AlarmName"],
        message["OldStateValue"],
        message["NewStateValue"],
        message["AlarmArn"],
        message["StateChangeTime"],
      ],
      [alarm.AlarmName, "INSUFFICIENT_DATA", "ALARM", alarmArn, "2026-11-22T16:02:00.000+0000"],
    );
    assert.match(String(message["NewStateReason"]), /^Threshold Crossed: 2 out of the last 2 datapoints \[1\.0 /);
    assert.deepEqual(message["Trigger"], {
      MetricName: "HasBacklogWithoutCapacity",
      Namespace: "AWS/SageMaker",
      StatisticType: "Statistic",
      Statistic: "AVERAGE",
      Unit: null,
      Dimensions: [{ value: "videos", name: "EndpointName" }],
      Period: 60,
      EvaluationPeriods: 2,
      DatapointsToAlarm: 2,
      ComparisonOperator: "GreaterThanOrEqualToThreshold",
      Threshold: 1,
      TreatMissingData: "missing",
      EvaluateLowSampleCountPercentile: "",
    });
  });

  it("happens once per change of state, and not while actions are disabled", async () => {
    const harness = await withAlarm({ AlarmActions: [topic] });
    for (let index = 0; index < 10; index += 1) put(harness, index, 1);
    await harness.clock.advance(5 * minute);
    assert.equal(harness.published.length, 1);
    const AlarmNames = [alarm.AlarmName];
    await harness.call("DisableAlarmActions", { AlarmNames });
    const set = async (StateValue: string): Promise<void> => {
      await harness.call("SetAlarmState", { AlarmName: alarm.AlarmName, StateValue, StateReason: "a drill" });
    };
    await set("OK");
    await set("ALARM");
    assert.equal(harness.published.length, 1);
    await harness.call("EnableAlarmActions", { AlarmNames });
    await set("OK");
    await set("ALARM");
    assert.equal(harness.published.length, 2);
  });
});

describe("DescribeAlarmHistory", () => {
  it("has all events, newest first, with the reason of a failed action", async () => {
    const harness = await withAlarm({ AlarmActions: [`${topic}:gone`] });
    put(harness, 0, 1);
    put(harness, 1, 1);
    await harness.clock.advance(2 * minute);
    const history = async (input: object): Promise<(string | undefined)[]> => {
      const { AlarmHistoryItems = [] } = await harness.call<DescribeAlarmHistoryOutput>("DescribeAlarmHistory", input);
      return AlarmHistoryItems.map(({ HistorySummary }) => HistorySummary);
    };
    const told = [
      `Failed to execute action ${topic}:gone. Received error: "Topic does not exist"`,
      "Alarm updated from INSUFFICIENT_DATA to ALARM",
      'Alarm "clips-wake-0a1b2c3" created',
    ];
    assert.deepEqual(await history({ AlarmName: alarm.AlarmName }), told);
    assert.deepEqual(await history({ ScanBy: "TimestampAscending" }), told.toReversed());
    assert.deepEqual(await history({ HistoryItemType: "StateUpdate" }), [told[1]]);
    assert.deepEqual(await history({ StartDate: harness.at(1) }), told.slice(0, 2));
    assert.deepEqual(await history({ EndDate: harness.at(1) }), told.slice(2));
    assert.deepEqual(await history({ AlarmName: "none" }), []);
  });
});
