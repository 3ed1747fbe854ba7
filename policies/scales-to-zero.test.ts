/** Tests the policy on scaling to zero. */
import { policyTests, withProps } from "./testing/policy-tests.ts";
import { unknownString, urnOf } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";
import { alarm, endpoint, specification, target, tracking, wake } from "./testing/scaled-endpoint.ts";
import { scalesToZero } from "./scales-to-zero.ts";

const toZero: TestResource = {
  ...withProps(wake, {
    arn: "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:2:to-zero",
    stepScalingPolicyConfiguration: {
      adjustmentType: "ExactCapacity",
      cooldown: 60,
      stepAdjustments: [{ metricIntervalUpperBound: "-0.5", scalingAdjustment: 0 }],
    },
  }),
  name: "to-zero",
};
const idle: TestResource = {
  ...withProps(alarm, {
    metricName: "ApproximateBacklogSize",
    statistic: "Maximum",
    comparisonOperator: "LessThanThreshold",
    alarmActions: [toZero.props["arn"]],
  }),
  name: "idle",
  dependsOn: { alarmActions: [urnOf(toZero)] },
};
const outOnly: TestResource = {
  ...tracking(specification, { disableScaleIn: true }),
  dependsOn: { resourceId: [urnOf(target)] },
};

function stopping(changes: { target?: object; toZero?: object; idle?: object }): TestResource[] {
  return [
    endpoint,
    withProps(target, { ...changes.target }),
    outOnly,
    withProps(toZero, { ...changes.toZero }),
    withProps(idle, { ...changes.idle }),
  ];
}

/** Returns a stack whose policy to zero has these steps. */
const stepping = (...stepAdjustments: object[]): TestResource[] =>
  stopping({ toZero: { stepScalingPolicyConfiguration: { adjustmentType: "ExactCapacity", stepAdjustments } } });

const noPolicy = /'videos': no target tracking may scale it in\. Set disableScaleIn to false, or add a scaling policy/;
const noAlarm =
  /'videos'\. Run its step scaling policy 'to-zero' by a MetricAlarm on AWS\/SageMaker ApproximateBacklogSize/;
const wrongBound = /policy 'to-zero' .*'videos'\. Set its only bound, metricIntervalUpperBound, to "-0\.5"/;

policyTests(scalesToZero, {
  good: stopping({}),
  passes: {
    "target tracking that scales in": [endpoint, target, tracking(specification)],
    "a first preview, in which no ARN is known": stopping({
      target: { resourceId: unknownString },
      toZero: { resourceId: unknownString, arn: unknownString },
      idle: { alarmActions: [unknownString], dimensions: { EndpointName: unknownString } },
    }),
    "another threshold with the fitting bound": stopping({
      idle: { threshold: 0.5 },
      toZero: {
        stepScalingPolicyConfiguration: {
          adjustmentType: "ExactCapacity",
          stepAdjustments: [{ metricIntervalUpperBound: "0", scalingAdjustment: 0 }],
        },
      },
    }),
    "a second step, to more instances": stepping(
      { metricIntervalUpperBound: "-0.5", scalingAdjustment: 0 },
      { metricIntervalLowerBound: "-0.5", scalingAdjustment: 2 },
    ),
    "no endpoint variant": [withProps(target, { serviceNamespace: "dynamodb", scalableDimension: "dynamodb:table:x" })],
  },
  refuses: {
    "only policies that start instances": [[endpoint, target, outOnly, wake, alarm], noPolicy],
    "no policy": [[endpoint, target], noPolicy],
    "a step that removes an instance": [
      stopping({
        toZero: {
          stepScalingPolicyConfiguration: {
            adjustmentType: "ChangeInCapacity",
            stepAdjustments: [{ metricIntervalUpperBound: "-0.5", scalingAdjustment: -1 }],
          },
        },
      }),
      noPolicy,
    ],
    "no alarm": [[endpoint, target, outOnly, toZero], noAlarm],
    "an alarm on another metric": [stopping({ idle: { metricName: "HasBacklogWithoutCapacity" } }), noAlarm],
    "an alarm on another namespace": [stopping({ idle: { namespace: "Custom" } }), noAlarm],
    "an alarm on a variant": [
      stopping({ idle: { dimensions: { EndpointName: "videos-1a2b3c4", VariantName: "AllTraffic" } } }),
      noAlarm,
    ],
    "an alarm on another endpoint": [stopping({ idle: { dimensions: { EndpointName: "other" } } }), noAlarm],
    "an alarm on the average, which a short video may leave below 1": [
      stopping({ idle: { statistic: "Average" } }),
      noAlarm,
    ],
    "an alarm that fires with a backlog": [
      stopping({ idle: { comparisonOperator: "GreaterThanOrEqualToThreshold" } }),
      noAlarm,
    ],
    "an alarm that never fires": [stopping({ idle: { threshold: 0 } }), noAlarm],
    "an alarm whose actions are off": [stopping({ idle: { actionsEnabled: false } }), noAlarm],
    "an alarm that runs nothing": [stopping({ idle: { alarmActions: [] } }), noAlarm],
    "a bound at the threshold, which a backlog of 1 equals": [
      stepping({ metricIntervalUpperBound: "0", scalingAdjustment: 0 }),
      wrongBound,
    ],
    "a bound below the threshold by 1, which a backlog of 0 equals": [
      stepping({ metricIntervalUpperBound: "-1", scalingAdjustment: 0 }),
      wrongBound,
    ],
    "a step for every backlog": [
      stepping(
        { metricIntervalUpperBound: "0", scalingAdjustment: 0 },
        { metricIntervalLowerBound: "0", scalingAdjustment: 0 },
      ),
      wrongBound,
    ],
  },
  unknown: [endpoint, target, tracking(specification, { disableScaleIn: unknownString })],
});
