/** Tests the policies on cost. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { hourlyCostLimit, requiredTags } from "./cost.ts";
import { policyTests, withProps } from "./testing/policy-tests.ts";
import { unknownNumber, unknownString, urnOf, violations } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";

const configuration: TestResource = {
  type: "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
  name: "videos-config",
  props: { name: "videos-config-0a1b2c3", productionVariants: [{ instanceType: "ml.g4dn.xlarge" }] },
};
const endpoint: TestResource = {
  type: "aws:sagemaker/endpoint:Endpoint",
  name: "videos",
  props: { name: "videos-0a1b2c3", endpointConfigName: "videos-config-0a1b2c3" },
  dependsOn: { endpointConfigName: [urnOf(configuration)] },
};
const target: TestResource = {
  type: "aws:appautoscaling/target:Target",
  name: "videos",
  props: {
    serviceNamespace: "sagemaker",
    scalableDimension: "sagemaker:variant:DesiredInstanceCount",
    resourceId: "endpoint/videos-0a1b2c3/variant/AllTraffic",
    minCapacity: 0,
    maxCapacity: 5,
  },
  dependsOn: { resourceId: [urnOf(endpoint)] },
};

function stack(instanceType: string, maxCapacity: unknown): TestResource[] {
  return [
    withProps(configuration, { productionVariants: [{ instanceType }] }),
    endpoint,
    withProps(target, { maxCapacity }),
  ];
}

function starting(initialInstanceCount: number, further: object = {}): TestResource {
  const variant = { instanceType: "ml.g4dn.xlarge", initialInstanceCount };
  return withProps(configuration, { productionVariants: [variant], ...further });
}

const shadow = { instanceType: "ml.g4dn.xlarge", initialInstanceCount: 7 };

policyTests(hourlyCostLimit, {
  good: [configuration, endpoint, target],
  passes: {
    "a first preview": [
      configuration,
      withProps(endpoint, { name: unknownString }),
      withProps(target, { resourceId: unknownString }),
    ],
    "a cost just below the limit": stack("ml.g4dn.xlarge", 13),
    "an endpoint of another stack": [withProps(target, { maxCapacity: 1000 })],
    "an endpoint that does not scale": [starting(13), endpoint],
    "one instance, if the variant does not say how many": [configuration, endpoint],
    "a configuration that no endpoint runs on": [starting(1000)],
  },
  refuses: {
    "too many instances": [
      stack("ml.g4dn.xlarge", 14),
      /'videos' can cost 10\.31 USD an hour \(14 times ml\.g4dn\.xlarge.*maxCapacity of its.* at most 13.*productionVariants\[0\]\.instanceType/,
    ],
    "an expensive type": [stack("ml.p5.48xlarge", 1), /63\.30 USD/],
    "a type without a price": [stack("ml.g9.xlarge", 1), /No price is known for ml\.g9\.xlarge.*Add it to prices/],
    "a type with the name of a property of every object": [
      stack("constructor", 1),
      /No price is known for constructor/,
    ],
    "many instances that nothing scales": [
      [starting(50, { productionVariants: [{ instanceType: "ml.p5.48xlarge", initialInstanceCount: 50 }] }), endpoint],
      /'videos' can cost 3164\.80 USD an hour \(50 times ml\.p5\.48xlarge.*initialInstanceCount of 'videos-config'/,
    ],
    "more instances at the start than a target may scale to": [
      [starting(14), endpoint, target],
      /10\.31 USD an hour \(14 times/,
    ],
    "instances that SageMaker scales": [
      [
        withProps(configuration, {
          productionVariants: [{ instanceType: "ml.g4dn.xlarge", managedInstanceScaling: { maxInstanceCount: 14 } }],
        }),
        endpoint,
      ],
      /14 times/,
    ],
    "shadow variants": [
      [starting(7, { shadowProductionVariants: [shadow] }), endpoint],
      /10\.31 USD an hour \(7 times ml\.g4dn\.xlarge and 7 times.*to at most 6,.*shadowProductionVariants\[0\]/,
    ],
    "a configuration that is not in the stack": [
      [withProps(endpoint, { endpointConfigName: "other" })],
      /runs on the configuration other, which is not in this stack, so its cost is not known\. Set its endpointConfigName/,
    ],
    "an expensive pool": [
      [
        withProps(configuration, { productionVariants: [{ instancePools: [{ instanceType: "ml.g5.48xlarge" }] }] }),
        endpoint,
        target,
      ],
      /instancePools\[0\]\.instanceType/,
    ],
  },
  unknown: stack("ml.g4dn.xlarge", unknownNumber),
  stricter: { limit: 3 },
});

describe("hourly-cost-limit", () => {
  it("reads prices from the config, which add to its own or replace them", async () => {
    assert.deepEqual(
      await violations(hourlyCostLimit, stack("ml.g9.xlarge", 1), { prices: { "ml.g9.xlarge": 3 } }),
      [],
    );
    assert.equal(
      (await violations(hourlyCostLimit, stack("ml.g4dn.xlarge", 5), { prices: { "ml.g4dn.xlarge": 3 } })).length,
      1,
    );
  });
});

const topic: TestResource = {
  type: "aws:sns/topic:Topic",
  name: "done",
  props: { tagsAll: { project: "videos", stack: "prod" } },
};

policyTests(requiredTags, {
  good: topic,
  passes: {
    "tags of the resource, if the provider adds none": withProps(topic, {
      tagsAll: undefined,
      tags: { project: "videos", stack: "prod" },
    }),
    "a type without tags": { type: "aws:sns/topicPolicy:TopicPolicy", name: "done", props: {} },
  },
  refuses: {
    "no tags": [
      withProps(topic, { tagsAll: undefined }),
      /Topic 'done' lacks the tags project, stack\. Set its tags, or aws:defaultTags/,
    ],
    "one missing tag": [withProps(topic, { tagsAll: { project: "videos" } }), /lacks the tags stack\./],
    "an inherited property instead of a tag": [
      withProps(topic, { tagsAll: Object.create({ project: "videos", stack: "prod" }) as object }),
      /lacks the tags project, stack\./,
    ],
    "an empty tag": [withProps(topic, { tagsAll: { project: "", stack: "prod" } }), /lacks the tags project\./],
  },
  unknown: withProps(topic, { tagsAll: { project: unknownString, stack: "prod" } }),
  stricter: { tags: ["owner"] },
});
