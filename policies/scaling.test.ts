/** Tests the policies on scaling. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  backlogMetric,
  cooldownsSane,
  maxCapacityLimit,
  minCapacityZero,
  targetAfterEndpoint,
  wakesFromZero,
} from "./scaling.ts";
import { policyTests, withProps } from "./testing/cases.ts";
import { reports, unknownNumber, unknownString, urnOf } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";

const variant = {
  serviceNamespace: "sagemaker",
  scalableDimension: "sagemaker:variant:DesiredInstanceCount",
  resourceId: "endpoint/videos-1a2b3c4/variant/AllTraffic",
};
const endpoint: TestResource = {
  type: "aws:sagemaker/endpoint:Endpoint",
  name: "videos",
  props: { name: "videos-1a2b3c4" },
};
const target: TestResource = {
  type: "aws:appautoscaling/target:Target",
  name: "videos",
  props: { ...variant, minCapacity: 0, maxCapacity: 5 },
  dependsOn: { resourceId: [urnOf(endpoint)] },
};
const table = {
  serviceNamespace: "dynamodb",
  scalableDimension: "dynamodb:table:ReadCapacityUnits",
};
const copies = { scalableDimension: "sagemaker:inference-component:DesiredCopyCount" };

policyTests(minCapacityZero, {
  good: target,
  passes: {
    "a variant whose endpoint has no name yet": withProps(target, { resourceId: unknownString }),
    "a target that is not an endpoint variant": withProps(target, { ...table, minCapacity: 5 }),
    "copies of an inference component": withProps(target, { ...copies, minCapacity: 1 }),
    "another type of resource": { ...withProps(target, { minCapacity: 1 }), type: "aws:s3/bucket:Bucket" },
  },
  refuses: {
    "a variant that keeps an instance": [
      withProps(target, { minCapacity: 1 }),
      /'videos' keeps 1 instance.*Set its minCapacity to 0/,
    ],
  },
  unknown: withProps(target, { minCapacity: unknownNumber }),
});

policyTests(maxCapacityLimit, {
  good: target,
  passes: { "a target that is not an endpoint variant": withProps(target, { ...table, maxCapacity: 500 }) },
  refuses: {
    "more instances": [
      withProps(target, { maxCapacity: 11 }),
      /'videos' may start 11.*Set its maxCapacity to at most 10/,
    ],
  },
  unknown: withProps(target, { maxCapacity: unknownNumber }),
  stricter: { limit: 4 },
});

const specification = {
  metricName: "ApproximateBacklogSizePerInstance",
  namespace: "AWS/SageMaker",
  statistic: "Average",
  dimensions: [{ name: "EndpointName", value: unknownString }],
};

function tracking(customizedMetricSpecification: object | undefined, others: object = {}): TestResource {
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

const wake: TestResource = {
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

policyTests(backlogMetric, {
  good: tracking(specification),
  passes: {
    "a step policy, which has no metric": wake,
    "metric math on the backlog": tracking({
      metrics: [
        { id: "m1", metricStat: { metric: specification, stat: "Average" } },
        { id: "e1", expression: "m1 / 2" },
      ],
    }),
    "a target that is not an endpoint variant": withProps(tracking(undefined), table),
  },
  refuses: {
    "a predefined metric": [tracking(undefined), /predefined metric.*metricName to ApproximateBacklogSizePerInstance/],
    "another metric": [
      tracking({ ...specification, metricName: "InvocationsPerInstance" }),
      /metricName to ApproximateBacklogSize/,
    ],
    "another namespace": [tracking({ ...specification, namespace: "Custom" }), /namespace to AWS\/SageMaker/],
    "an additional dimension of the variant": [
      tracking({
        ...specification,
        dimensions: [...specification.dimensions, { name: "VariantName", value: "AllTraffic" }],
      }),
      /EndpointName and VariantName.*dimensions to only the dimension EndpointName/,
    ],
    "no dimension": [tracking({ ...specification, dimensions: [] }), /by no dimension.*EndpointName/],
    "metric math on another metric": [
      tracking({ metrics: [{ id: "m1", metricStat: { metric: { ...specification, metricName: "Invocations" } } }] }),
      /metrics\[0\]\.metricStat\.metric\.metricName/,
    ],
  },
  unknown: tracking({ ...specification, metricName: unknownString }),
});

policyTests(cooldownsSane, {
  good: tracking(specification),
  passes: {
    "AWS's defaults": tracking(specification, { scaleInCooldown: undefined, scaleOutCooldown: undefined }),
    "a step policy": wake,
  },
  refuses: {
    "a short scale-in": [tracking(specification, { scaleInCooldown: 0 }), /scaleInCooldown to 60 to 1800/],
    "a long scale-out": [tracking(specification, { scaleOutCooldown: 7200 }), /scaleOutCooldown to 60 to 1800/],
    "a long step": [
      withProps(wake, { stepScalingPolicyConfiguration: { cooldown: 3601 } }),
      /stepScalingPolicyConfiguration\.cooldown/,
    ],
  },
  unknown: tracking(specification, { scaleInCooldown: unknownNumber }),
});

policyTests(cooldownsSane, {
  good: tracking(specification, { scaleOutCooldown: 300 }),
  refuses: {},
  unknown: tracking(specification, { scaleOutCooldown: unknownNumber }),
  stricter: { minSeconds: 200, maxSeconds: 400 },
});

const alarm: TestResource = {
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

function waking(changes: { target?: object; wake?: object; alarm?: object }): TestResource[] {
  return [
    endpoint,
    withProps(target, { ...changes.target }),
    withProps(wake, { ...changes.wake }),
    withProps(alarm, { ...changes.alarm }),
  ];
}

const noAlarm = /'videos'.*Run its step scaling policy 'from-zero' by a MetricAlarm/;
const noPolicy = /'videos'.*Add a scaling policy with its resourceId/;

policyTests(wakesFromZero, {
  good: waking({}),
  passes: {
    "a first preview, in which no ARN is known": waking({
      target: { resourceId: unknownString },
      wake: { resourceId: unknownString, arn: unknownString },
      alarm: { alarmActions: [unknownString], dimensions: { EndpointName: unknownString } },
    }),
    "a target that keeps an instance": [withProps(target, { minCapacity: 1 })],
    "a step to an exact capacity": waking({
      wake: {
        stepScalingPolicyConfiguration: {
          adjustmentType: "ExactCapacity",
          stepAdjustments: [{ scalingAdjustment: 1 }],
        },
      },
    }),
    "an alarm above half": waking({ alarm: { comparisonOperator: "GreaterThanThreshold", threshold: 0.5 } }),
  },
  refuses: {
    "no alarm": [[endpoint, target, wake], noAlarm],
    "no step policy": [[endpoint, target, withProps(alarm, { alarmActions: [] })], noPolicy],
    "a step policy of another target": [
      waking({ wake: { resourceId: "endpoint/other/variant/AllTraffic" } }),
      noPolicy,
    ],
    "a change by percent": [
      waking({
        wake: {
          stepScalingPolicyConfiguration: {
            adjustmentType: "PercentChangeInCapacity",
            stepAdjustments: [{ scalingAdjustment: 100 }],
          },
        },
      }),
      noPolicy,
    ],
    "a step down": [
      waking({
        wake: {
          stepScalingPolicyConfiguration: {
            adjustmentType: "ChangeInCapacity",
            stepAdjustments: [{ scalingAdjustment: -1 }],
          },
        },
      }),
      noPolicy,
    ],
    "an alarm on another metric": [waking({ alarm: { metricName: "ApproximateBacklogSize" } }), noAlarm],
    "an alarm on another namespace": [waking({ alarm: { namespace: "Custom" } }), noAlarm],
    "an alarm on a variant": [
      waking({ alarm: { dimensions: { EndpointName: "videos-1a2b3c4", VariantName: "AllTraffic" } } }),
      noAlarm,
    ],
    "an alarm on another endpoint": [waking({ alarm: { dimensions: { EndpointName: "other" } } }), noAlarm],
    "an alarm that runs nothing": [waking({ alarm: { alarmActions: [] } }), noAlarm],
    "an alarm whose actions are off": [waking({ alarm: { actionsEnabled: false } }), noAlarm],
    "an alarm that fires without a backlog": [waking({ alarm: { comparisonOperator: "LessThanThreshold" } }), noAlarm],
    "an alarm that never fires": [waking({ alarm: { threshold: 2 } }), noAlarm],
  },
  unknown: waking({ target: { minCapacity: unknownNumber } }),
});

policyTests(targetAfterEndpoint, {
  good: [endpoint, target],
  passes: {
    "an endpoint of another stack": [
      endpoint,
      { ...withProps(target, { resourceId: "endpoint/other/variant/AllTraffic" }), dependsOn: {} },
    ],
    "a first preview": [endpoint, withProps(target, { resourceId: unknownString })],
    "a target that depends on its endpoint through another resource": [
      endpoint,
      { ...alarm, dependsOn: { dimensions: [urnOf(endpoint)] } },
      { ...target, dependsOn: { tags: [urnOf(alarm)] } },
    ],
  },
  refuses: {
    "a target with the endpoint's name as text": [
      [endpoint, { ...target, dependsOn: {} }],
      /'videos' does not depend on its endpoint 'videos'.*resourceId/,
    ],
  },
  unknown: [endpoint, { ...withProps(target, { resourceId: unknownString }), dependsOn: {} }],
});

describe("a policy about a stack", () => {
  it("evaluates the other resources if one has unknown values", async () => {
    const other = { ...withProps(target, { minCapacity: unknownNumber }), name: "other" };
    const said = await reports([wakesFromZero], [other, target]);
    assert.deepEqual(
      said.map(({ unknown, urn }) => [unknown, urn]),
      [
        [true, urnOf(other)],
        [false, urnOf(target)],
      ],
    );
  });
});
