/**
 * Converts scaling policies between Application Auto Scaling's wire format and the autoscaler's rules, with the checks
 * that no API model states.
 */

import type {
  PutScalingPolicyRequest,
  ScalingPolicy as WirePolicy,
  StepScalingPolicyConfiguration,
  TargetTrackingScalingPolicyConfiguration,
} from "@aws-sdk/client-application-auto-scaling";
import { defaultCooldown } from "../../core/scaling-policy.ts";
import type { StepAdjustment, StepScaling, TargetTracking } from "../../core/scaling-policy.ts";
import { validationException } from "../../wire/service.ts";
import type { AwsError } from "../../wire/service.ts";
import { refuse } from "../unsupported.ts";
import { trackedMetric, wireTrackedMetric } from "./tracked-metric.ts";

/** API reference, StepScalingPolicyConfiguration. */
const mostSteps = 20;

/**
 * Converts the policy to a rule.
 * @throws {AwsError} ValidationException for an invalid policy; the refusal by name of predictive scaling
 */
export function ruleOf(input: PutScalingPolicyRequest): StepScaling | TargetTracking {
  const { PolicyType = "StepScaling" } = input;
  switch (PolicyType) {
    case "StepScaling":
      if (input.StepScalingPolicyConfiguration === undefined) {
        throw validationException("StepScalingPolicyConfiguration is required for policy type StepScaling");
      }
      return stepRule(input.StepScalingPolicyConfiguration);
    case "TargetTrackingScaling":
      if (input.TargetTrackingScalingPolicyConfiguration === undefined) {
        throw validationException(
          "TargetTrackingScalingPolicyConfiguration is required for policy type TargetTrackingScaling",
        );
      }
      return trackingRule(input.TargetTrackingScalingPolicyConfiguration);
    case "PredictiveScaling":
      refuse("scaling policies of type PredictiveScaling");
  }
}

function milliseconds(cooldown: number | undefined): number {
  if (cooldown !== undefined && cooldown < 0) throw validationException("Cooldown must be greater than or equal to 0");
  return cooldown === undefined ? defaultCooldown : cooldown * 1_000;
}

function stepRule(configuration: StepScalingPolicyConfiguration): StepScaling {
  const {
    AdjustmentType,
    StepAdjustments = [],
    MinAdjustmentMagnitude,
    Cooldown,
    MetricAggregationType,
  } = configuration;
  if (AdjustmentType === undefined) throw validationException("AdjustmentType is required for step scaling policies");
  if (StepAdjustments.length === 0) throw validationException("At least one StepAdjustment must be specified");
  if (StepAdjustments.length > mostSteps) {
    throw validationException(`There can be at most ${mostSteps} step adjustments per scaling policy`);
  }
  if (MinAdjustmentMagnitude !== undefined && AdjustmentType !== "PercentChangeInCapacity") {
    throw validationException("MinAdjustmentMagnitude is only supported for adjustment type PercentChangeInCapacity");
  }
  const steps = StepAdjustments.map((step) => ({
    lower: step.MetricIntervalLowerBound,
    upper: step.MetricIntervalUpperBound,
    adjustment: step.ScalingAdjustment ?? 0,
  }));
  checkSteps(steps);
  return {
    type: "StepScaling",
    adjustmentType: AdjustmentType,
    steps,
    cooldown: milliseconds(Cooldown),
    minAdjustment: MinAdjustmentMagnitude,
    aggregation: MetricAggregationType,
  };
}

