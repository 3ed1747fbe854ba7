import assert from "node:assert/strict";
import { FakeAwsError, startFakeAws } from "./fakeAws.ts";
import type { Answers, FakeAws } from "./fakeAws.ts";
import { InitFailed, startTestProvider } from "./testProvider.ts";
import type { TestProvider, TestResource } from "./testProvider.ts";
import { unknown } from "./values.ts";

type Record_ = Record<string, unknown>;

/** A SageMaker that remembers what it was given and lets an endpoint go through the states that a test says. */
class FakeSageMaker {
  readonly made = new Map<string, Record_>();
  readonly tags = new Map<string, Map<string, string>>();
  /** States that DescribeEndpoint answers next; the last one stays. */
  states = ["InService"];
  failureReason: string | undefined;
  /** How many times CreateModel is refused first. */
  refusals = 0;

  readonly answers: Answers = {
    CreateModel: (input) => {
      if (this.refusals > 0) {
        this.refusals -= 1;
        throw new FakeAwsError("ValidationException", "Could not assume role arn:aws:iam::1:role/new.");
      }
      return { ModelArn: this.#make("model", "Model", input) };
    },
    DescribeModel: (input) => this.#find("model", "Model", input),
    DeleteModel: (input) => this.#remove("model", "Model", input),
    CreateEndpointConfig: (input) => ({
      EndpointConfigArn: this.#make("endpoint configuration", "EndpointConfig", input),
    }),
    DescribeEndpointConfig: (input) => this.#find("endpoint configuration", "EndpointConfig", input),
    DeleteEndpointConfig: (input) => this.#remove("endpoint configuration", "EndpointConfig", input),
    CreateEndpoint: (input) => ({ EndpointArn: this.#make("endpoint", "Endpoint", input) }),
    UpdateEndpoint: (input) => {
      const found = this.#find("endpoint", "Endpoint", input);
      Object.assign(found, input, { LastDeploymentConfig: input["DeploymentConfig"] });
      return { EndpointArn: found["EndpointArn"] };
    },
    DescribeEndpoint: (input) => ({
      ...this.#find("endpoint", "Endpoint", input),
      EndpointStatus: this.states.length > 1 ? this.states.shift() : this.states[0],
      FailureReason: this.failureReason,
    }),
    DeleteEndpoint: (input) => {
      this.#find("endpoint", "Endpoint", input);
      this.states = ["Deleting"];
      return {};
    },
    ListTags: ({ ResourceArn }) => ({
      Tags: [...(this.tags.get(String(ResourceArn)) ?? [])].map(([Key, Value]) => ({ Key, Value })),
    }),
    AddTags: ({ ResourceArn, Tags }) => {
      this.#tag(String(ResourceArn), Tags);
      return { Tags };
    },
    DeleteTags: ({ ResourceArn, TagKeys }) => {
      for (const key of TagKeys as string[]) this.tags.get(String(ResourceArn))?.delete(key);
      return {};
    },
  };

  #tag(arn: string, given: unknown): void {
    const tags = this.tags.get(arn) ?? new Map<string, string>();
    for (const { Key, Value } of (given ?? []) as { Key: string; Value: string }[]) tags.set(Key, Value);
    this.tags.set(arn, tags);
  }

  #make(what: string, prefix: string, input: Record_): string {
    const name = String(input[`${prefix}Name`]);
    const arn = `arn:aws:sagemaker:us-east-1:000000000000:${what.replace("figuration", "fig").replace(" ", "-")}/${name}`;
    this.made.set(`${what} ${name}`, {
      ...input,
      [`${prefix}Arn`]: arn,
      LastDeploymentConfig: input["DeploymentConfig"],
    });
    this.#tag(arn, input["Tags"]);
    return arn;
  }

  #find(what: string, prefix: string, input: Record_): Record_ {
    const name = String(input[`${prefix}Name`]);
    const found = this.made.get(`${what} ${name}`);
    if (found === undefined) throw new FakeAwsError("ValidationException", `Could not find ${what} "${name}".`);
    return found;
  }

  #remove(what: string, prefix: string, input: Record_): object {
    this.#find(what, prefix, input);
    this.made.delete(`${what} ${String(input[`${prefix}Name`])}`);
    return {};
  }
}

