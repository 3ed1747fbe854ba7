/** The policy on scaling to zero. */
import type { PolicyArgs } from "@pulumi/aws/appautoscaling/policy.js";
import { stackPolicy } from "./policy.ts";
import type { Typed } from "./resources.ts";
import { tellsOfEmptyBacklog } from "./scaling-alarms.ts";
import { endpointName, scalingReferences } from "./scaling.ts";
import { evaluateEach } from "./unknown.ts";

/** Without a scale-in, the instances of the first burst are billed until someone notices. */
export const scalesToZero = stackPolicy({
  name: "scales-to-zero",
  description:
    "An endpoint variant that target tracking does not scale in must have a step scaling policy to zero instances that an alarm on its empty backlog runs. " +
    "Its step must not apply to a queued or running request.",
  validate: ({ resources }, reportViolation) => {
    const { targets, policiesOf, alarmsOf } = scalingReferences(resources);
    evaluateEach(targets, reportViolation, (target) => {
      const policies = policiesOf.to(target);
      if (policies.some(scalesInByTracking)) return;
      const stopping = policies.filter(stopsInstances);
      const remedy =
        `MetricAlarm on AWS/SageMaker ApproximateBacklogSize with only the dimension EndpointName, statistic Maximum, ` +
        `comparisonOperator LessThanThreshold, threshold 1, and the policy's ARN in alarmActions.`;
      if (stopping.length === 0) {
        reportViolation(
          `Nothing stops the instances of the scalable target '${target.name}': no target tracking may scale it in. Set disableScaleIn to false, or ` +
            `add a scaling policy with its resourceId, policyType StepScaling, adjustmentType ExactCapacity and the step ` +
            `{ metricIntervalUpperBound: "-0.5", scalingAdjustment: 0 }, and a ${remedy}`,
          target.urn,
        );
        return;
      }
      const runs = stopping.flatMap((policy) =>
        alarmsOf
          .to(policy)
          .filter((alarm) => tellsOfEmptyBacklog(alarm, () => endpointName(target)))
          .map((alarm) => ({ policy, threshold: alarm.props.threshold ?? 0 })),
      );
      if (runs.length === 0) {
        reportViolation(
          `Nothing stops the instances of the scalable target '${target.name}'. ` +
            `Run its step scaling policy '${stopping[0]?.name ?? ""}' by a ${remedy}`,
          target.urn,
        );
        return;
      }
      const wrong = runs.find(({ policy, threshold }) => !appliesOnlyToZero(policy, threshold));
      if (wrong !== undefined) {
        reportViolation(
          `The step to zero of the scaling policy '${wrong.policy.name}' does not apply to an empty backlog, or may apply to a queued or running request of ` +
            `the scalable target '${target.name}'. Set its only bound, metricIntervalUpperBound, to "${0.5 - wrong.threshold}": ` +
            `halfway between 0 and 1, relative to the alarm's threshold ${wrong.threshold}.`,
          target.urn,
        );
      }
    });
  },
});

function scalesInByTracking({ props }: Typed<PolicyArgs>): boolean {
  const tracking = props.targetTrackingScalingPolicyConfiguration;
  return tracking !== undefined && tracking.disableScaleIn !== true;
}

function zeroStepsOf({ props }: Typed<PolicyArgs>) {
  const { adjustmentType, stepAdjustments = [] } = props.stepScalingPolicyConfiguration ?? {};
  return adjustmentType === "ExactCapacity"
    ? stepAdjustments.filter(({ scalingAdjustment }) => scalingAdjustment === 0)
    : [];
}

function stopsInstances(policy: Typed<PolicyArgs>): boolean {
  return zeroStepsOf(policy).length > 0;
}

/**
 * Checks that the steps to zero apply to a backlog of 0 and to no other. A bound that equals the difference from the threshold counts as
 * neither inside nor outside: the API reference (StepAdjustment) does not define it for each alarm.
 */
function appliesOnlyToZero(policy: Typed<PolicyArgs>, threshold: number): boolean {
  const steps = zeroStepsOf(policy).map(({ metricIntervalLowerBound: lower, metricIntervalUpperBound: upper }) => ({
    lower: lower === undefined ? -Infinity : Number(lower) + threshold,
    upper: upper === undefined ? Infinity : Number(upper) + threshold,
  }));
  return steps.every(({ upper }) => upper < 1) && steps.some(({ lower, upper }) => lower < 0 && upper > 0);
}
