/** Tests the policies on GPUs. */
import { gpuInstanceType, gpuRequired, inferenceAmi } from "./gpu.ts";
import { policyTests, withProps } from "./testing/policy-tests.ts";
import { unknownString, urnOf } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";

const model: TestResource = {
  type: "aws:sagemaker/model:Model",
  name: "videos-model",
  props: { name: "videos-model-0a1b2c3", primaryContainer: { image: "i", environment: { REQUIRE_GPU: "1" } } },
};
const variant = {
  modelName: "videos-model-0a1b2c3",
  instanceType: "ml.g4dn.xlarge",
  inferenceAmiVersion: "al2-ami-sagemaker-inference-gpu-3-1",
};
const configuration: TestResource = {
  type: "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
  name: "videos-config",
  props: { name: "videos-config-0a1b2c3", productionVariants: [variant] },
  dependsOn: { productionVariants: [urnOf(model)] },
};

function variants(change: object): TestResource {
  return withProps(configuration, { productionVariants: [{ ...variant, ...change }] });
}

function container(environment: unknown): TestResource {
  return withProps(model, { primaryContainer: { image: "i", environment } });
}

policyTests(gpuInstanceType, {
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

policyTests(inferenceAmi, {
  level: "advisory",
  good: configuration,
  passes: {
    "an instance without a GPU": variants({ instanceType: "ml.c7i.xlarge", inferenceAmiVersion: undefined }),
    "a serverless variant": variants({ instanceType: undefined, inferenceAmiVersion: undefined }),
  },
  refuses: {
    "a GPU instance with SageMaker's own driver": [
      variants({ inferenceAmiVersion: undefined }),
      /'videos-config' leaves the NVIDIA driver to SageMaker\. Set productionVariants\[0\]\.inferenceAmiVersion/,
    ],
    "an empty machine image on a family that the pack does not know": [
      variants({ instanceType: "ml.g9.xlarge", inferenceAmiVersion: "" }),
      /productionVariants\[0\]\.inferenceAmiVersion/,
    ],
    "a pool of GPU instances with SageMaker's own driver": [
      variants({
        instanceType: undefined,
        instancePools: [{ instanceType: "ml.g5.xlarge" }],
        inferenceAmiVersion: undefined,
      }),
      /productionVariants\[0\]\.inferenceAmiVersion/,
    ],
  },
  unknown: variants({ inferenceAmiVersion: unknownString }),
});

policyTests(gpuRequired, {
  good: [model, configuration],
  passes: {
    "the model of another stack": [configuration],
    "an instance without a GPU": [container({}), variants({ instanceType: "ml.c7i.xlarge" })],
    "a first preview": [withProps(model, { name: unknownString }), configuration],
  },
  refuses: {
    "a container without the variable": [
      [container({ SAMPLE_FPS: "1" }), configuration],
      /'videos-model' may run on the CPU of ml\.g4dn\.xlarge.*Set primaryContainer\.environment\.REQUIRE_GPU to "1" \(.* requireGpu\)/,
    ],
    "a container without an environment": [
      [container(undefined), configuration],
      /primaryContainer\.environment\.REQUIRE_GPU/,
    ],
    "a container whose artifact is not known yet": [
      [withProps(model, { primaryContainer: { environment: {}, modelDataUrl: unknownString } }), configuration],
      /environment\.REQUIRE_GPU/,
    ],
    "a container that is told not to": [[container({ REQUIRE_GPU: "0" }), configuration], /REQUIRE_GPU to "1"/],
    "one of several containers": [
      [
        withProps(model, {
          primaryContainer: undefined,
          containers: [{ image: "i", environment: { REQUIRE_GPU: "1" } }, { image: "j" }],
        }),
        configuration,
      ],
      /Set containers\[1\]\.environment\.REQUIRE_GPU/,
    ],
    "a first preview without the variable": [
      [withProps(container({}), { name: unknownString }), configuration],
      /environment\.REQUIRE_GPU/,
    ],
  },
  unknown: [container(unknownString), configuration],
  stricter: { variable: "GPU_ONLY" },
});
