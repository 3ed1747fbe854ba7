/** Tests the emulated SageMaker's control plane with an SDK client: endpoints, from creation to deletion. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "mocha";
import { forEachTest } from "../../../lib/testing/fixtures.ts";
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DeleteEndpointCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DescribeEndpointCommand,
  ListEndpointsCommand,
  ResourceLimitExceeded,
  SageMakerClient,
  UpdateEndpointCommand,
} from "@aws-sdk/client-sagemaker";
import type { EndpointStatus } from "@aws-sdk/client-sagemaker";
import { MetricStore } from "../../core/metrics.ts";
import { VirtualClock } from "../../core/virtual-clock.ts";
import { fakeAws, testModelData, testImage, testRole } from "../../testing/fake-aws.ts";
import { sdkConfig, startTestGateway } from "../../testing/test-gateway.ts";
import { SageMaker } from "./service.ts";
import {
  arn,
  goodConfig,
  goodModel,
  goodOutput,
  goodVariant,
  refused,
  resourceId,
  SageMakerFixture,
} from "../../testing/sagemaker-fixture.ts";

describe("The emulated SageMaker", () => {
  let fixture: SageMakerFixture;

  forEachTest(
    () => SageMakerFixture.start(),
    (started) => (fixture = started),
  );

  describe("runs endpoints", () => {
    it("that are Creating until the first instance serves", async () => {
      const gate = Promise.withResolvers<undefined>();
      fixture.aws.fleet.gate = gate.promise;
      await fixture.createEndpoint();
      const creating = await fixture.describeEndpoint();
      assert.equal(creating.EndpointStatus, "Creating");
      assert.equal(creating.ProductionVariants, undefined);
      gate.resolve(undefined);
      const { $metadata, CreationTime, LastModifiedTime, ProductionVariants, ...endpoint } =
        await fixture.untilStatus("InService");
      assert.ok(CreationTime instanceof Date && LastModifiedTime instanceof Date && $metadata.httpStatusCode === 200);
      assert.deepEqual(endpoint, {
        EndpointName: "endpoint",
        EndpointArn: arn("endpoint", "endpoint"),
        EndpointConfigName: "config",
        EndpointStatus: "InService",
        AsyncInferenceConfig: goodConfig.AsyncInferenceConfig,
      });
      const [variant] = ProductionVariants ?? [];
      assert.equal(variant?.VariantName, "video");
      assert.equal(variant.CurrentInstanceCount, 1);
      assert.equal(variant.DesiredInstanceCount, 1);
      assert.equal(variant.DeployedImages?.[0]?.SpecifiedImage, testImage);
    });

    it("from the model's artifact, in the model's environment", async () => {
      await fixture.createEndpoint();
      await fixture.untilStatus("InService");
      assert.deepEqual(fixture.aws.fleet.containers, [
        {
          endpointName: "endpoint",
          variantName: "video",
          roleArn: testRole,
          command: undefined,
          modelData: testModelData,
          environment: goodModel.PrimaryContainer.Environment,
        },
      ]);
    });

    it("and creates their log groups", async () => {
      await fixture.createEndpoint();
      assert.deepEqual([...fixture.aws.logs.groups.keys()], ["endpoint"]);
    });

    it("and sends a TestNotification to both topics", async () => {
      await fixture.createEndpoint();
      await fixture.untilStatus("InService");
      const message = { eventVersion: "1.0", eventSource: "aws:sagemaker", eventName: "TestNotification" };
      assert.deepEqual(fixture.aws.topics.published, [
        { topicArn: goodOutput.NotificationConfig.SuccessTopic, message },
        { topicArn: goodOutput.NotificationConfig.ErrorTopic, message },
      ]);
    });

    it("that are Failed, with the reason, if the first instance does not start", async () => {
      fixture.aws.fleet.broken = "ImportError: no module named video";
      await fixture.createEndpoint();
      const failed = await fixture.untilStatus("Failed");
      assert.match(failed.FailureReason ?? "", /ImportError: no module named video/);
      await refused(
        fixture.client.send(new UpdateEndpointCommand({ EndpointName: "endpoint", EndpointConfigName: "config" })),
        /in status Failed/,
      );
      await fixture.client.send(new DeleteEndpointCommand({ EndpointName: "endpoint" }));
    });

    it("that are Failed with AWS's message if a container does not pass its health check in the variant's start-up timeout", async () => {
      const clock = new VirtualClock(Date.now());
      const aws = fakeAws();
      aws.fleet.unhealthy = true;
      const sagemaker = new SageMaker({ ...aws.dependencies, clock, metrics: new MetricStore(clock) });
      const gateway = await startTestGateway([sagemaker.control], clock);
      const client = new SageMakerClient(sdkConfig(gateway));
      try {
        await client.send(new CreateModelCommand(goodModel));
        const variant = { ...goodVariant, ContainerStartupHealthCheckTimeoutInSeconds: 900 };
        await client.send(new CreateEndpointConfigCommand({ ...goodConfig, ProductionVariants: [variant] }));
        await client.send(new CreateEndpointCommand({ EndpointName: "endpoint", EndpointConfigName: "config" }));
        const describe = () => client.send(new DescribeEndpointCommand({ EndpointName: "endpoint" }));
        await clock.advance(899_999);
        assert.equal((await describe()).EndpointStatus, "Creating");
        await clock.advance(1);
        const { EndpointStatus, FailureReason } = await describe();
        assert.deepEqual(
          [EndpointStatus, FailureReason],
          [
            "Failed",
            "The primary container for production variant video did not pass the ping health check. Please check CloudWatch logs for this endpoint. The container did not become healthy within 900 seconds of its start",
          ],
        );
      } finally {
        await sagemaker.stop();
        await gateway.stop();
        client.destroy();
        aws.clock.stop();
      }
    });

    it("and lists them", async () => {
      await fixture.createEndpoint();
      await fixture.untilStatus("InService");
      const list = async (status: EndpointStatus) =>
        (await fixture.client.send(new ListEndpointsCommand({ StatusEquals: status }))).Endpoints?.map(
          ({ EndpointName }) => EndpointName,
        );
      assert.deepEqual(await list("InService"), ["endpoint"]);
      assert.deepEqual(await list("Failed"), []);
    });

    it("whose configuration may be deleted", async () => {
      await fixture.createEndpoint();
      await fixture.untilStatus("InService");
      await fixture.client.send(new DeleteEndpointConfigCommand({ EndpointConfigName: "config" }));
      await fixture.client.send(new DeleteModelCommand({ ModelName: "model" }));
      assert.equal((await fixture.describeEndpoint()).EndpointStatus, "InService");
    });

    it("until they are deleted, with their scalable target", async () => {
      await fixture.createEndpoint();
      await fixture.untilStatus("InService");
      fixture.aws.registeredTargets.add(resourceId);
      await fixture.client.send(new DeleteEndpointCommand({ EndpointName: "endpoint" }));
      assert.equal(fixture.aws.registeredTargets.size, 0);
      await assert.rejects(
        async () => {
          for (;;) {
            assert.equal((await fixture.describeEndpoint()).EndpointStatus, "Deleting");
            await sleep(5);
          }
        },
        { name: "ValidationException", message: `Could not find endpoint "${arn("endpoint", "endpoint")}".` },
      );
      assert.equal(fixture.aws.fleet.running, 0);
    });

    it("up to the account's quota", async () => {
      await fixture.createModel();
      await fixture.createConfig({ ProductionVariants: [{ ...goodVariant, InitialInstanceCount: 9 }] });
      await assert.rejects(
        fixture.client.send(new CreateEndpointCommand({ EndpointName: "endpoint", EndpointConfigName: "config" })),
        (error: unknown) => {
          assert.ok(error instanceof ResourceLimitExceeded);
          assert.match(
            error.message,
            /^The account-level service limit 'ml.g4dn.xlarge for endpoint usage' is 8 Instances/,
          );
          return true;
        },
      );
    });

    it("but none without a configuration, none twice, and none with features that are not implemented", async () => {
      await fixture.createEndpoint();
      const create = (change: object) =>
        fixture.client.send(
          new CreateEndpointCommand({ EndpointName: "other", EndpointConfigName: "config", ...change }),
        );
      await refused(create({ EndpointConfigName: "none" }), /^Could not find endpoint configuration/);
      await refused(create({ EndpointName: "endpoint" }), /^Cannot create already existing endpoint /);
      await refused(
        create({ DeploymentConfig: { AutoRollbackConfiguration: { Alarms: [{ AlarmName: "a" }] } } }),
        /Could not find alarm "a"/,
      );
    });
  });
});
