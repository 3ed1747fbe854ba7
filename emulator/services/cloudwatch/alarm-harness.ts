/** For tests: an alarm with actions on a topic and on a scaling policy, and data for its metric. */

import type { PutMetricAlarmInput } from "@aws-sdk/client-cloudwatch";
import { MonitoringHarness } from "./harness.ts";

/** A topic of the stack. */
export const topic = "arn:aws:sns:us-east-1:000000000000:operations";
/** A scaling policy. */
const policy = "arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:u:resource/sagemaker/r:policyName/wake";

/** An alarm on the endpoint's backlog without capacity; it wakes the endpoint. */
export const alarm = {
  AlarmName: "clips-wake-0a1b2c3",
  AlarmDescription: "something waits",
  Namespace: "AWS/SageMaker",
  MetricName: "HasBacklogWithoutCapacity",
  Dimensions: [{ Name: "EndpointName", Value: "videos" }],
  Statistic: "Average",
  Period: 60,
  EvaluationPeriods: 2,
  DatapointsToAlarm: 2,
  Threshold: 1,
  ComparisonOperator: "GreaterThanOrEqualToThreshold",
  TreatMissingData: "missing",
  ActionsEnabled: true,
  AlarmActions: [policy],
} satisfies PutMetricAlarmInput;
/** Its ARN. */
export const alarmArn = `arn:aws:cloudwatch:us-east-1:000000000000:alarm:${alarm.AlarmName}`;

/** Returns CloudWatch with the alarm, changed by `changes`. */
export async function withAlarm(changes: Partial<PutMetricAlarmInput> = {}): Promise<MonitoringHarness> {
  const harness = new MonitoringHarness();
  await harness.call("PutMetricAlarm", { ...alarm, ...changes });
  return harness;
}

/** Puts a value of the alarm's metric, `minutes` after the start. */
export function put(harness: MonitoringHarness, minutes: number, value: number): void {
  const dimensions = { EndpointName: "videos" };
  const name = "HasBacklogWithoutCapacity";
  harness.metrics.put({
    namespace: "AWS/SageMaker",
    name,
    dimensions,
    timestamp: harness.at(minutes).getTime(),
    value,
  });
}
