import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { startFakeAws } from "./testing/fake-aws.ts";
import type { FakeAws } from "./testing/fake-aws.ts";
import { FakeSageMaker } from "./testing/fake-sagemaker.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";
import { unknown } from "./values.ts";

const configType = "aws:sagemaker/endpointConfiguration:EndpointConfiguration";

describe("EndpointConfiguration", () => {
  let sagemaker: FakeSageMaker;
  let fake: FakeAws;
  let provider: TestProvider;

  beforeEach(async () => {
    sagemaker = new FakeSageMaker();
    fake = await startFakeAws(sagemaker.answers);
    provider = await startTestProvider(fake.endpoint);
    await provider.configure({});
  });

  afterEach(async () => {
    await provider.stop();
    await fake.stop();
  });

  const variant = {
    variantName: "AllTraffic",
    modelName: "m",
    instanceType: "ml.g4dn.xlarge",
    initialInstanceCount: 1,
    containerStartupHealthCheckTimeoutInSeconds: 900,
    inferenceAmiVersion: "al2-ami-sagemaker-inference-gpu-3-1",
  };
  const wanted = {
    productionVariants: [variant],
    asyncInferenceConfig: {
      clientConfig: { maxConcurrentInvocationsPerInstance: 4 },
      outputConfig: {
        s3OutputPath: "s3://b/out/",
        s3FailurePath: "s3://b/failed/",
        kmsKeyId: "arn:aws:kms:us-east-1:000000000000:key/k",
        notificationConfig: {
          successTopic: "arn:aws:sns:us-east-1:000000000000:s",
          errorTopic: "arn:aws:sns:us-east-1:000000000000:e",
        },
      },
    },
  };

  it("is created with every name of the asynchronous configuration", async () => {
    const config = provider.resource(configType, "video");
    await config.create(wanted);
    assert.deepEqual(provider.calls(), ["CreateEndpointConfig", "DescribeEndpointConfig", "ListTags"]);
    assert.deepEqual(fake.last("CreateEndpointConfig"), {
      EndpointConfigName: "video-a1a2a3a",
      ProductionVariants: [
        {
          VariantName: "AllTraffic",
          ModelName: "m",
          InstanceType: "ml.g4dn.xlarge",
          InitialInstanceCount: 1,
          InitialVariantWeight: 1,
          ContainerStartupHealthCheckTimeoutInSeconds: 900,
          EnableSSMAccess: false,
          InferenceAmiVersion: "al2-ami-sagemaker-inference-gpu-3-1",
        },
      ],
      AsyncInferenceConfig: {
        ClientConfig: { MaxConcurrentInvocationsPerInstance: 4 },
        OutputConfig: {
          S3OutputPath: "s3://b/out/",
          S3FailurePath: "s3://b/failed/",
          KmsKeyId: "arn:aws:kms:us-east-1:000000000000:key/k",
          NotificationConfig: {
            SuccessTopic: "arn:aws:sns:us-east-1:000000000000:s",
            ErrorTopic: "arn:aws:sns:us-east-1:000000000000:e",
          },
        },
      },
    });
    await config.assertSettled(wanted);
    await config.delete();
    assert.equal(await config.read(), undefined);
    await config.delete();
  });

  it("names a variant without a name as Terraform does, and keeps the name", async () => {
    const config = provider.resource(configType, "nameless");
    const news = { productionVariants: [{ ...variant, variantName: null }] };
    await config.create(news);
    const [made] = config.state["productionVariants"] as { variantName: string }[];
    assert.match(made?.variantName ?? "", /^terraform-\d{18}[0-9a-f]{8}$/);
    await config.assertSettled(news);
  });

  it("is replaced by every change except of tags", async () => {
    const config = provider.resource(configType, "video");
    await config.create(wanted);
    const news = { ...wanted, productionVariants: [{ ...variant, initialInstanceCount: 2 }] };
    assert.deepEqual((await config.diff(news)).detailed, {
      "productionVariants[0].initialInstanceCount": "update-replace",
    });
    const renamed = { ...wanted, productionVariants: [{ ...variant, modelName: unknown }] };
    assert.deepEqual((await config.diff(renamed)).replaces, ["productionVariants"]);
  });

  it("shows a machine image and a start-up timeout that differ from the program's as drift", async () => {
    const config = provider.resource(configType, "video");
    await config.create(wanted);
    const [made] = sagemaker.made.get(`endpoint configuration ${config.id}`)?.["ProductionVariants"] as object[];
    Object.assign(made ?? {}, {
      InferenceAmiVersion: "al2-ami-sagemaker-inference-gpu-2",
      ContainerStartupHealthCheckTimeoutInSeconds: 60,
    });
    Object.assign(config, await config.read());
    assert.deepEqual((await config.diff(wanted)).detailed, {
      "productionVariants[0].containerStartupHealthCheckTimeoutInSeconds": "update-replace",
      "productionVariants[0].inferenceAmiVersion": "update-replace",
    });
  });

  it("refuses to start without an instance", async () => {
    const none = { productionVariants: [{ ...variant, initialInstanceCount: 0 }] };
    await assert.rejects(provider.resource(configType).check(none), /initialInstanceCount.* must be at least 1, got 0/);
  });
});