const modelType = "aws:sagemaker/model:Model";
const configType = "aws:sagemaker/endpointConfiguration:EndpointConfiguration";
const endpointType = "aws:sagemaker/endpoint:Endpoint";

describe("SageMaker", () => {
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

  describe("Model", () => {
    const wanted = {
      executionRoleArn: "arn:aws:iam::000000000000:role/r",
      primaryContainer: {
        image: "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6.0",
        modelDataUrl: "s3://b/model.tar.gz",
        environment: { TS_MAX: "1" },
      },
      tags: { stage: "one" },
    };
    let model: TestResource;

    beforeEach(() => {
      model = provider.resource(modelType, "video");
    });

    it("is created, described, and read with its tags", async () => {
      await model.create(wanted);
      assert.deepEqual(provider.calls(), ["CreateModel", "DescribeModel", "ListTags"]);
      assert.deepEqual(fake.last("CreateModel"), {
        ModelName: "video-a1a2a3a",
        ExecutionRoleArn: wanted.executionRoleArn,
        PrimaryContainer: {
          Environment: { TS_MAX: "1" },
          Image: wanted.primaryContainer.image,
          Mode: "SingleModel",
          ModelDataUrl: "s3://b/model.tar.gz",
        },
        Tags: [{ Key: "stage", Value: "one" }],
      });
      assert.equal(model.id, "video-a1a2a3a");
      assert.equal(model.state["arn"], "arn:aws:sagemaker:us-east-1:000000000000:model/video-a1a2a3a");
      await model.assertSettled(wanted);
    });

    it("changes nothing but tags in place: the rest replaces", async () => {
      await model.create(wanted);
      const container = { ...wanted.primaryContainer, modelDataUrl: "s3://b/other.tar.gz" };
      const diff = await model.diff({ ...wanted, primaryContainer: container });
      assert.deepEqual(diff.detailed, { "primaryContainer.modelDataUrl": "update-replace" });
      assert.deepEqual([diff.replaces, diff.deleteBeforeReplace], [["primaryContainer"], false]);
      const news = { ...wanted, tags: { step: "two" } };
      assert.deepEqual((await model.diff(news)).replaces, []);
      provider.calls();
      await model.update(news);
      assert.deepEqual(provider.calls(), ["DeleteTags", "AddTags", "DescribeModel", "ListTags"]);
      await model.assertSettled(news);
    });

    it("is tried again while SageMaker refuses it, and then refused with SageMaker's words", async () => {
      sagemaker.refusals = 1;
      await model.create(wanted);
      assert.deepEqual(provider.calls().slice(0, 2), ["CreateModel", "CreateModel"]);
      sagemaker.refusals = 1_000;
      await assert.rejects(
        provider.resource(modelType, "other").create(wanted),
        /aws:sagemaker\/model:Model other: CreateModel failed: ValidationException: Could not assume role .*\(HTTP 400\)/,
      );
    });

    it("is deleted, and was if SageMaker cannot find it", async () => {
      await model.create(wanted);
      await model.delete();
      assert.equal(await model.read(), undefined);
      await model.delete();
    });

    it("has a name of at most 63 letters, digits and hyphens", async () => {
      await assert.rejects(provider.resource(modelType, "m".repeat(56)).check(wanted), /1 to 63 letters/);
      await assert.rejects(model.check({ ...wanted, name: "a_b" }), /1 to 63 letters/);
      await model.check({ ...wanted, name: unknown });
    });
  });

  describe("EndpointConfiguration", () => {
    const variant = {
      variantName: "AllTraffic",
      modelName: "m",
      instanceType: "ml.g4dn.xlarge",
      initialInstanceCount: 1,
    };
    const wanted = {
      productionVariants: [variant],
      kmsKeyArn: "arn:aws:kms:us-east-1:000000000000:key/k",
      asyncInferenceConfig: {
        clientConfig: { maxConcurrentInvocationsPerInstance: 4 },
        outputConfig: {
          s3OutputPath: "s3://b/out/",
          s3FailurePath: "s3://b/failed/",
          kmsKeyId: "arn:aws:kms:us-east-1:000000000000:key/k",
          notificationConfig: {
            successTopic: "arn:aws:sns:us-east-1:000000000000:s",
            errorTopic: "arn:aws:sns:us-east-1:000000000000:e",
            includeInferenceResponseIns: ["SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC"],
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
        KmsKeyId: wanted.kmsKeyArn,
        ProductionVariants: [
          {
            VariantName: "AllTraffic",
            ModelName: "m",
            InstanceType: "ml.g4dn.xlarge",
            InitialInstanceCount: 1,
            InitialVariantWeight: 1,
            EnableSSMAccess: false,
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
              IncludeInferenceResponseIn: ["SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC"],
            },
          },
        },
      });
      await config.assertSettled(wanted);
      await config.delete();
      assert.equal(await config.read(), undefined);
      await config.delete();
    });

    it("names a variant that has no name as Terraform does, and keeps the name", async () => {
      const config = provider.resource(configType, "nameless");
      const news = { productionVariants: [{ ...variant, variantName: null }] };
      await config.create(news);
      const [made] = config.state["productionVariants"] as { variantName: string }[];
      assert.match(made?.variantName ?? "", /^terraform-\d{18}[0-9a-f]{8}$/);
      await config.assertSettled(news);
    });

    it("is replaced by every change but of tags, and minds the order of variants but not of topics' contents", async () => {
      const config = provider.resource(configType, "video");
      await config.create(wanted);
      const news = { ...wanted, productionVariants: [{ ...variant, initialInstanceCount: 2 }] };
      assert.deepEqual((await config.diff(news)).detailed, {
        "productionVariants[0].initialInstanceCount": "update-replace",
      });
      const output = wanted.asyncInferenceConfig.outputConfig;
      const topics = {
        ...output.notificationConfig,
        includeInferenceResponseIns: [...output.notificationConfig.includeInferenceResponseIns].reverse(),
      };
      const turned = { ...wanted.asyncInferenceConfig, outputConfig: { ...output, notificationConfig: topics } };
      assert.deepEqual((await config.diff({ ...wanted, asyncInferenceConfig: turned })).changes, []);
      const renamed = { ...wanted, productionVariants: [{ ...variant, modelName: unknown }] };
      assert.deepEqual((await config.diff(renamed)).replaces, ["productionVariants"]);
    });

    it("refuses to start without an instance", async () => {
      const none = { productionVariants: [{ ...variant, initialInstanceCount: 0 }] };
      await assert.rejects(
        provider.resource(configType).check(none),
        /initialInstanceCount.* must be at least 1, got 0/,
      );
    });
  });

  describe("Endpoint", () => {
    const wanted = { endpointConfigName: "one", tags: { stage: "one" } };
    let endpoint: TestResource;

    beforeEach(() => {
      endpoint = provider.resource(endpointType, "video");
    });

    it("is created and awaited until it serves", async () => {
      sagemaker.states = ["Creating", "Creating", "InService"];
      await endpoint.create(wanted);
      assert.deepEqual(provider.calls(), [
        "CreateEndpoint",
        "DescribeEndpoint",
        "DescribeEndpoint",
        "DescribeEndpoint",
        "DescribeEndpoint",
        "ListTags",
      ]);
      await endpoint.assertSettled(wanted);
    });

    it("that fails keeps its half made self, with SageMaker's reason", async () => {
      sagemaker.states = ["Creating", "Failed"];
      sagemaker.failureReason = "The container did not answer /ping";
      await assert.rejects(endpoint.create(wanted), (error: unknown) => {
        assert.ok(error instanceof InitFailed);
        assert.match(
          error.message,
          /Endpoint video-a1a2a3a is Failed instead of InService: The container did not answer/,
        );
        assert.equal(error.id, "video-a1a2a3a");
        assert.equal(error.state["endpointConfigName"], "one");
        return true;
      });
    });

    it("takes a new configuration in place, without keeping the old capacity", async () => {
      await endpoint.create(wanted);
      const news = { ...wanted, endpointConfigName: "two" };
      assert.deepEqual((await endpoint.diff(news)).detailed, { endpointConfigName: "update" });
      sagemaker.states = ["Updating", "InService"];
      provider.calls();
      await endpoint.update(news);
      assert.deepEqual(provider.calls(), [
        "UpdateEndpoint",
        "DescribeEndpoint",
        "DescribeEndpoint",
        "DescribeEndpoint",
        "ListTags",
      ]);
      assert.deepEqual(fake.last("UpdateEndpoint"), { EndpointName: "video-a1a2a3a", EndpointConfigName: "two" });
      await endpoint.assertSettled(news);
    });

    it("that rolls back is an error at once, and the state stays what SageMaker has", async () => {
      await endpoint.create(wanted);
      const update = sagemaker.answers["UpdateEndpoint"];
      assert.ok(update !== undefined);
      Object.assign(sagemaker.answers, { UpdateEndpoint: () => ({ EndpointArn: "arn" }) });
      sagemaker.states = ["Updating", "RollingBack", "InService"];
      sagemaker.failureReason = "Alarm a is in alarm";
      await assert.rejects(endpoint.update({ ...wanted, endpointConfigName: "two" }), (error: unknown) => {
        assert.ok(error instanceof InitFailed);
        assert.match(error.message, /is RollingBack instead of InService: Alarm a is in alarm/);
        assert.equal(error.state["endpointConfigName"], "one");
        return true;
      });
    });

    it("carries how it goes from one configuration to the next, and is replaced for other alarms", async () => {
      const deploymentConfig = {
        autoRollbackConfiguration: { alarms: [{ alarmName: "a" }, { alarmName: "b" }] },
        blueGreenUpdatePolicy: {
          trafficRoutingConfiguration: {
            type: "CANARY",
            waitIntervalInSeconds: 300,
            canarySize: { type: "INSTANCE_COUNT", value: 1 },
          },
        },
      };
      const news = { ...wanted, deploymentConfig };
      await endpoint.create(news);
      assert.deepEqual(fake.last("CreateEndpoint")["DeploymentConfig"], {
        AutoRollbackConfiguration: { Alarms: [{ AlarmName: "a" }, { AlarmName: "b" }] },
        BlueGreenUpdatePolicy: {
          TerminationWaitInSeconds: 0,
          TrafficRoutingConfiguration: {
            Type: "CANARY",
            WaitIntervalInSeconds: 300,
            CanarySize: { Type: "INSTANCE_COUNT", Value: 1 },
          },
        },
      });
      await endpoint.assertSettled(news);
      const other = { ...deploymentConfig, autoRollbackConfiguration: { alarms: [{ alarmName: "c" }] } };
      assert.deepEqual((await endpoint.diff({ ...wanted, deploymentConfig: other })).replaces, ["deploymentConfig"]);
    });

    it("changes tags without touching the rest", async () => {
      await endpoint.create(wanted);
      provider.calls();
      await endpoint.update({ ...wanted, tags: { stage: "two" } });
      assert.deepEqual(provider.calls(), ["AddTags", "DescribeEndpoint", "ListTags"]);
    });

    it("is deleted once SageMaker is at it", async () => {
      await endpoint.create(wanted);
      provider.calls();
      await endpoint.delete();
      assert.deepEqual(provider.calls(), ["DeleteEndpoint", "DescribeEndpoint"]);
      assert.equal(await endpoint.read(), undefined);
      sagemaker.made.clear();
      await endpoint.delete();
    });

    it("lets the engine go when it cancels, with what is half made", async () => {
      sagemaker.states = ["Creating"];
      const creation = endpoint.create(wanted);
      const cancelled = assert.rejects(creation, (error: unknown) => {
        assert.ok(error instanceof InitFailed);
        assert.match(error.message, /The engine stopped this operation/);
        assert.equal(error.id, "video-a1a2a3a");
        return true;
      });
      while (!fake.calls.some((call) => call.operation === "DescribeEndpoint")) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await provider.cancel();
      await cancelled;
      sagemaker.states = ["InService"];
      await provider.resource(endpointType, "next").create(wanted);
    });

    it("stops though an operation is still waiting", async () => {
      sagemaker.states = ["Creating"];
      const ended = assert.rejects(endpoint.create(wanted));
      while (!fake.calls.some((call) => call.operation === "DescribeEndpoint")) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await provider.stop();
      await ended;
    });
  });
});
