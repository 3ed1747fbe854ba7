/** Tests the policies on scaling. */
import { backlogMetric, cooldownsSane, maxCapacityLimit, minCapacityZero, targetAfterEndpoint } from "./scaling.ts";
import { policyTests, withProps } from "./testing/policy-tests.ts";
import { unknownNumber, unknownString, urnOf } from "./testing/evaluate.ts";
import { alarm, endpoint, specification, target, tracking, wake } from "./testing/scaled-endpoint.ts";

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
