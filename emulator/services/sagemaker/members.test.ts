/** Tests that the emulated SageMaker ignores no member of an input silently: docs/local.md lists those without effect. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { repoRoot } from "../../../tools/paths.mjs";
import { testModel } from "../../testing/api-models.ts";
import { fakeAws, testImage } from "../../testing/fake-aws.ts";
import { goodConfig, goodModel, goodVariant } from "../../testing/sagemaker-fixture.ts";
import { SageMaker } from "./service.ts";

/** A structure of SageMaker's API; every other member of it is refused. */
interface Structure {
  readonly name: string;
  readonly operation: "CreateModel" | "CreateEndpointConfig";
  readonly implemented: readonly string[];
  readonly withoutEffect: readonly string[];
  /** Returns a valid input with one more member in the structure. */
  readonly inputWith: (member: object) => object;
}

const structures: readonly Structure[] = [
  {
    name: "CreateModelInput",
    operation: "CreateModel",
    implemented: ["ModelName", "PrimaryContainer", "ExecutionRoleArn", "Tags"],
    withoutEffect: ["VpcConfig", "EnableNetworkIsolation"],
    inputWith: (member) => ({ ...goodModel, ...member }),
  },
  {
    name: "ContainerDefinition",
    operation: "CreateModel",
    implemented: ["Image", "ModelDataUrl", "ModelDataSource", "Environment", "Mode"],
    withoutEffect: ["ContainerHostname"],
    inputWith: (member) => ({ ...goodModel, PrimaryContainer: { ...goodModel.PrimaryContainer, ...member } }),
  },
  {
    name: "S3ModelDataSource",
    operation: "CreateModel",
    implemented: ["S3Uri", "S3DataType", "CompressionType"],
    withoutEffect: ["ModelAccessConfig"],
    inputWith(member) {
      const source = { S3Uri: "s3://models/", S3DataType: "S3Prefix", CompressionType: "None", ...member };
      const container = { Image: testImage, ModelDataSource: { S3DataSource: source } };
      return { ...goodModel, PrimaryContainer: container };
    },
  },
  {
    name: "CreateEndpointConfigInput",
    operation: "CreateEndpointConfig",
    implemented: ["EndpointConfigName", "ProductionVariants", "AsyncInferenceConfig", "Tags"],
    withoutEffect: ["KmsKeyId", "VpcConfig", "EnableNetworkIsolation"],
    inputWith: (member) => ({ ...goodConfig, ...member }),
  },
  {
    name: "ProductionVariant",
    operation: "CreateEndpointConfig",
    implemented: [
      "VariantName",
      "ModelName",
      "InstanceType",
      "InitialInstanceCount",
      "InitialVariantWeight",
      "ContainerStartupHealthCheckTimeoutInSeconds",
    ],
    withoutEffect: ["InferenceAmiVersion", "ModelDataDownloadTimeoutInSeconds", "VolumeSizeInGB"],
    inputWith: (member) => ({ ...goodConfig, ProductionVariants: [{ ...goodVariant, ...member }] }),
  },
];

describe("The emulated SageMaker", () => {
  for (const { name, operation, implemented, withoutEffect, inputWith } of structures) {
    it(`implements, documents or refuses each member of ${name}`, async () => {
      const aws = fakeAws();
      const { handlers } = new SageMaker(aws.dependencies).control;
      const context = {
        region: "us-east-1",
        accountId: "000000000000",
        requestId: "1",
        accessKeyId: "k",
        now: new Date(0),
      };
      // The handlers do not read a member that they refuse: any value will do.
      const call = async (named: string, input: object) => await handlers[named]?.(input as never, context);
      if (operation === "CreateEndpointConfig") await call("CreateModel", goodModel);
      const members = Object.keys((await testModel("sagemaker")).shape(name).members ?? {});
      const accepted = [...implemented, ...withoutEffect];
      assert.deepEqual(
        accepted.filter((member) => !members.includes(member)),
        [],
      );
      for (const member of members.filter((each) => !accepted.includes(each))) {
        await assert.rejects(
          call(operation, inputWith({ [member]: true })),
          { code: "NotImplementedException", message: new RegExp(`does not implement .*${member}`) },
          member,
        );
      }
      const limits = await readFile(join(repoRoot, "docs", "local.md"), "utf8");
      for (const member of withoutEffect) assert.ok(limits.includes(`\`${member}\``), `docs/local.md lacks ${member}`);
      aws.clock.stop();
    });
  }
});
