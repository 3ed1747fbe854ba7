/** What the policies about endpoints and their images refuse and what they let pass. */
import assert from "node:assert/strict";
import {
  asynchronousOnly,
  completionTopics,
  concurrencyLimit,
  failurePath,
  gpuInstanceType,
  noFixedName,
  singleVariant,
} from "./endpoint.ts";
import { supportedImage } from "./image.ts";
import { but, test } from "./testing/cases.ts";
import { type TestResource, unknownNumber, unknownString, violations } from "./testing/evaluate.ts";

const variant = { variantName: "AllTraffic", modelName: unknownString, instanceType: "ml.g4dn.xlarge" };
const configuration: TestResource = {
  type: "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
  name: "videos-config",
  props: {
    name: "videos-config-1a2b3c4",
    productionVariants: [variant],
    ...asynchronous(),
  },
};

function asynchronous(
  output: object = {},
  clientConfig: object | undefined = { maxConcurrentInvocationsPerInstance: 2 },
) {
  return {
    asyncInferenceConfig: {
      clientConfig,
      outputConfig: {
        s3OutputPath: "s3://results",
        s3FailurePath: "s3://failures",
        notificationConfig: {
          successTopic: "arn:aws:sns:us-east-1:1:done",
          errorTopic: "arn:aws:sns:us-east-1:1:failed",
        },
        ...output,
      },
    },
  };
}

function variants(...changed: object[]): TestResource {
  return but(configuration, { productionVariants: changed.map((change) => ({ ...variant, ...change })) });
}

const realTime = but(configuration, { asyncInferenceConfig: undefined });

test(gpuInstanceType, {
  good: configuration,
  passes: {
    ...Object.fromEntries(
      ["ml.g5.2xlarge", "ml.g6e.48xlarge", "ml.p5.48xlarge", "ml.p6-b200.48xlarge"].map((instanceType) => [
        instanceType,
        variants({ instanceType }),
      ]),
    ),
    "a serverless variant, which has no instance": variants({
      instanceType: undefined,
      serverlessConfig: { maxConcurrency: 1 },
    }),
    "pools of GPUs": variants({
      instanceType: undefined,
      instancePools: [{ instanceType: "ml.g5.xlarge" }, { instanceType: "ml.g6.xlarge" }],
    }),
  },
  refuses: {
    ...Object.fromEntries(
      ["ml.m5.xlarge", "ml.c7i.large", "ml.inf2.xlarge", "ml.g4.xlarge"].map((instanceType) => [
        instanceType,
        [
          variants({ instanceType }),
          new RegExp(
            `'videos-config' runs its variant on ${instanceType}.*Set productionVariants\\[0\\]\\.instanceType \\(the stack.s setting instanceType\\) to a type of one of these families: g4dn, `,
          ),
        ] as const,
      ]),
    ),
    "a CPU in a pool": [
      variants({
        instanceType: undefined,
        instancePools: [{ instanceType: "ml.g5.xlarge" }, { instanceType: "ml.m5.xlarge" }],
      }),
      /Set productionVariants\[0\]\.instancePools\[1\]\.instanceType/,
    ],
  },
  unknown: variants({ instanceType: unknownString }),
  stricter: { families: ["g5"] },
});

test(asynchronousOnly, {
  good: configuration,
  refuses: { "a real-time endpoint": [realTime, /'videos-config'.*Set its asyncInferenceConfig/] },
  unknown: but(configuration, { asyncInferenceConfig: unknownString }),
});

const topics = { successTopic: "arn:aws:sns:us-east-1:1:done", errorTopic: "arn:aws:sns:us-east-1:1:failed" };

test(completionTopics, {
  good: configuration,
  passes: { "a real-time endpoint, which is another policy's": realTime },
  refuses: {
    "no success topic": [
      but(configuration, asynchronous({ notificationConfig: { errorTopic: topics.errorTopic } })),
      /no successTopic.*notificationConfig\.successTopic/,
    ],
    "no error topic": [
      but(configuration, asynchronous({ notificationConfig: { ...topics, errorTopic: "" } })),
      /no errorTopic.*notificationConfig\.errorTopic/,
    ],
  },
  unknown: but(configuration, asynchronous({ notificationConfig: { ...topics, errorTopic: unknownString } })),
});

describe("completion-topics", () => {
  it("names both topics where there are none", async () => {
    assert.equal(
      (await violations(completionTopics, but(configuration, asynchronous({ notificationConfig: undefined })))).length,
      2,
    );
  });
});

