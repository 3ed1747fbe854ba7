/** Policies on the number of instances. */
import { Policy } from "@pulumi/aws/appautoscaling/policy.js";
import type { PolicyArgs } from "@pulumi/aws/appautoscaling/policy.js";
import { Target } from "@pulumi/aws/appautoscaling/target.js";
import type { TargetArgs } from "@pulumi/aws/appautoscaling/target.js";
import type { MetricAlarmArgs } from "@pulumi/aws/cloudwatch/metricAlarm.js";
import type { EndpointArgs } from "@pulumi/aws/sagemaker/endpoint.js";
import { validateResourceOfType } from "@pulumi/policy";
import type { PolicyResource } from "@pulumi/policy";
import { resourcePolicy, stackPolicy } from "./policy.ts";
import { comesAfter, ofType, References } from "./resources.ts";
import type { Typed } from "./resources.ts";
import { evaluateEach } from "./unknown.ts";

/** An idle endpoint has no instance, and so costs nothing. */
export const minCapacityZero = resourcePolicy({
  name: "min-capacity-zero",
  description:
    "A SageMaker endpoint variant must scale in to zero instances. Every remaining instance is billed while idle.",
  validate: validateResourceOfType(Target, (target, { name }, reportViolation) => {
    if (!countsVariantInstances(target)) return;
    if (target.minCapacity !== 0) {
      reportViolation(
        `The scalable target '${name}' keeps ${target.minCapacity} instance(s) running while nothing is queued. ` +
          `Set its minCapacity to 0.`,
      );
    }
  }),
});

/** A burst, or a loop by mistake, cannot start an unlimited number of instances. */
export const maxCapacityLimit = resourcePolicy({
  name: "max-capacity-limit",
  description:
    "A SageMaker endpoint variant must have a limited maximum number of instances, so that a burst cannot start any number.",
  config: {
    limit: {
      type: "integer",
      minimum: 1,
      default: 10,
      description: "Maximum number of instances of a variant.",
    },
  },
  validate: validateResourceOfType(Target, (target, args, reportViolation) => {
    if (!countsVariantInstances(target)) return;
    const { limit } = args.getConfig<{ limit: number }>();
    if (target.maxCapacity > limit) {
      reportViolation(
        `The scalable target '${args.name}' may start ${target.maxCapacity} instances. The limit is ${limit}. ` +
          `Set its maxCapacity to at most ${limit}, or raise limit in the policy's config.`,
      );
    }
  }),
});

/** The metrics of an asynchronous endpoint's queue that target tracking can use (SageMaker, "Autoscale an asynchronous endpoint"). */
const backlogMetrics = ["ApproximateBacklogSizePerInstance", "ApproximateBacklogSize"];

/** Target tracking without a backlog metric does nothing: it waits for a metric that is never published. */
export const backlogMetric = resourcePolicy({
  name: "backlog-metric",
  description:
    "Target tracking of an asynchronous endpoint must follow its backlog with only the dimension EndpointName. " +
    "SageMaker publishes no invocation metrics for it, and no backlog metric with a variant's name.",
  validate: validateResourceOfType(Policy, (policy, { name }, reportViolation) => {
    const tracking = policy.targetTrackingScalingPolicyConfiguration;
    if (!countsVariantInstances(policy) || tracking === undefined) return;
    const remedy = (property: string, value: string): string =>
      `Set targetTrackingScalingPolicyConfiguration.customizedMetricSpecification.${property} to ${value}.`;
    const metric = tracking.customizedMetricSpecification;
    if (metric === undefined) {
      reportViolation(
        `The scaling policy '${name}' tracks a predefined metric, which asynchronous endpoints do not publish. ` +
          remedy("metricName", backlogMetrics[0] ?? ""),
      );
      return;
    }
    const tracked =
      metric.metrics === undefined || metric.metrics.length === 0
        ? [{ ...pick(metric), at: "" }]
        : metric.metrics.flatMap(({ metricStat }, index) =>
            metricStat === undefined
              ? []
              : [{ ...pick(metricStat.metric), at: `metrics[${index}].metricStat.metric.` }],
          );
    for (const { metricName, namespace, dimensionNames, at } of tracked) {
      if (namespace !== "AWS/SageMaker" || !backlogMetrics.includes(metricName ?? "")) {
        reportViolation(
          `The scaling policy '${name}' tracks ${namespace ?? "no namespace"} ${metricName ?? "no metric"}, which does not measure the queue. ` +
            `${remedy(`${at}metricName`, backlogMetrics.join(" or "))} ${remedy(`${at}namespace`, "AWS/SageMaker")}`,
        );
      } else if (dimensionNames.join() !== "EndpointName") {
        reportViolation(
          `The scaling policy '${name}' tracks ${metricName ?? ""} by ${dimensionNames.join(" and ") || "no dimension"}, for which there is no data. ` +
            remedy(`${at}dimensions`, "only the dimension EndpointName"),
        );
      }
    }
  }),
});

