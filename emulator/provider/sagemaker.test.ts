import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { startFakeAws } from "./testing/fake-aws.ts";
import type { FakeAws } from "./testing/fake-aws.ts";
import { FakeSageMaker } from "./testing/fake-sagemaker.ts";
import { startTestEngine } from "./testing/engine.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";
import { InitFailed } from "./testing/resource.ts";
import type { TestResource } from "./testing/resource.ts";
import { unknown } from "./values.ts";

const modelType = "aws:sagemaker/model:Model";
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

    it("changes only tags in place and is replaced for the rest", async () => {
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

    it("is retried while SageMaker refuses it, then fails with SageMaker's message", async () => {
      sagemaker.refusals = 1;
      await model.create(wanted);
      assert.deepEqual(provider.calls().slice(0, 2), ["CreateModel", "CreateModel"]);
      sagemaker.refusals = 1_000;
      await assert.rejects(
        provider.resource(modelType, "other").create(wanted),
        /aws:sagemaker\/model:Model other: CreateModel failed: ValidationException: Could not assume role .*\(HTTP 400\)/,
      );
    });

    it("is deleted, and counts as deleted if SageMaker cannot find it", async () => {
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

  describe("Endpoint", () => {
    const wanted = { endpointConfigName: "one", tags: { stage: "one" } };
    let endpoint: TestResource;

    beforeEach(() => {
      endpoint = provider.resource(endpointType, "video");
    });

    it("is created and awaited until it is in service", async () => {
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

    it("shows the awaited status next to itself in the engine's view", async () => {
      const engine = await startTestEngine();
      await provider.attach(engine.address);
      sagemaker.states = ["Creating", "InService"];
      await endpoint.create(wanted);
      const [line] = await engine.lines();
      assert.deepEqual(line, { urn: endpoint.urn, message: "Creating for 0 s", ephemeral: true });
      engine.stop();
    });

    it("that fails keeps its partial state, with SageMaker's reason", async () => {
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

    it("gets a new configuration in place, without keeping the old capacity", async () => {
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

    it("that rolls back is an error at once, and the state is SageMaker's", async () => {
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

    it("sends its deployment configuration, and is replaced for other alarms", async () => {
      const deploymentConfig = {
        autoRollbackConfiguration: { alarms: [{ alarmName: "a" }, { alarmName: "b" }] },
        blueGreenUpdatePolicy: {
          trafficRoutingConfiguration: { type: "ALL_AT_ONCE", waitIntervalInSeconds: 300 },
        },
      };
      const news = { ...wanted, deploymentConfig };
      await endpoint.create(news);
      assert.deepEqual(fake.last("CreateEndpoint")["DeploymentConfig"], {
        AutoRollbackConfiguration: { Alarms: [{ AlarmName: "a" }, { AlarmName: "b" }] },
        BlueGreenUpdatePolicy: {
          TerminationWaitInSeconds: 0,
          TrafficRoutingConfiguration: { Type: "ALL_AT_ONCE", WaitIntervalInSeconds: 300 },
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

    it("is awaited up to a time limit", async () => {
      const hasty = await startTestProvider(fake.endpoint, { limit: 60 });
      try {
        await hasty.configure({});
        sagemaker.states = ["Updating"];
        await assert.rejects(
          hasty.resource(endpointType, "video").create(wanted),
          /AWS was not done with .* after 0\.001 min/,
        );
      } finally {
        await hasty.stop();
      }
    });

    it("is deleted when SageMaker has started the deletion", async () => {
      await endpoint.create(wanted);
      provider.calls();
      await endpoint.delete();
      assert.deepEqual(provider.calls(), ["DeleteEndpoint", "DescribeEndpoint"]);
      assert.equal(await endpoint.read(), undefined);
      sagemaker.made.clear();
      await endpoint.delete();
    });

    it("stops when the engine cancels, and returns the partial state", async () => {
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

    it("stops waiting when the engine has ended", async () => {
      sagemaker.states = ["Creating"];
      const creation = assert.rejects(endpoint.create(wanted), /CANCELLED/);
      while (!fake.calls.some((call) => call.operation === "DescribeEndpoint")) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      endpoint.abandon();
      await creation;
      await provider.idle();
    });

    it("stops although an operation is still waiting", async () => {
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
