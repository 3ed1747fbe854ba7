/**
 * A test harness: CloudWatch over the state machine's metrics and alarms; its handlers are called as the gateway calls
 * them.
 */

import type { PutMetricAlarmInput } from "@aws-sdk/client-cloudwatch";
import { Alarms } from "../../core/alarms.ts";
import { MetricStore } from "../../core/metrics.ts";
import { VirtualClock } from "../../core/virtual-clock.ts";
import { accountId, caller, region } from "../application-autoscaling/harness.ts";
import type { GuardedService } from "../../iam/permission.ts";
import { monitoring } from "./service.ts";
import type { WallClockOptions } from "./wall-clock.ts";

/** A minute in milliseconds. */
export const minute = 60_000;

/** A valid alarm on one metric. Tests add its name. */
export const errorsAlarm = {
  Namespace: "Team",
  MetricName: "Errors",
  Statistic: "Sum",
  Period: 60,
  EvaluationPeriods: 1,
  Threshold: 1,
  ComparisonOperator: "GreaterThanThreshold",
} as const satisfies Omit<PutMetricAlarmInput, "AlarmName">;

/** A message that an alarm published. */
export interface Publication {
  readonly topicArn: string;
  readonly message: string;
  readonly subject: string;
}

/** CloudWatch with recorded publications in virtual time. */
export class MonitoringHarness {
  readonly clock = new VirtualClock(Date.UTC(2026, 10, 22, 16));
  readonly metrics = new MetricStore(this.clock);
  readonly alarms = new Alarms({ clock: this.clock, metrics: this.metrics, assumptions: { metricDelay: 0 } });
  readonly published: Publication[] = [];
  readonly start = this.clock.now();
  readonly service: GuardedService;
  readonly call: ReturnType<typeof caller>;

  /** @param options the machine's clock; by default it is the stack's */
  constructor(options: Pick<WallClockOptions, "wallTime" | "wallClockQueries"> = {}) {
    const { clock, metrics, alarms } = this;
    const publish = (_alarmArn: string, topicArn: string, message: string, subject: string): Promise<void> => {
      if (topicArn.endsWith(":gone")) return Promise.reject(new Error("Topic does not exist"));
      this.published.push({ topicArn, message, subject });
      return Promise.resolve();
    };
    this.service = monitoring({
      ...{ clock, metrics, alarms, publish, region, accountId },
      ...{ wallTime: () => clock.now(), ...options },
    });
    this.call = caller(this.service, () => new Date(clock.now()));
  }

  /** Returns a moment, in minutes after the start. */
  at(minutes: number): Date {
    return new Date(this.start + minutes * minute);
  }
}