/** Checks the rules of the API reference, StepAdjustment: no overlap, no gap, open ends if needed. */
function checkSteps(steps: readonly StepAdjustment[]): void {
  if (steps.some(({ lower, upper }) => lower === undefined && upper === undefined)) {
    throw validationException("Both lower and upper bounds of a step adjustment cannot be left unspecified");
  }
  const sorted = steps.toSorted((left, right) => (left.lower ?? -Infinity) - (right.lower ?? -Infinity));
  for (const [index, { lower = -Infinity, upper = Infinity }] of sorted.entries()) {
    if (lower >= upper)
      throw validationException("The lower bound of a StepAdjustment must be less than its upper bound");
    const next = sorted[index + 1];
    if (next === undefined) continue;
    if ((next.lower ?? -Infinity) < upper) throw validationException("StepAdjustment intervals can't overlap");
    if ((next.lower ?? -Infinity) > upper)
      throw validationException("StepAdjustment intervals can't have gaps between them");
  }
  const [first, last] = [sorted[0], sorted.at(-1)];
  if ((first?.lower ?? 0) < 0) {
    throw validationException(
      "There must be a StepAdjustment with an unspecified lower bound (i.e., lower bound is null) when one StepAdjustment has a negative lower bound",
    );
  }
  if ((last?.upper ?? 0) > 0) {
    throw validationException(
      "There must be a StepAdjustment with an unspecified upper bound (i.e., upper bound is null) when one StepAdjustment has a positive upper bound",
    );
  }
}

function trackingRule(configuration: TargetTrackingScalingPolicyConfiguration): TargetTracking {
  const { CustomizedMetricSpecification: customized, PredefinedMetricSpecification: predefined } = configuration;
  if ((customized === undefined) === (predefined === undefined)) {
    throw validationException(
      "Exactly one of CustomizedMetricSpecification and PredefinedMetricSpecification must be specified",
    );
  }
  if (customized === undefined) throw refusedPredefined(String(predefined?.PredefinedMetricType));
  const { TargetValue = 0, ScaleOutCooldown, ScaleInCooldown, DisableScaleIn = false } = configuration;
  if (TargetValue <= 0) throw validationException("TargetValue must be greater than 0");
  return {
    type: "TargetTrackingScaling",
    watched: trackedMetric(customized),
    target: TargetValue,
    scaleOutCooldown: milliseconds(ScaleOutCooldown),
    scaleInCooldown: milliseconds(ScaleInCooldown),
    disableScaleIn: DisableScaleIn,
  };
}

/**
 * Returns the emulator's refusal of a predefined metric. Unconfirmed: AWS may accept it, and its words for a metric of
 * another service are not known. Asynchronous endpoints publish none of them: the developer guide ("Autoscale an
 * asynchronous endpoint") only uses a customized metric for them.
 */
function refusedPredefined(name: string): AwsError {
  return validationException(
    `The emulator refuses the predefined metric ${name}, because asynchronous endpoints do not publish it. Use a CustomizedMetricSpecification with ApproximateBacklogSizePerInstance.`,
  );
}

type WireRule = Pick<
  WirePolicy,
  "PolicyType" | "StepScalingPolicyConfiguration" | "TargetTrackingScalingPolicyConfiguration"
>;

/** Formats the rule as DescribeScalingPolicies does. */
export function wireRule(rule: StepScaling | TargetTracking): WireRule {
  if (rule.type === "StepScaling") {
    return {
      PolicyType: "StepScaling",
      StepScalingPolicyConfiguration: {
        AdjustmentType: rule.adjustmentType,
        StepAdjustments: rule.steps.map(({ lower, upper, adjustment }) => ({
          MetricIntervalLowerBound: lower,
          MetricIntervalUpperBound: upper,
          ScalingAdjustment: adjustment,
        })),
        MinAdjustmentMagnitude: rule.minAdjustment,
        Cooldown: rule.cooldown / 1_000,
        MetricAggregationType: rule.aggregation,
      },
    };
  }
  return {
    PolicyType: "TargetTrackingScaling",
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: rule.target,
      CustomizedMetricSpecification: wireTrackedMetric(rule.watched),
      ScaleOutCooldown: rule.scaleOutCooldown / 1_000,
      ScaleInCooldown: rule.scaleInCooldown / 1_000,
      DisableScaleIn: rule.disableScaleIn,
    },
  };
}
