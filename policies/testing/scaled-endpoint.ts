/** The resources of a scaled endpoint, for tests of the policies on scaling. */
import { unknownString, urnOf } from "./evaluate.ts";
import type { TestResource } from "./evaluate.ts";

/** Name of the scaled resource, which a target and its policies share. */
export const variant = {
  serviceNamespace: "sagemaker",
  scalableDimension: "sagemaker:variant:DesiredInstanceCount",
  resourceId: "endpoint/videos-1a2b3c4/variant/AllTraffic",
};
/** An endpoint. */
export const endpoint: TestResource = {
  type: "aws:sagemaker/endpoint:Endpoint",
  name: "videos",
  props: { name: "videos-1a2b3c4" },
};
/** Its scalable target. */
export const target: TestResource = {
  type: "aws:appautoscaling/target:Target",
  name: "videos",
  props: { ...variant, minCapacity: 0, maxCapacity: 5 },
  dependsOn: { resourceId: [urnOf(endpoint)] },
};
/** A metric that target tracking may follow. */
export const specification = {
  metricName: "ApproximateBacklogSizePerInstance",
  namespace: "AWS/SageMaker",
  statistic: "Average",
  dimensions: [{ name: "EndpointName", value: unknownString }],
};

/** Returns a policy that tracks a metric. */
export function tracking(customizedMetricSpecification: object | undefined, others: object = {}): TestResource {
  return {
    type: "aws:appautoscaling/policy:Policy",
    name: "backlog",
    props: {
      ...variant,
      policyType: "TargetTrackingScaling",
      targetTrackingScalingPolicyConfiguration: {
        targetValue: 5,
        scaleInCooldown: 120,
        scaleOutCooldown: 120,
        customizedMetricSpecification,
        ...others,
      },
    },
  };
}

/** A policy that starts an instance. */
export const wake: TestResource = {
  type: "aws:appautoscaling/policy:Policy",
  name: "from-zero",
  props: {
    ...variant,
    arn: "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1:wake",
    policyType: "StepScaling",
    stepScalingPolicyConfiguration: {
      adjustmentType: "ChangeInCapacity",
      cooldown: 300,
      stepAdjustments: [{ metricIntervalLowerBound: "0", scalingAdjustment: 1 }],
    },
  },
  dependsOn: { resourceId: [urnOf(target)] },
};

/** The alarm that runs it. */
export const alarm: TestResource = {
  type: "aws:cloudwatch/metricAlarm:MetricAlarm",
  name: "from-zero",
  props: {
    metricName: "HasBacklogWithoutCapacity",
    namespace: "AWS/SageMaker",
    dimensions: { EndpointName: "videos-1a2b3c4" },
    comparisonOperator: "GreaterThanOrEqualToThreshold",
    threshold: 1,
    alarmActions: [wake.props["arn"]],
  },
  dependsOn: { alarmActions: [urnOf(wake)] },
};
