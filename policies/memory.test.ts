/** Tests the policy on the workers' memory. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { workersFitMemory } from "./memory.ts";
import { policyTests, withProps } from "./testing/policy-tests.ts";
import { unknownString, urnOf, violations } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";

interface Limits {
  readonly maxConcurrency?: number;
  /** MiB. */
  readonly maxRequestSize?: number;
}

interface Changes {
  readonly instanceType?: string;
  readonly limits?: Limits;
  readonly server?: "torchserve" | "ray";
}

const model: TestResource = {
  type: "aws:sagemaker/model:Model",
  name: "videos-model",
  props: {
    name: "videos-model-0a1b2c3",
    primaryContainer: { environment: containerEnvironment({}, "torchserve") },
  },
};
const variant = { modelName: "videos-model-0a1b2c3", instanceType: "ml.g4dn.xlarge" };
const configuration: TestResource = {
  type: "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
  name: "videos-config",
  props: { name: "videos-config-0a1b2c3", productionVariants: [variant] },
  dependsOn: { productionVariants: [urnOf(model)] },
};

function stack({ instanceType = "ml.g4dn.xlarge", limits = {}, server = "torchserve" }: Changes): TestResource[] {
  return [
    withProps(model, {
      primaryContainer: { environment: containerEnvironment(limits, server) },
    }),
    withProps(configuration, { productionVariants: [{ ...variant, instanceType }] }),
  ];
}

/** The variables that the policy reads, as the program sets them for results of 128 MiB. */
function containerEnvironment(
  { maxConcurrency = 2, maxRequestSize = 1024 }: Limits,
  server: "torchserve" | "ray",
): Record<string, string> {
  const workers = { SAGEMAKER_MODEL_SERVER_WORKERS: String(maxConcurrency) };
  if (server === "ray") return { ...workers, RAYSERVE_BACKEND_TIMEOUT: "3600" };
  const heap = 256 + 2 * maxConcurrency * (maxRequestSize + 128);
  return {
    ...workers,
    TS_MAX_REQUEST_SIZE: String(maxRequestSize * 1024 ** 2),
    JAVA_TOOL_OPTIONS: `-Xmx${heap}m -XX:MaxDirectMemorySize=${heap}m`,
  };
}

const unknownVariants = [
  withProps(model, { primaryContainer: { environment: unknownString } }),
  withProps(configuration, { productionVariants: [variant] }),
];

policyTests(workersFitMemory, {
  level: "advisory",
  good: [model, configuration],
  passes: {
    "the model of another stack": [configuration],
    "a first preview": [withProps(model, { name: unknownString }), configuration],
    "four workers of small requests on four GPUs": stack({
      instanceType: "ml.g4dn.12xlarge",
      limits: { maxConcurrency: 8 },
    }),
    "two workers under Ray Serve": stack({ server: "ray" }),
    "a model without an environment": [withProps(model, { primaryContainer: { image: "i" } }), configuration],
    "a type that the pack does not know": stack({ instanceType: "ml.c7i.xlarge", limits: { maxConcurrency: 100 } }),
    "a number of workers that TorchServe chooses": [
      withProps(model, { primaryContainer: { environment: { TS_MAX_REQUEST_SIZE: "1000000" } } }),
      configuration,
    ],
  },
  refuses: {
    "three workers with large requests on the blog's instance": [
      stack({ limits: { maxConcurrency: 3 } }),
      /'videos-config' runs the model 'videos-model' on ml\.g4dn\.xlarge \(productionVariants\[0\]\.instanceType\), whose 16 GiB do not hold the 21\.5 GiB of the server and 3 workers.*maxConcurrency, maxRequestSize/,
    ],
    "four workers on a T4": [
      stack({ instanceType: "ml.g4dn.8xlarge", limits: { maxConcurrency: 4 } }),
      /whose GPUs of 16 GiB do not hold the 16 GiB of the workers that share one \(4 on 1\).*setting maxConcurrency/,
    ],
    "sixteen workers on four GPUs": [
      stack({ instanceType: "ml.g4dn.12xlarge", limits: { maxConcurrency: 16, maxRequestSize: 64 } }),
      /\(16 on 4\)/,
    ],
    "four workers under Ray Serve": [
      stack({ server: "ray", limits: { maxConcurrency: 4 }, instanceType: "ml.g6.xlarge" }),
      /whose 16 GiB do not hold the 16\.8 GiB/,
    ],
  },
  unknown: unknownVariants,
});

describe("workers-fit-memory", () => {
  it("reads a worker's memory from the config", async () => {
    const good = [model, configuration];
    assert.equal((await violations(workersFitMemory, good, { hostPerWorker: 4 })).length, 1);
    assert.equal((await violations(workersFitMemory, good, { gpuPerWorker: 8 })).length, 1);
  });

  it("warns about host and GPU memory together", async () => {
    assert.equal((await violations(workersFitMemory, stack({ limits: { maxConcurrency: 1000 } }))).length, 2);
  });
});