test(failurePath, {
  good: configuration,
  passes: { "a real-time endpoint": realTime },
  refuses: {
    "no failure path": [
      but(configuration, asynchronous({ s3FailurePath: undefined })),
      /Set asyncInferenceConfig\.outputConfig\.s3FailurePath/,
    ],
  },
  unknown: but(configuration, asynchronous({ s3FailurePath: unknownString })),
});

test(concurrencyLimit, {
  good: configuration,
  passes: { "a real-time endpoint": realTime },
  refuses: {
    "too many at a time": [
      but(configuration, asynchronous({}, { maxConcurrentInvocationsPerInstance: 5 })),
      /takes 5.*PerInstance \(the stack.s setting maxConcurrency\) to at most 4/,
    ],
    "SageMaker's choice": [
      but(configuration, asynchronous({}, {})),
      /leaves.*to SageMaker.*PerInstance \(the stack.s setting maxConcurrency\) to at most 4/,
    ],
  },
  unknown: but(configuration, asynchronous({}, { maxConcurrentInvocationsPerInstance: unknownNumber })),
  stricter: { limit: 1 },
});

test(singleVariant, {
  good: configuration,
  passes: { "several variants of a real-time endpoint": but(variants({}, {}), { asyncInferenceConfig: undefined }) },
  refuses: {
    "two variants": [
      variants({}, { variantName: "Other" }),
      /has 2 variants\. Set productionVariants to a list of one/,
    ],
    "a shadow variant": [
      but(configuration, { shadowProductionVariants: [variant] }),
      /Remove shadowProductionVariants/,
    ],
  },
  unknown: but(configuration, { productionVariants: unknownString }),
});

const model: TestResource = {
  type: "aws:sagemaker/model:Model",
  name: "videos-model",
  props: { name: "videos-model-0a1b2c3", primaryContainer: { image: image("2.10.0") } },
};

function image(version: string): string {
  return `763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:${version}-gpu-py312-cu124-ubuntu22.04-sagemaker`;
}

test(noFixedName, {
  good: [model, configuration],
  passes: { "a name that is not made yet": but(model, { name: undefined }) },
  refuses: {
    "a model's fixed name": [
      but(model, { name: "videos-model" }),
      /Model 'videos-model' has the fixed name videos-model\. Remove name/,
    ],
    "a name that only ends like Pulumi's": [but(model, { name: "other-0a1b2c3" }), /fixed name other-0a1b2c3/],
    "a name with a suffix that is not Pulumi's": [but(model, { name: "videos-model-v000002" }), /Remove name/],
    "an endpoint configuration's": [
      but(configuration, { name: "videos" }),
      /EndpointConfiguration 'videos-config' has the fixed name videos/,
    ],
  },
  unknown: but(model, { name: unknownString }),
});

const ended = (at: string): readonly [TestResource, RegExp] => [
  but(model, { primaryContainer: { image: image(at) } }),
  new RegExp(`PyTorch ${at.slice(0, 3)} ended on 20.*Set primaryContainer\\.image`),
];

test(supportedImage, {
  good: but(model, { primaryContainer: { image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1.0" } }),
  passes: {
    "a version that is not in the table": but(model, { primaryContainer: { image: image("9.0") } }),
    "AWS's Ray Serve image": but(model, {
      primaryContainer: {
        image: "763104351884.dkr.ecr.us-east-1.amazonaws.com/ray:serve-ml-sagemaker-cuda-v1.5",
      },
    }),
  },
  refuses: {
    "the blog's image": ended("2.6.0"),
    "an older one": ended("2.1.0"),
    "one of several containers": [
      but(model, { primaryContainer: undefined, containers: [{ image: image("9.0") }, { image: image("2.5") }] }),
      /Set containers\[1\]\.image/,
    ],
  },
  unknown: but(model, { primaryContainer: { image: unknownString } }),
  level: "advisory",
});

describe("supported-image", () => {
  it("counts the last day of patches in, and takes today and further versions from the config", async () => {
    assert.deepEqual(await violations(supportedImage, model, { today: "2027-01-21" }), []);
    assert.equal((await violations(supportedImage, model, { today: "2027-01-22" })).length, 1);
    assert.equal(
      (await violations(supportedImage, model, { today: "2026-01-01", endOfPatch: { "2.10": "2025-01-01" } })).length,
      1,
    );
  });
});
