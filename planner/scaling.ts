/** Gives the simulated autoscaler the policies, alarms and scheduled actions of `infra/scaling.ts`. */

import type { AlarmSettings, Alarms, WatchedMetric } from "../emulator/core/alarms.ts";
import type { Autoscaler } from "../emulator/core/autoscaler.ts";
import { MetricQueries } from "../emulator/core/metric-queries.ts";
import type { MetricStat } from "../emulator/core/metric-queries.ts";
import type { StepScaling, TargetTracking } from "../emulator/core/scaling-policy.ts";
import type { Alarm, Scaling, Step, StepPolicy, TrackingPolicy } from "../infra/scaling-types.ts";

/** The scaling of a stack whose settings are known. */
export type KnownScaling = Scaling<string, number, Step[]>;

/** Registers the resource, and creates its policies, alarms and scheduled actions. */
export function applyScaling(
  scaling: KnownScaling,
  { autoscaler, alarms, resourceId }: { autoscaler: Autoscaler; alarms: Alarms; resourceId: string },
): void {
  const { minCapacity, maxCapacity } = scaling.target;
  autoscaler.register(resourceId, { min: minCapacity, max: maxCapacity });
  const arns = new Map<string, string>();
  for (const [name, policy] of Object.entries(scaling.policies)) {
    arns.set(name, autoscaler.putPolicy(resourceId, name, ruleOf(policy)).arn);
  }
  for (const [name, { runs, alarm }] of Object.entries(scaling.alarms)) {
    const arn = arns.get(runs);
    alarms.put(alarmSettings(name, alarm, arn === undefined ? [] : [arn]));
  }
  for (const [name, { schedule, timezone, scalableTargetAction }] of Object.entries(scaling.scheduledActions)) {
    autoscaler.scheduledActions.put({ name, resourceId, schedule, timezone, min: scalableTargetAction.minCapacity });
  }
}

function ruleOf(policy: StepPolicy | TrackingPolicy<string, number>): StepScaling | TargetTracking {
  if (policy.policyType === "StepScaling") {
    const { adjustmentType, metricAggregationType, cooldown, stepAdjustments } = policy.stepScalingPolicyConfiguration;
    return {
      type: "StepScaling",
      adjustmentType,
      aggregation: metricAggregationType,
      cooldown: cooldown * 1_000,
      steps: stepAdjustments.map((step) => ({
        lower: numberOf(step.metricIntervalLowerBound),
        upper: numberOf(step.metricIntervalUpperBound),
        adjustment: step.scalingAdjustment,
      })),
    };
  }
  const configuration = policy.targetTrackingScalingPolicyConfiguration;
  const { namespace, metricName, dimensions, statistic } = configuration.customizedMetricSpecification;
  return {
    type: "TargetTrackingScaling",
    watched: {
      metric: {
        namespace,
        name: metricName,
        dimensions: Object.fromEntries(dimensions.map(({ name, value }) => [name, value])),
      },
      statistic,
    },
    target: configuration.targetValue,
    scaleOutCooldown: configuration.scaleOutCooldown * 1_000,
    scaleInCooldown: configuration.scaleInCooldown * 1_000,
    disableScaleIn: configuration.disableScaleIn,
  };
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** Converts an alarm; `actions` run while it is in ALARM. */
export function alarmSettings(name: string, alarm: Alarm<string, number>, actions: readonly string[]): AlarmSettings {
  const { watched, period } = watchedBy(alarm);
  return {
    name,
    watched,
    period,
    evaluationPeriods: alarm.evaluationPeriods,
    datapointsToAlarm: alarm.datapointsToAlarm,
    threshold: alarm.threshold,
    comparison: alarm.comparisonOperator,
    treatMissingData: alarm.treatMissingData,
    actionsEnabled: true,
    actions: { OK: [], ALARM: actions, INSUFFICIENT_DATA: [] },
  };
}

function watchedBy(alarm: Alarm<string, number>): { watched: WatchedMetric | MetricQueries; period: number } {
  const { metricQueries } = alarm;
  if (metricQueries === undefined) {
    const { namespace = "", metricName = "", dimensions = {}, statistic = "Average", period = 60 } = alarm;
    const watched = { metric: { namespace, name: metricName, dimensions }, statistic };
    return { watched, period: period * 1_000 };
  }
  const queries = new MetricQueries(
    metricQueries.map(({ id, expression, label, metric, returnData = false }) => ({
      id,
      label,
      isReturned: returnData,
      source: expression ?? statOf(metric),
    })),
  );
  const returned = metricQueries.find(({ returnData }) => returnData)?.id ?? "";
  return { watched: queries, period: queries.period(returned) };
}

function statOf(metric: NonNullable<Alarm<string, number>["metricQueries"]>[number]["metric"]): MetricStat {
  if (metric === undefined) throw new TypeError("A query has neither a metric nor an expression.");
  const { namespace, metricName, dimensions, stat, period } = metric;
  return {
    metric: { namespace, name: metricName, dimensions },
    statistic: stat as MetricStat["statistic"],
    period: period * 1_000,
  };
}
