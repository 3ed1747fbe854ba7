/** Tests the policies on endpoints and their images. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  asynchronousOnly,
  completionTopics,
  concurrencyLimit,
  failurePath,
  noFixedName,
  singleVariant,
} from "./endpoint.ts";
import { supportedImage } from "./image.ts";
import { policyTests, withProps } from "./testing/policy-tests.ts";
import { unknownNumber, unknownString, violations } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";

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
  return withProps(configuration, { productionVariants: changed.map((change) => ({ ...variant, ...change })) });
}

const realTime = withProps(configuration, { asyncInferenceConfig: undefined });

policyTests(asynchronousOnly, {
  good: configuration,
  refuses: { "a real-time endpoint": [realTime, /'videos-config'.*Set its asyncInferenceConfig/] },
  unknown: withProps(configuration, { asyncInferenceConfig: unknownString }),
});

const topics = { successTopic: "arn:aws:sns:us-east-1:1:done", errorTopic: "arn:aws:sns:us-east-1:1:failed" };

policyTests(completionTopics, {
  good: configuration,
  passes: { "a real-time endpoint, which another policy reports": realTime },
  refuses: {
    "no success topic": [
      withProps(configuration, asynchronous({ notificationConfig: { errorTopic: topics.errorTopic } })),
      /no successTopic.*notificationConfig\.successTopic/,
    ],
    "no error topic": [
      withProps(configuration, asynchronous({ notificationConfig: { ...topics, errorTopic: "" } })),
      /no errorTopic.*notificationConfig\.errorTopic/,
    ],
  },
  unknown: withProps(configuration, asynchronous({ notificationConfig: { ...topics, errorTopic: unknownString } })),
});

describe("completion-topics", () => {
  it("names both topics if both are missing", async () => {
    assert.equal(
      (await violations(completionTopics, withProps(configuration, asynchronous({ notificationConfig: undefined }))))
        .length,
      2,
    );
  });
});

policyTests(failurePath, {
  good: configuration,
  passes: { "a real-time endpoint": realTime },
  refuses: {
    "no failure path": [
      withProps(configuration, asynchronous({ s3FailurePath: undefined })),
      /Set asyncInferenceConfig\.outputConfig\.s3FailurePath/,
    ],
  },
  unknown: withProps(configuration, asynchronous({ s3FailurePath: unknownString })),
});

policyTests(concurrencyLimit, {
  good: configuration,
  passes: { "a real-time endpoint": realTime },
  refuses: {
    "too many concurrent invocations": [
      withProps(configuration, asynchronous({}, { maxConcurrentInvocationsPerInstance: 5 })),
      /accepts 5 .*PerInstance \(the stack.s setting maxConcurrency\) to at most 4/,
    ],
    "SageMaker's choice": [
      withProps(configuration, asynchronous({}, {})),
      /leaves.*to SageMaker.*PerInstance \(the stack.s setting maxConcurrency\) to at most 4/,
    ],
  },
  unknown: withProps(configuration, asynchronous({}, { maxConcurrentInvocationsPerInstance: unknownNumber })),
  stricter: { limit: 1 },
});

policyTests(singleVariant, {
  good: configuration,
  passes: {
    "several variants of a real-time endpoint": withProps(variants({}, {}), { asyncInferenceConfig: undefined }),
  },
  refuses: {
    "two variants": [
      variants({}, { variantName: "Other" }),
      /has 2 variants\. Set productionVariants to a list of one/,
    ],
    "a shadow variant": [
      withProps(configuration, { shadowProductionVariants: [variant] }),
      /Remove shadowProductionVariants/,
    ],
  },
  unknown: withProps(configuration, { productionVariants: unknownString }),
});

const model: TestResource = {
  type: "aws:sagemaker/model:Model",
  name: "videos-model",
  props: { name: "videos-model-0a1b2c3", primaryContainer: { image: image("2.10.0") } },
};

function image(version: string): string {
  return `763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:${version}-gpu-py312-cu124-ubuntu22.04-sagemaker`;
}

policyTests(noFixedName, {
  good: [model, configuration],
  passes: { "a name that is not generated yet": withProps(model, { name: undefined }) },
  refuses: {
    "a model's fixed name": [
      withProps(model, { name: "videos-model" }),
      /Model 'videos-model' has the fixed name videos-model\. Remove name/,
    ],
    "a name that only ends like Pulumi's": [withProps(model, { name: "other-0a1b2c3" }), /fixed name other-0a1b2c3/],
    "a name with a suffix that is not Pulumi's": [withProps(model, { name: "videos-model-v000002" }), /Remove name/],
    "an endpoint configuration's": [
      withProps(configuration, { name: "videos" }),
      /EndpointConfiguration 'videos-config' has the fixed name videos/,
    ],
  },
  unknown: withProps(model, { name: unknownString }),
});

const ended = (at: string): readonly [TestResource, RegExp] => [
  withProps(model, { primaryContainer: { image: image(at) } }),
  new RegExp(`PyTorch ${at.slice(0, 3)} ended on 20.*Set primaryContainer\\.image`),
];

policyTests(supportedImage, {
  good: withProps(model, { primaryContainer: { image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1.0" } }),
  passes: {
    "a version that is not in the table": withProps(model, { primaryContainer: { image: image("9.0") } }),
    "AWS's Ray Serve image": withProps(model, {
      primaryContainer: {
        image: "763104351884.dkr.ecr.us-east-1.amazonaws.com/ray:serve-ml-sagemaker-cuda-v1.5",
      },
    }),
  },
  refuses: {
    "the blog's image": ended("2.6.0"),
    "an older one": ended("2.1.0"),
    "one whose artifact is not known yet": [
      withProps(model, { primaryContainer: { image: image("2.6.0"), modelDataUrl: unknownString } }),
      /PyTorch 2\.6 ended on 20/,
    ],
    "one of several containers": [
      withProps(model, { primaryContainer: undefined, containers: [{ image: image("9.0") }, { image: image("2.5") }] }),
      /Set containers\[1\]\.image/,
    ],
  },
  unknown: withProps(model, { primaryContainer: { image: unknownString } }),
  level: "advisory",
});

describe("supported-image", () => {
  it("includes the last day of patches, and reads today's date and further versions from the config", async () => {
    assert.deepEqual(await violations(supportedImage, model, { today: "2027-01-21" }), []);
    assert.equal((await violations(supportedImage, model, { today: "2027-01-22" })).length, 1);
    assert.equal(
      (await violations(supportedImage, model, { today: "2026-01-01", endOfPatch: { "2.10": "2025-01-01" } })).length,
      1,
    );
  });
});
