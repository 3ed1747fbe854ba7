/** Tests the serving container of an endpoint: its image, its environment, and the machine image that it runs on. */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import { containerEnvironment } from "../container-environment.ts";
import { defaults } from "../defaults.ts";
import { deployEndpoint, modelType } from "../testing/deployed-endpoint.ts";
import { statement } from "../testing/documents.ts";
import { accountId } from "../testing/registrations.ts";
import type { Registrations } from "../testing/registrations.ts";

const configurationType = "aws:sagemaker/endpointConfiguration:EndpointConfiguration";

/** Videos that requests may refer to by default. */
const sources = { locations: ["s3://clips-input-0a1b2c3/input/"], region: "eu-west-1" };

describe("the container of an AsyncEndpoint", () => {
  let registrations: Registrations;

  before(async () => {
    registrations = await deployEndpoint();
  });

  it("serves the artifact in AWS's TorchServe image of the region, with the limits' environment", () => {
    assert.deepEqual(registrations.one(modelType).inputs, {
      executionRoleArn: `arn:aws:iam:eu-west-1:${accountId}:detector-execution-0a1b2c3`,
      primaryContainer: {
        image:
          "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-inference:2.6.0-gpu-py312-cu124-ubuntu22.04-sagemaker",
        modelDataUrl: "s3://clips-input-0a1b2c3/models/f00d/model.tar.gz",
        environment: containerEnvironment({ ...defaults, requireGpu: true, sources }, "torchserve"),
      },
      enableNetworkIsolation: false,
    });
  });

  it("may read the videos of the input bucket and of the source buckets, which requests refer to, in the stack's region", async () => {
    const sourceBuckets = [{ bucket: "team-videos", prefix: "clips/" }, { bucket: "archive" }];
    assert.partialDeepStrictEqual((await deployEndpoint({ sourceBuckets })).one(modelType).inputs, {
      primaryContainer: {
        environment: {
          ALLOWED_SOURCES: "s3://clips-input-0a1b2c3/input/,s3://team-videos/clips/,s3://archive/",
          AWS_DEFAULT_REGION: "eu-west-1",
        },
      },
    });
  });

  it("reads no videos from S3 if requests contain them", async () => {
    const { primaryContainer } = (await deployEndpoint({ requests: "payload" })).one(modelType).inputs;
    const { environment } = primaryContainer as { environment: Record<string, string> };
    assert.deepEqual(environment, containerEnvironment({ ...defaults, requireGpu: true }, "torchserve"));
    assert.equal(environment["ALLOWED_SOURCES"], undefined);
  });

  it("has a tag in a VPC that reaches S3", async () => {
    const vpc = { subnetIds: ["subnet-1"], securityGroupIds: ["sg-1"] };
    const reaching = (await deployEndpoint({ ...vpc, s3Endpoint: true })).one(modelType).inputs;
    assert.partialDeepStrictEqual(reaching, {
      tags: { "s3-endpoint": "true" },
      primaryContainer: { environment: { AWS_DEFAULT_REGION: "eu-west-1" } },
    });
    assert.equal((await deployEndpoint(vpc)).one(modelType).inputs["tags"], undefined);
  });

  it("serves the artifact in AWS's Ray image of the region if that is chosen, on machines with a driver for it", async () => {
    const chosen = await deployEndpoint({ image: "ray" });
    assert.partialDeepStrictEqual(chosen.one(modelType).inputs, {
      primaryContainer: {
        image: "763104351884.dkr.ecr.eu-west-1.amazonaws.com/ray:serve-ml-sagemaker-cuda-v1.5",
        environment: containerEnvironment({ ...defaults, requireGpu: true, sources }, "ray"),
      },
    });
    assert.partialDeepStrictEqual(chosen.one(configurationType).inputs, {
      productionVariants: [{ inferenceAmiVersion: "al2-ami-sagemaker-inference-gpu-3-1" }],
    });
    assert.deepEqual(statement(chosen.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"], "PullImage").Resource, [
      "arn:aws:ecr:eu-west-1:763104351884:repository/ray",
    ]);
  });

  it("uses Ray's image without CUDA on instances without a GPU", async () => {
    const chosen = await deployEndpoint({ image: "ray", instanceType: "ml.c7i.xlarge" });
    assert.partialDeepStrictEqual(chosen.one(modelType).inputs, {
      primaryContainer: {
        image: "763104351884.dkr.ecr.eu-west-1.amazonaws.com/ray:serve-ml-sagemaker-cpu-v1.5",
        environment: { RAYSERVE_BACKEND_TIMEOUT: "900" },
      },
    });
    const { productionVariants } = chosen.one(configurationType).inputs;
    assert.deepEqual(productionVariants, [
      {
        variantName: "AllTraffic",
        modelName: "detector-model-0a1b2c3",
        instanceType: "ml.c7i.xlarge",
        initialInstanceCount: 1,
        containerStartupHealthCheckTimeoutInSeconds: 900,
      },
    ]);
  });

  it("runs on the chosen machine image, else on one that fits the image, else on SageMaker's choice", async () => {
    const cuda13 = "al2023-ami-sagemaker-inference-gpu-4-1";
    const registry = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/detector";
    for (const [choices, expected] of [
      [{ inferenceAmi: cuda13 }, cuda13],
      [{ image: `${registry}:2.9-cu130` }, cuda13],
      [{ image: `${registry}:latest` }, undefined],
      [{ image: `${registry}:latest`, inferenceAmi: cuda13 }, cuda13],
    ] as const) {
      const { productionVariants } = (await deployEndpoint(choices)).one(configurationType).inputs;
      const [variant] = productionVariants as { inferenceAmiVersion?: string }[];
      assert.equal(variant?.inferenceAmiVersion, expected, JSON.stringify(choices));
    }
  });

  it("requires a GPU on instances that have one, unless that is turned off", async () => {
    for (const [choices, expected] of [
      [{}, "1"],
      [{ requireGpu: false }, undefined],
      [{ instanceType: "ml.c7i.xlarge" }, undefined],
    ] as const) {
      const { primaryContainer } = (await deployEndpoint(choices)).one(modelType).inputs;
      const { environment } = primaryContainer as { environment: Record<string, string> };
      assert.equal(environment["REQUIRE_GPU"], expected, JSON.stringify(choices));
    }
  });
});
