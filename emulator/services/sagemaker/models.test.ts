/** Tests the emulated SageMaker's control plane with an SDK client: models and tags. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { forEachTest } from "../../../lib/testing/fixtures.ts";
import {
  AddTagsCommand,
  CreateEndpointCommand,
  CreateModelCommand,
  DeleteModelCommand,
  DeleteTagsCommand,
  DescribeModelCommand,
  ListModelsCommand,
  ListTagsCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker";
import type {
  CreateModelCommandInput,
  ModelDataSource,
  S3ModelDataSource,
  SageMakerServiceException,
} from "@aws-sdk/client-sagemaker";
import { testArtifact, testImage, testRole } from "../../testing/fake-aws.ts";
import { arn, goodModel, refused, SageMakerFixture } from "../../testing/sagemaker-fixture.ts";
import { sdkConfig } from "../../testing/test-gateway.ts";

describe("The emulated SageMaker", () => {
  let fixture: SageMakerFixture;

  forEachTest(
    () => SageMakerFixture.start(),
    (started) => (fixture = started),
  );

  describe("keeps models", () => {
    it("and describes them as they were created", async () => {
      const created = await fixture.createModel({ EnableNetworkIsolation: true });
      assert.equal(created.ModelArn, arn("model", "model"));
      const { $metadata, CreationTime, ...model } = await fixture.client.send(
        new DescribeModelCommand({ ModelName: "model" }),
      );
      assert.ok(CreationTime instanceof Date && $metadata.httpStatusCode === 200);
      assert.deepEqual(model, {
        ModelName: "model",
        ModelArn: arn("model", "model"),
        ExecutionRoleArn: testRole,
        PrimaryContainer: { ...goodModel.PrimaryContainer, Mode: "SingleModel" },
        EnableNetworkIsolation: true,
      });
    });

    it("until they are deleted", async () => {
      await fixture.createModel();
      await fixture.client.send(new DeleteModelCommand({ ModelName: "model" }));
      const missing = `Could not find model "${arn("model", "model")}".`;
      await refused(fixture.client.send(new DescribeModelCommand({ ModelName: "model" })), missing);
      await refused(fixture.client.send(new DeleteModelCommand({ ModelName: "model" })), missing);
    });

    it("under names that are unique regardless of case", async () => {
      await fixture.createModel();
      await refused(fixture.createModel(), `Cannot create already existing model "${arn("model", "model")}".`);
      await refused(fixture.createModel({ ModelName: "MODEL" }), /^Cannot create already existing model/);
    });

    it("and lists them, newest first, in pages", async () => {
      for (let index = 0; index < 12; index++) await fixture.createModel({ ModelName: `model-${index}` });
      const first = await fixture.client.send(new ListModelsCommand({ SortBy: "Name", SortOrder: "Ascending" }));
      assert.equal(first.Models?.length, 10);
      const second = await fixture.client.send(
        new ListModelsCommand({ SortBy: "Name", SortOrder: "Ascending", NextToken: first.NextToken }),
      );
      assert.equal(second.NextToken, undefined);
      const names = [first, second].flatMap(({ Models = [] }) => Models.map(({ ModelName }) => ModelName));
      assert.equal(new Set(names).size, 12);
      const one = await fixture.client.send(new ListModelsCommand({ NameContains: "model-11" }));
      assert.deepEqual(
        one.Models?.map(({ ModelName }) => ModelName),
        ["model-11"],
      );
      await refused(fixture.client.send(new ListModelsCommand({ NextToken: "????" })), "Invalid pagination token");
    });

    const container = goodModel.PrimaryContainer;
    const source = (change: Partial<S3ModelDataSource> = {}): ModelDataSource => ({
      S3DataSource: { S3Uri: "s3://models/video/", S3DataType: "S3Prefix", CompressionType: "None", ...change },
    });
    const prefix = source();
    const withSource = (ModelDataSource: ModelDataSource) => ({
      PrimaryContainer: { Image: container.Image, ModelDataSource },
    });
    const cases: [string, Partial<CreateModelCommandInput>, RegExp][] = [
      ["a role that does not exist", { ExecutionRoleArn: `${testRole}2` }, /^Could not assume role .*video2\. Please/],
      [
        "an artifact that does not exist",
        { PrimaryContainer: { ...container, ModelDataUrl: "s3://models/other.tar.gz" } },
        /^Could not find model data at s3:\/\/models\/other.tar.gz\.$/,
      ],
      [
        "an image that the emulator cannot run, naming those that it can",
        {
          PrimaryContainer: {
            ...container,
            Image: "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2",
          },
        },
        /does not implement the image .*tensorflow-inference:2: it runs AWS's PyTorch inference images/,
      ],
      [
        "two sources of model data",
        { PrimaryContainer: { ...container, ModelDataSource: prefix } },
        /ModelDataUrl and ModelDataSource cannot both be specified/,
      ],
      ["an empty source of model data", withSource({}), /S3DataSource is required in ModelDataSource/],
      [
        "a prefix without a slash at its end",
        withSource(source({ S3Uri: "s3://models/video" })),
        /The S3Uri s3:\/\/models\/video must end with a forward slash/,
      ],
      [
        "a prefix without objects",
        withSource(source({ S3Uri: "s3://models/none/" })),
        /^Could not find model data at s3:\/\/models\/none\/\.$/,
      ],
      [
        "an archive of a prefix",
        withSource(source({ CompressionType: "Gzip" })),
        /does not implement S3DataType S3Prefix with CompressionType Gzip/,
      ],
      [
        "an object that is a prefix",
        withSource(source({ S3DataType: "S3Object" })),
        /The S3Uri s3:\/\/models\/video\/ must be an object/,
      ],
      [
        "a missing object",
        withSource(source({ S3DataType: "S3Object", S3Uri: "s3://models/none" })),
        /^Could not find model data at s3:\/\/models\/none\.$/,
      ],
      ["several containers", { Containers: [container] }, /does not implement Containers in CreateModel/],
      [
        "a multi-model container",
        { PrimaryContainer: { ...container, Mode: "MultiModel" } },
        /does not implement multi-model containers/,
      ],
    ];
    for (const [what, change, message] of cases) {
      it(`but refuses ${what}`, async () => {
        await refused(fixture.createModel(change), message);
        await refused(fixture.client.send(new DescribeModelCommand({ ModelName: "model" })), /^Could not find model/);
      });
    }

    const sources: [string, ModelDataSource, string][] = [
      ["uncompressed objects below a prefix", prefix, "prefix"],
      ["one uncompressed object", source({ S3DataType: "S3Object", S3Uri: "s3://models/video/a.pt" }), "file"],
      ["an archive", source({ S3DataType: "S3Object", S3Uri: testArtifact, CompressionType: "Gzip" }), "archive"],
    ];
    for (const [what, ModelDataSource, form] of sources) {
      it(`with a source of ${what}, and describes it`, async () => {
        fixture.aws.objects.set("s3://models/video/a.pt", "weights");
        await fixture.createModel({ ...withSource(ModelDataSource), ModelName: "model" });
        const { PrimaryContainer } = await fixture.client.send(new DescribeModelCommand({ ModelName: "model" }));
        assert.deepEqual(PrimaryContainer, { Image: container.Image, Mode: "SingleModel", ModelDataSource });
        await fixture.createConfig();
        await fixture.client.send(
          new CreateEndpointCommand({ EndpointName: "endpoint", EndpointConfigName: "config" }),
        );
        await fixture.untilStatus("InService");
        assert.equal(fixture.aws.fleet.containers[0]?.modelData?.form, form);
      });
    }

    it("with an image that stands for a local command, also without model data", async () => {
      await fixture[Symbol.asyncDispose]();
      const Image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/model:1";
      fixture = await SageMakerFixture.start({
        commandOf: (image) => (image === Image ? "python serve.py" : undefined),
      });
      await fixture.createModel({ PrimaryContainer: { Image } });
      await fixture.createConfig();
      await fixture.client.send(new CreateEndpointCommand({ EndpointName: "endpoint", EndpointConfigName: "config" }));
      const { ProductionVariants = [] } = await fixture.untilStatus("InService");
      assert.equal(ProductionVariants[0]?.DeployedImages?.[0]?.SpecifiedImage, Image);
      const [started] = fixture.aws.fleet.containers;
      assert.deepEqual([started?.command, started?.modelData], ["python serve.py", undefined]);
      await refused(
        fixture.createModel({ ModelName: "other", PrimaryContainer: { Image: `${Image}2` } }),
        /does not implement the image .* its option --image maps/,
      );
    });

    it("and refuses a feature that it does not implement so that no client repeats the call", async () => {
      const client = new SageMakerClient({ ...sdkConfig(fixture), maxAttempts: 3 });
      const create = new CreateModelCommand({ ...goodModel, Containers: [container] });
      await assert.rejects(client.send(create), (error: SageMakerServiceException) => {
        // Terraform repeats each ValidationException of CreateModel.
        assert.equal(error.name, "NotImplementedException");
        assert.equal(error.$metadata.httpStatusCode, 501);
        assert.equal(error.$metadata.attempts, 1);
        return true;
      });
      client.destroy();
    });

    it("with an image from any account, by tag or digest", async () => {
      const images = [
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mirror/pytorch-inference:2.6.0",
        testImage.replace(/:.*/, `@sha256:${"0".repeat(64)}`),
      ];
      for (const [index, Image] of images.entries()) {
        await fixture.createModel({ ModelName: `m${index}`, PrimaryContainer: { ...container, Image } });
      }
    });
  });

  describe("keeps tags", () => {
    const list = async (ResourceArn: string) => (await fixture.client.send(new ListTagsCommand({ ResourceArn }))).Tags;

    it("of the resources that it creates, adds some and deletes some", async () => {
      await fixture.createModel({ Tags: [{ Key: "a", Value: "1" }] });
      const ResourceArn = arn("model", "model");
      assert.deepEqual(await list(ResourceArn), [{ Key: "a", Value: "1" }]);
      const added = await fixture.client.send(
        new AddTagsCommand({
          ResourceArn,
          Tags: [
            { Key: "a", Value: "2" },
            { Key: "b", Value: "" },
          ],
        }),
      );
      assert.deepEqual(added.Tags, [
        { Key: "a", Value: "2" },
        { Key: "b", Value: "" },
      ]);
      await fixture.client.send(new DeleteTagsCommand({ ResourceArn, TagKeys: ["a"] }));
      assert.deepEqual(await list(ResourceArn), [{ Key: "b", Value: "" }]);
    });

    it("but no reserved ones, and none of missing resources", async () => {
      await refused(
        fixture.createModel({ Tags: [{ Key: "aws:x", Value: "1" }] }),
        /aws: prefixed tag key names are not allowed/,
      );
      await refused(list(arn("model", "model")), /Could not find/);
    });
  });
});
