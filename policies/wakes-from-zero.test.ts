/** Tests the policy on the start from zero instances. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { policyTests, withProps } from "./testing/policy-tests.ts";
import { reports, unknownNumber, unknownString, urnOf } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";
import { alarm, endpoint, target, wake } from "./testing/scaled-endpoint.ts";
import { wakesFromZero } from "./wakes-from-zero.ts";

function waking(changes: { target?: object; wake?: object; alarm?: object }): TestResource[] {
  return [
    endpoint,
    withProps(target, { ...changes.target }),
    withProps(wake, { ...changes.wake }),
    withProps(alarm, { ...changes.alarm }),
  ];
}

const metricOf = (metricName: string) => {
  return { namespace: "AWS/SageMaker", metricName, dimensions: { EndpointName: "videos-1a2b3c4" }, period: 60 };
};
const waiting = { id: "h", metric: metricOf("HasBacklogWithoutCapacity") };

/** Returns a stack whose alarm is on metric math. */
function onQueries(changes: {
  expression?: string;
  h?: object;
  a?: object;
  b?: object;
  queries?: object[];
  alarm?: object;
}): TestResource[] {
  const { expression = "IF(h >= 1, b, 0)", h = {}, a = {}, b = {} } = changes;
  const metricQueries = changes.queries ?? [
    { id: "e", expression, returnData: true },
    { ...waiting, metric: { ...waiting.metric, ...h } },
    { id: "a", metric: { ...metricOf("ApproximateAgeOfOldestRequest"), ...a } },
    { id: "b", metric: { ...metricOf("ApproximateBacklogSize"), ...b } },
  ];
  const none = { metricName: undefined, namespace: undefined, dimensions: undefined };
  return waking({ alarm: { ...none, metricQueries, ...changes.alarm } });
}

const young = "IF((h >= 1) AND (a < 180), b, 0)";

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
    "an alarm on the backlog while there is no instance": onQueries({}),
    "an alarm on the backlog while the oldest request is young": onQueries({ expression: young }),
    "an alarm on that expression in a first preview": [
      ...waking({ alarm: { dimensions: { EndpointName: unknownString } } }).slice(0, 3),
      onQueries({ h: { dimensions: { EndpointName: unknownString } } })[3]!,
    ],
    "an alarm on a constant while there is no instance": onQueries({ expression: "IF(h, 1, 0)" }),
    "an alarm on a query of the metric": onQueries({ expression: "h" }),
    "an alarm on a query of only the metric": onQueries({ queries: [{ ...waiting, returnData: true }] }),
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
    "an alarm that waits for 15 minutes": [waking({ alarm: { period: 60, evaluationPeriods: 15 } }), noAlarm],
    "an expression of an alarm that waits for 15 minutes": [onQueries({ alarm: { evaluationPeriods: 15 } }), noAlarm],
    "an expression that ignores the metric": [onQueries({ expression: "b" }), noAlarm],
    "an expression that is 0 while requests wait": [onQueries({ expression: "IF(h < 1, b, 0)" }), noAlarm],
    "an expression that is 0 before the alarm fires": [
      onQueries({ expression: young, alarm: { evaluationPeriods: 3 } }),
      noAlarm,
    ],
    "an expression on the age of another endpoint's request": [
      onQueries({ expression: young, a: { dimensions: { EndpointName: "other" } } }),
      noAlarm,
    ],
    "an expression on another metric": [onQueries({ h: { metricName: "ApproximateAgeOfOldestRequest" } }), noAlarm],
    "an expression on a variant's metric": [
      onQueries({ h: { dimensions: { EndpointName: "videos-1a2b3c4", VariantName: "AllTraffic" } } }),
      noAlarm,
    ],
    "an expression on another endpoint's metric": [
      onQueries({ h: { dimensions: { EndpointName: "other" } } }),
      noAlarm,
    ],
    "an expression whose value is another metric": [onQueries({ b: { metricName: "CPUUtilization" } }), noAlarm],
    "queries of which none is returned": [onQueries({ queries: [waiting] }), noAlarm],
  },
  unknown: waking({ target: { minCapacity: unknownNumber } }),
});

policyTests(wakesFromZero, {
  good: waking({ alarm: { period: 60, evaluationPeriods: 3 } }),
  refuses: {},
  unknown: waking({ target: { minCapacity: unknownNumber } }),
  stricter: { maxMinutes: 2 },
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
