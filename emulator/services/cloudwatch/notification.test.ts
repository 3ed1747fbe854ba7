/** Tests CloudWatch's words for a message that an alarm may not publish. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { AlarmEvent } from "../../core/alarms.ts";
import { alarmArn } from "./identity.ts";
import { errorsAlarm, MonitoringHarness } from "./harness.ts";
import { topicActions } from "./notification.ts";

const place = { region: "us-east-1", accountId: "000000000000" };
const topic = "arn:aws:sns:us-east-1:000000000000:alarms";

describe("An alarm on a percentile", () => {
  it("publishes its extended statistic", async () => {
    const harness = new MonitoringHarness();
    const settings = { ...errorsAlarm, Statistic: undefined, ExtendedStatistic: "p90", AlarmActions: [topic] };
    await harness.call("PutMetricAlarm", { AlarmName: "errors", ...settings });
    await harness.call("SetAlarmState", { AlarmName: "errors", StateValue: "ALARM", StateReason: "test" });
    const { Trigger } = JSON.parse(harness.published[0]?.message ?? "{}") as { Trigger?: Record<string, unknown> };
    assert.deepEqual(
      [Trigger?.["StatisticType"], Trigger?.["ExtendedStatistic"], Trigger?.["Statistic"]],
      ["ExtendedStatistic", "p90", undefined],
    );
  });
});

describe("An alarm that may not publish", () => {
  const failureOf = async (failure: Error): Promise<void> => {
    const harness = new MonitoringHarness();
    await harness.call("PutMetricAlarm", { AlarmName: "errors", ...errorsAlarm });
    const alarm = harness.alarms.get("errors") ?? assert.fail("no alarm");
    const event: AlarmEvent = { alarm, previous: alarm, value: 1 };
    await topicActions(() => Promise.reject(failure), place).run(topic, event);
  };

  it("names itself if the topic's policy does not allow it", async () => {
    const denied = `is not authorized to perform: SNS:Publish on resource: ${topic} because no resource-based policy allows the SNS:Publish action`;
    const message = `Resource: ${alarmArn(place, "errors")} ${denied}`;
    await assert.rejects(failureOf(new Error(`User: cloudwatch.amazonaws.com ${denied}`)), { message });
  });

  it("names the key if the key's policy does not allow it", async () => {
    const message = "CloudWatch Alarms does not have authorization to access the SNS topic encryption key.";
    const failure = Object.assign(new Error("denied"), { name: "KMSAccessDeniedException" });
    await assert.rejects(failureOf(failure), { message });
  });

  it("keeps the words of other failures", async () => {
    await assert.rejects(failureOf(new Error("Topic does not exist")), { message: "Topic does not exist" });
  });
});
