/** Tests the emulated SageMaker's control plane with an SDK client: endpoint configurations. */

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import { forEachTest } from "../../../lib/testing/fixtures.ts";
import {
  DeleteEndpointConfigCommand,
  DescribeEndpointConfigCommand,
  ListEndpointConfigsCommand,
} from "@aws-sdk/client-sagemaker";
import type { CreateEndpointConfigCommandInput } from "@aws-sdk/client-sagemaker";
import {
  arn,
  goodConfig,
  goodOutput,
  goodVariant,
  refused,
  SageMakerFixture,
} from "../../testing/sagemaker-fixture.ts";

describe("The emulated SageMaker", () => {
  let fixture: SageMakerFixture;

  forEachTest(
    () => SageMakerFixture.start(),
    (started) => (fixture = started),
  );

  describe("keeps endpoint configurations", () => {
    beforeEach(async () => {
      await fixture.createModel();
    });

    it("and describes them as they were created", async () => {
      await fixture.createConfig();
      const { $metadata, CreationTime, ...config } = await fixture.client.send(
        new DescribeEndpointConfigCommand({ EndpointConfigName: "config" }),
      );
      assert.ok(CreationTime instanceof Date && $metadata.httpStatusCode === 200);
      assert.deepEqual(config, {
        ...goodConfig,
        EndpointConfigArn: arn("endpoint-config", "config"),
        EnableNetworkIsolation: false,
      });
      const { EndpointConfigs } = await fixture.client.send(new ListEndpointConfigsCommand({}));
      assert.deepEqual(
        EndpointConfigs?.map(({ EndpointConfigName }) => EndpointConfigName),
        ["config"],
      );
    });

    it("with the machine image and the start-up timeout of the variant", async () => {
      const variant = {
        ...goodVariant,
        InferenceAmiVersion: "al2-ami-sagemaker-inference-gpu-3-1",
        ContainerStartupHealthCheckTimeoutInSeconds: 900,
      } as const;
      await fixture.createConfig({ ProductionVariants: [variant] });
      const { ProductionVariants } = await fixture.client.send(
        new DescribeEndpointConfigCommand({ EndpointConfigName: "config" }),
      );
      assert.deepEqual(ProductionVariants, [variant]);
    });

    it("until they are deleted", async () => {
      await fixture.createConfig();
      await refused(fixture.createConfig(), /^Cannot create already existing endpoint configuration/);
      await fixture.client.send(new DeleteEndpointConfigCommand({ EndpointConfigName: "config" }));
      await refused(
        fixture.client.send(new DescribeEndpointConfigCommand({ EndpointConfigName: "config" })),
        `Could not find endpoint configuration "${arn("endpoint-config", "config")}".`,
      );
    });

    const async = (change: object) => ({
      AsyncInferenceConfig: { OutputConfig: { ...goodOutput, ...change } },
    });
    const cases: [string, Partial<CreateEndpointConfigCommandInput>, RegExp][] = [
      [
        "a model that does not exist",
        { ProductionVariants: [{ ...goodVariant, ModelName: "other" }] },
        /^Could not find model ".*model\/other"\.$/,
      ],
      [
        "two variants",
        { ProductionVariants: [goodVariant, { ...goodVariant, VariantName: "b" }] },
        /exactly one production variant/,
      ],
      [
        "no initial instance",
        { ProductionVariants: [{ ...goodVariant, InitialInstanceCount: 0 }] },
        /'productionVariants.1.member.initialInstanceCount' failed to satisfy constraint: Member must have value greater than or equal to 1/,
      ],
      [
        "an instance type that does not exist",
        { ProductionVariants: [{ ...goodVariant, InstanceType: "ml.none.xlarge" as "ml.g4dn.xlarge" }] },
        /Value 'ml.none.xlarge' at 'productionVariants.1.member.instanceType' failed to satisfy constraint: Member must satisfy enum value set/,
      ],
      [
        "a machine image that does not exist",
        {
          ProductionVariants: [
            {
              ...goodVariant,
              InferenceAmiVersion: "al2-ami-sagemaker-inference-gpu-9" as "al2-ami-sagemaker-inference-gpu-2",
            },
          ],
        },
        // API reference, ProductionVariant: the valid values of InferenceAmiVersion.
        /Value 'al2-ami-sagemaker-inference-gpu-9' at 'productionVariants.1.member.inferenceAmiVersion' failed to satisfy constraint: Member must satisfy enum value set: \[al2-ami-sagemaker-inference-gpu-2, al2-ami-sagemaker-inference-gpu-2-1, al2-ami-sagemaker-inference-gpu-3-1, al2-ami-sagemaker-inference-neuron-2, al2023-ami-sagemaker-inference-gpu-4-1\]/,
      ],
      ...(
        [
          [
            59,
            /containerStartupHealthCheckTimeoutInSeconds' failed to satisfy constraint: Member must have value greater than or equal to 60/,
          ],
          [
            3601,
            /containerStartupHealthCheckTimeoutInSeconds' failed to satisfy constraint: Member must have value less than or equal to 3600/,
          ],
        ] as const
      ).map(([seconds, message]): [string, Partial<CreateEndpointConfigCommandInput>, RegExp] => [
        `a start-up timeout of ${seconds} s`,
        { ProductionVariants: [{ ...goodVariant, ContainerStartupHealthCheckTimeoutInSeconds: seconds }] },
        message,
      ]),
      [
        "a concurrency of zero",
        {
          AsyncInferenceConfig: {
            ...goodConfig.AsyncInferenceConfig,
            ClientConfig: { MaxConcurrentInvocationsPerInstance: 0 },
          },
        },
        /maxConcurrentInvocationsPerInstance/,
      ],
      [
        "an endpoint that is not asynchronous",
        { AsyncInferenceConfig: undefined },
        /does not implement endpoints that are not asynchronous/,
      ],
      ["no output path", async({ S3OutputPath: undefined }), /does not implement .* without S3OutputPath/],
      [
        "a failure path outside S3",
        async({ S3FailurePath: "https://example.com/x" }),
        /S3FailurePath is not a location/,
      ],
      [
        "a serverless variant",
        {
          ProductionVariants: [
            { VariantName: "v", ModelName: "model", ServerlessConfig: { MemorySizeInMB: 1024, MaxConcurrency: 1 } },
          ],
        },
        /does not implement ServerlessConfig in ProductionVariants/,
      ],
      ["shadow variants", { ShadowProductionVariants: [goodVariant] }, /does not implement ShadowProductionVariants/],
    ];
    for (const [what, change, message] of cases) {
      it(`but refuses ${what}`, async () => {
        await refused(fixture.createConfig(change), message);
      });
    }
  });
});