/** A metric without the values of its dimensions, which are unknown in a first preview. */
function pick(metric: {
  readonly metricName?: string | undefined;
  readonly namespace?: string | undefined;
  readonly dimensions?: readonly { readonly name: string }[] | undefined;
}) {
  const { metricName, namespace, dimensions = [] } = metric;
  return { metricName, namespace, dimensionNames: dimensions.map(({ name }) => name) };
}

/** Returns the targets for instances of endpoint variants, and finds their policies and the alarms that run these. */
export function scalingReferences(resources: readonly PolicyResource[]) {
  const targets = variantTargets(resources);
  const policies = ofType<PolicyArgs>(resources, "aws:appautoscaling/policy:Policy");
  const policiesOf = new References({
    from: policies,
    property: "resourceId",
    values: ({ props }) => [props.resourceId],
    to: targets,
    names: [({ props }) => props.resourceId],
  });
  const alarmsOf = new References({
    from: ofType<MetricAlarmArgs>(resources, "aws:cloudwatch/metricAlarm:MetricAlarm"),
    property: "alarmActions",
    values: ({ props }) => [...(props.alarmActions ?? [])],
    to: policies,
    names: [({ props }) => props.arn],
  });
  return { targets, policiesOf, alarmsOf };
}

/** Too short: another instance is started before the last one counts. Too long: the backlog, or the bill, grows meanwhile. */
export const cooldownsSane = resourcePolicy({
  name: "cooldowns-sane",
  description:
    "Cooldowns must be long enough for metrics, published once a minute, to show the last change, and short enough to follow the backlog.",
  config: {
    minSeconds: { type: "integer", minimum: 0, default: 60, description: "Minimum cooldown (s)." },
    maxSeconds: { type: "integer", minimum: 1, default: 1800, description: "Maximum cooldown (s)." },
  },
  validate: validateResourceOfType(Policy, (policy, args, reportViolation) => {
    if (!countsVariantInstances(policy)) return;
    const { minSeconds, maxSeconds } = args.getConfig<{ minSeconds: number; maxSeconds: number }>();
    const { scaleInCooldown, scaleOutCooldown } = policy.targetTrackingScalingPolicyConfiguration ?? {};
    const cooldowns = {
      "targetTrackingScalingPolicyConfiguration.scaleInCooldown": scaleInCooldown,
      "targetTrackingScalingPolicyConfiguration.scaleOutCooldown": scaleOutCooldown,
      "stepScalingPolicyConfiguration.cooldown": policy.stepScalingPolicyConfiguration?.cooldown,
    };
    for (const [property, seconds] of Object.entries(cooldowns)) {
      if (seconds !== undefined && (seconds < minSeconds || seconds > maxSeconds)) {
        reportViolation(
          `The scaling policy '${args.name}' has a cooldown of ${seconds} s. ` +
            `Set its ${property} to ${minSeconds} to ${maxSeconds} (seconds).`,
        );
      }
    }
  }),
});

/** A target that does not depend on its endpoint is registered too early, and, worse, deregistered too late. */
export const targetAfterEndpoint = stackPolicy({
  name: "target-after-endpoint",
  description:
    "A scalable target must depend on its endpoint. AWS refuses to register a variant that is not in service, and to delete an endpoint with a registered target.",
  validate: ({ resources }, reportViolation) => {
    const targets = variantTargets(resources);
    const endpoints = endpointsOf(targets, resources);
    evaluateEach(targets, reportViolation, (target) => {
      // An unknown name that comes from no endpoint of the stack throws here: it cannot be evaluated yet.
      const own = endpoints.of(target);
      if (own !== undefined && !comesAfter(target, own)) {
        reportViolation(
          `The scalable target '${target.name}' does not depend on its endpoint '${own.name}'. ` +
            `Use the endpoint's name output in its resourceId, or add dependsOn: the endpoint.`,
          target.urn,
        );
      }
    });
  },
});

/** Finds the endpoint that each target scales. */
export function endpointsOf(
  targets: readonly Typed<TargetArgs>[],
  resources: readonly PolicyResource[],
): References<Typed<TargetArgs>, Typed<EndpointArgs>> {
  return new References({
    from: targets,
    property: "resourceId",
    values: (target) => [endpointName(target)],
    to: ofType<EndpointArgs>(resources, "aws:sagemaker/endpoint:Endpoint"),
    names: [({ props }) => props.name],
  });
}

/** Returns the endpoint's name in `endpoint/NAME/variant/VARIANT`; may read an unknown value. */
export function endpointName({ props }: Typed<TargetArgs>): string | undefined {
  return props.resourceId.split("/")[1];
}

/** Returns the targets for an endpoint variant's number of instances. */
export function variantTargets(resources: readonly PolicyResource[]): Typed<TargetArgs>[] {
  return ofType<TargetArgs>(resources, "aws:appautoscaling/target:Target").filter(({ props }) =>
    countsVariantInstances(props),
  );
}

/** Checks for the scalable dimension of SageMaker that is an endpoint variant's number of instances. */
export function countsVariantInstances(scaled: {
  readonly serviceNamespace: string;
  readonly scalableDimension: string;
}) {
  return (
    scaled.serviceNamespace === "sagemaker" && scaled.scalableDimension === "sagemaker:variant:DesiredInstanceCount"
  );
}
