/** The alarms on an endpoint. */
import type { MetricAlarmArgs } from "@pulumi/aws/cloudwatch/index.js";
import * as pulumi from "@pulumi/pulumi";
import { failureRateQueries, failureRateWindow } from "./failure-rate.ts";
import { idleInstancesAlarm } from "./scaling.ts";
import type { WarmWindow } from "./scaling-types.ts";
import { queueMetric, requestMetric } from "./endpoint-metrics.ts";

/** Minutes with queued videos and no instance after which the alarm fires: longer than a GPU instance takes to start. */
const stuckMinutes = 20;

/** The endpoint, and the limits above which alarms fire. */
export interface AlarmScope {
  readonly endpointName: pulumi.Input<string>;
  readonly variantName: pulumi.Input<string>;
  /** Seconds that a request may wait. */
  readonly oldestRequestLimit: pulumi.Input<number>;
  /** Share of failed videos, from 0 to 1. */
  readonly failureRateLimit: pulumi.Input<number>;
  /** Minimum number of videos for the alarm on their share of failures. */
  readonly failureRateMinRequests: pulumi.Input<number>;
  /** Hours in which instances may be idle. @default none */
  readonly warmWindow?: WarmWindow | undefined;
}

/** Key of an alarm. */
export type AlarmKey = "expired" | "failureRate" | "failures" | "idleInstances" | "oldestRequest" | "stuckAtZero";

/** Without events, SageMaker publishes no datapoints. */
const anyDatapoint = {
  comparisonOperator: "GreaterThanOrEqualToThreshold",
  evaluationPeriods: 1,
  threshold: 1,
  treatMissingData: "notBreaching",
} as const;

/** Returns the metric and the threshold of each alarm, in the order of the dashboard. */
export function alarmRules(scope: AlarmScope): Readonly<Record<AlarmKey, MetricAlarmArgs>> {
  const { oldestRequestLimit, failureRateLimit, failureRateMinRequests } = scope;
  return {
    failures: {
      ...anyDatapoint,
      // Not InvocationFailures, which also counts invalid videos of callers, such as the smoke test's.
      alarmDescription: "The model server failed on a video. Read the failure object and the endpoint's log.",
      ...requestMetric("Invocation5XXErrors", scope),
      statistic: "Sum",
      period: 300,
    },
    failureRate: {
      ...anyDatapoint,
      alarmDescription: pulumi.interpolate`More than ${failureRateLimit} of at least ${failureRateMinRequests} videos failed within ${failureRateWindow / 60} minutes. Read the failure objects.`,
      comparisonOperator: "GreaterThanThreshold",
      threshold: failureRateLimit,
      metricQueries: pulumi.output(failureRateMinRequests).apply((min) => failureRateQueries(scope, min)),
    },
    oldestRequest: {
      ...anyDatapoint,
      alarmDescription: pulumi.interpolate`A video has been waiting for ${oldestRequestLimit} s. Add instances or send fewer videos.`,
      ...queueMetric("ApproximateAgeOfOldestRequest", scope),
      statistic: "Maximum",
      period: 60,
      evaluationPeriods: 5,
      threshold: oldestRequestLimit,
    },
    stuckAtZero: {
      ...anyDatapoint,
      alarmDescription:
        "Videos are queued and no instance starts. Check the scaling activities, the quota, and the endpoint's log.",
      ...queueMetric("HasBacklogWithoutCapacity", scope),
      statistic: "Average",
      period: 60,
      evaluationPeriods: stuckMinutes,
    },
    idleInstances: idleInstancesAlarm(scope, scope.warmWindow),
    expired: {
      ...anyDatapoint,
      alarmDescription: "A video was dropped unprocessed, because it waited longer than its RequestTTLSeconds.",
      ...requestMetric("ExpiredRequests", scope),
      statistic: "Sum",
      period: 300,
    },
  };
}
