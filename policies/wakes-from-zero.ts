/** The policy on the start from zero instances. */
import type { PolicyArgs } from "@pulumi/aws/appautoscaling/policy.js";
import { stackPolicy } from "./policy.ts";
import type { Typed } from "./resources.ts";
import { tellsOfWaiting } from "./scaling-alarms.ts";
import { endpointName, scalingReferences } from "./scaling.ts";
import { evaluateEach } from "./unknown.ts";

/** At zero instances, target tracking starts one only if the backlog exceeds its target. A single video would wait forever. */
export const wakesFromZero = stackPolicy({
  name: "wakes-from-zero",
  description:
    "An endpoint variant that scales to zero must have a step scaling policy that an alarm on HasBacklogWithoutCapacity soon runs. " +
    "Otherwise a backlog below the target waits forever.",
  config: {
    maxMinutes: { type: "number", minimum: 1, default: 5, description: "Maximum time that the alarm evaluates (min)." },
  },
  validate: (args, reportViolation) => {
    const { maxMinutes } = args.getConfig<{ maxMinutes: number }>();
    const { targets, policiesOf, alarmsOf } = scalingReferences(args.resources);
    evaluateEach(targets, reportViolation, (target) => {
      if (target.props.minCapacity !== 0) return;
      const starting = policiesOf.to(target).filter(startsFromZero);
      const woken = starting.some((policy) =>
        alarmsOf.to(policy).some((alarm) => tellsOfWaiting(alarm, () => endpointName(target), maxMinutes)),
      );
      if (!woken) {
        reportViolation(
          `Nothing starts the first instance of the scalable target '${target.name}' within ${maxMinutes} minutes. ` +
            (starting.length === 0
              ? `Add a scaling policy with its resourceId, policyType StepScaling, adjustmentType ChangeInCapacity and a step of 1 or more, and a `
              : `Run its step scaling policy '${starting[0]?.name ?? ""}' by a `) +
            `MetricAlarm on AWS/SageMaker HasBacklogWithoutCapacity with only the dimension EndpointName (or on the expression ` +
            `IF(h >= 1, b, 0), in which h is that metric and b is ApproximateBacklogSize), ` +
            `comparisonOperator GreaterThanOrEqualToThreshold, threshold 1, and the policy's ARN in alarmActions.`,
          target.urn,
        );
      }
    });
  },
});

/** A change by percent has no effect at zero. */
function startsFromZero({ props }: Typed<PolicyArgs>): boolean {
  const { adjustmentType, stepAdjustments = [] } = props.stepScalingPolicyConfiguration ?? {};
  return (
    (adjustmentType === "ChangeInCapacity" || adjustmentType === "ExactCapacity") &&
    stepAdjustments.some(({ scalingAdjustment }) => scalingAdjustment >= 1)
  );
}
