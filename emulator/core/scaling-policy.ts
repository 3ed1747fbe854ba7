/** Rules of Application Auto Scaling's policies: pure functions from a metric's value to a number of instances. */

import type { AlarmSettings, WatchedMetric } from "./alarms.ts";
import type { ScalingAssumptions } from "./assumptions.ts";
import { MetricQueries } from "./metric-queries.ts";

/**
 * One step: applies while lower <= value - threshold < upper, or lower < value - threshold <= upper; no bound:
 * unbounded.
 */
export interface StepAdjustment {
  readonly lower?: number | undefined;
  readonly upper?: number | undefined;
  readonly adjustment: number;
}

/** Configuration of step scaling. The cooldown is in milliseconds. */
export interface StepScaling {
  readonly type: "StepScaling";
  readonly adjustmentType: "ChangeInCapacity" | "ExactCapacity" | "PercentChangeInCapacity";
  readonly steps: readonly StepAdjustment[];
  /** Minimum change by a percentage. */
  readonly minAdjustment?: number | undefined;
  /** ms. */
  readonly cooldown: number;
  /** Aggregation of the alarm's datapoints. @default "Average" */
  readonly aggregation?: "Average" | "Minimum" | "Maximum" | undefined;
}

/** Configuration of target tracking. Cooldowns are in milliseconds. */
export interface TargetTracking {
  readonly type: "TargetTrackingScaling";
  /** A metric, or queries, one of which returns the tracked result. */
  readonly watched: WatchedMetric | MetricQueries;
  readonly target: number;
  /** ms. */
  readonly scaleOutCooldown: number;
  /** ms. */
  readonly scaleInCooldown: number;
  readonly disableScaleIn: boolean;
}

/**
 * Default cooldown of the service for endpoint variants, ms (API reference, StepScalingPolicyConfiguration and
 * TargetTrackingScalingPolicyConfiguration).
 */
export const defaultCooldown = 300_000;

/**
 * Threshold of target tracking's low alarm as a share of the target; the user guide says "typically more than 10%"
 * below.
 */
const lowShare = 0.9;

/**
 * Converts a percentage to a whole number of instances: at least one, otherwise towards zero (API reference,
 * PercentChangeInCapacity).
 */
function percentOf(capacity: number, percent: number, least: number): number {
  const exact = (capacity * percent) / 100;
  if (exact === 0) return 0;
  return Math.sign(exact) * Math.max(Math.floor(Math.abs(exact)), 1, least);
}

/** An alarm's breach, as a step policy gets it. */
export interface Breach {
  /** Value of the metric minus the alarm's threshold. */
  readonly difference: number;
  /** The bound of a step that includes a value equal to it. */
  readonly inclusive: "lower" | "upper";
}

/** Returns an alarm's breach under the assumptions about step policies. */
export function breachOf(
  { watched, threshold, comparison }: AlarmSettings,
  value: number,
  assumed: ScalingAssumptions,
) {
  const isValueKnown = !(watched instanceof MetricQueries) || assumed.metricMathValue === "value";
  const difference = isValueKnown ? value - threshold : 0;
  const isUpward = assumed.stepEquality === "by-value" ? difference >= 0 : comparison.startsWith("Greater");
  return { difference, inclusive: isUpward ? "lower" : "upper" } satisfies Breach;
}

/**
 * Returns the number of instances that a step policy requests, from `current` instances; undefined if no step applies.
 */
export function stepCapacity(
  policy: StepScaling,
  { difference, inclusive }: Breach,
  current: number,
): number | undefined {
  const step = policy.steps.find(({ lower = -Infinity, upper = Infinity }) => {
    if (inclusive === "lower") return lower <= difference && difference < upper;
    return lower < difference && difference <= upper;
  });
  if (step === undefined) return undefined;
  switch (policy.adjustmentType) {
    case "ExactCapacity":
      return step.adjustment;
    case "ChangeInCapacity":
      return current + step.adjustment;
    case "PercentChangeInCapacity":
      return current + percentOf(current, step.adjustment, policy.minAdjustment ?? 0);
  }
}

/**
 * Returns the number of instances that target tracking requests: proportional, rounded up, so that a scale-in never
 * lifts the metric above the target (user guide). At zero instances the metric is the whole backlog, as if there were
 * one. AWS does not document the exact formula.
 */
export function trackingCapacity(policy: TargetTracking, value: number, current: number): number {
  const exact = (Math.max(1, current) * value) / policy.target;
  // A backlog divided by the instances and multiplied again may be slightly above the original whole number.
  return Math.max(0, Math.ceil(exact - 1e-9));
}

/** Names and ARNs of AWS's alarms of a target-tracking policy. */
export interface TrackingNames {
  readonly resourceId: string;
  readonly policyArn: string;
  readonly uuid: () => string;
}

/**
 * Returns the alarms of a target-tracking policy: 3 of 3 minutes above the target, 15 of 15 below 90 % of it (none if
 * scale-in is disabled). Name, description and action are those in exports from AWS.
 */
export function trackingAlarms(
  policy: TargetTracking,
  names: TrackingNames,
): { high: AlarmSettings; low?: AlarmSettings } {
  const creator = `${names.policyArn}:createdBy/${names.uuid()}`;
  const base = {
    watched: policy.watched,
    period: 60_000,
    treatMissingData: "missing",
    description: `DO NOT EDIT OR DELETE. For TargetTrackingScaling policy ${creator}.`,
    actionsEnabled: true,
    actions: { OK: [], ALARM: [creator], INSUFFICIENT_DATA: [] },
  } as const;
  const prefix = `TargetTracking-${names.resourceId}`;
  const high: AlarmSettings = {
    ...base,
    name: `${prefix}-AlarmHigh-${names.uuid()}`,
    comparison: "GreaterThanThreshold",
    threshold: policy.target,
    evaluationPeriods: 3,
  };
  if (policy.disableScaleIn) return { high };
  const low: AlarmSettings = {
    ...base,
    name: `${prefix}-AlarmLow-${names.uuid()}`,
    comparison: "LessThanThreshold",
    threshold: policy.target * lowShare,
    evaluationPeriods: 15,
  };
  return { high, low };
}
