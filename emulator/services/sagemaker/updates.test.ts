/** Tests the emulated SageMaker's control plane with an SDK client: updates and scaling of endpoints. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import {
  DeleteEndpointCommand,
  UpdateEndpointCommand,
  UpdateEndpointWeightsAndCapacitiesCommand,
} from "@aws-sdk/client-sagemaker";
import { EndpointBusyError } from "../../core/endpoint-api.ts";
import { arn, goodVariant, refused, resourceId, SageMakerFixture } from "../../testing/sagemaker-fixture.ts";

/** An update that changes nothing but the deployment configuration. */
const onlyDeploymentConfig = {
  EndpointName: "endpoint",
  EndpointConfigName: "config",
  DeploymentConfig: {
    BlueGreenUpdatePolicy: {
      TrafficRoutingConfiguration: { Type: "ALL_AT_ONCE" as const, WaitIntervalInSeconds: 0 },
    },
  },
};

describe("The emulated SageMaker", () => {
  let fixture: SageMakerFixture;

  beforeEach(async () => {
    fixture = await SageMakerFixture.start();
  });
  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  describe("updates endpoints", () => {
    const update = (config: string, change: object = {}) =>
      fixture.client.send(
        new UpdateEndpointCommand({ EndpointName: "endpoint", EndpointConfigName: config, ...change }),
      );
    const busy = `Cannot update in-progress endpoint "${arn("endpoint", "endpoint")}".`;

    beforeEach(async () => {
      await fixture.createEndpoint();
      await fixture.untilStatus("InService");
    });

    it("to another configuration, and refuses calls meanwhile", async () => {
      await fixture.createConfig({
        EndpointConfigName: "next",
        ProductionVariants: [{ ...goodVariant, InitialInstanceCount: 2 }],
      });
      const gate = Promise.withResolvers<undefined>();
      fixture.aws.fleet.gate = gate.promise;
      await update("next");
      assert.equal((await fixture.describeEndpoint()).EndpointStatus, "Updating");
      await refused(update("next"), busy);
      await refused(fixture.client.send(new DeleteEndpointCommand({ EndpointName: "endpoint" })), busy);
      gate.resolve(undefined);
      const updated = await fixture.untilStatus("InService");
      assert.equal(updated.EndpointConfigName, "next");
      assert.equal(updated.ProductionVariants?.[0]?.CurrentInstanceCount, 2);
      assert.equal(fixture.aws.topics.published.length, 4);
    });

    it("but not to their current one", async () => {
      await refused(
        update("config"),
        'Cannot update endpoint with the currently in use endpoint configuration "config".',
      );
    });

    it("to another deployment configuration only, but not to the same one", async () => {
      const other = {
        BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: "ALL_AT_ONCE", WaitIntervalInSeconds: 0 } },
      };
      await update("config", { DeploymentConfig: other });
      const { LastDeploymentConfig: last } = await fixture.untilStatus("InService");
      assert.equal(last?.BlueGreenUpdatePolicy?.TrafficRoutingConfiguration?.WaitIntervalInSeconds, 0);
      await refused(
        update("config", { DeploymentConfig: other }),
        'Cannot update endpoint with the currently in use endpoint configuration "config".',
      );
    });

    it("with the initial count again, unless the variant's properties are retained", async () => {
      await fixture.sagemaker.capacity.set(resourceId, 3);
      await fixture.createConfig({ EndpointConfigName: "b" });
      await update("b", { RetainAllVariantProperties: true });
      assert.equal((await fixture.untilStatus("InService")).ProductionVariants?.[0]?.CurrentInstanceCount, 3);
      await fixture.createConfig({ EndpointConfigName: "c" });
      await update("c");
      assert.equal((await fixture.untilStatus("InService")).ProductionVariants?.[0]?.CurrentInstanceCount, 1);
    });

    it("of another instance type or variant only while no scalable target is registered", async () => {
      await fixture.createConfig({
        EndpointConfigName: "g5",
        ProductionVariants: [{ ...goodVariant, InstanceType: "ml.g5.xlarge" }],
      });
      await fixture.createConfig({
        EndpointConfigName: "renamed",
        ProductionVariants: [{ ...goodVariant, VariantName: "other" }],
      });
      fixture.aws.registeredTargets.add(resourceId);
      await refused(
        update("g5"),
        /Cannot change the instance type of variant video .* registered as a scalable target/,
      );
      await refused(update("renamed"), /Cannot remove variant video .* registered as a scalable target/);
      fixture.aws.registeredTargets.clear();
      await update("g5");
      assert.equal((await fixture.untilStatus("InService")).EndpointConfigName, "g5");
    });

    it("and is in service with the old configuration, and a reason, if the new instances do not start", async () => {
      await fixture.createConfig({ EndpointConfigName: "next" });
      fixture.aws.fleet.broken = "the model is too large";
      await update("next");
      const rolling = await fixture.untilStatus("InService");
      assert.equal(rolling.EndpointConfigName, "config");
      assert.match(rolling.FailureReason ?? "", /the model is too large/);
      assert.equal(rolling.ProductionVariants?.[0]?.CurrentInstanceCount, 1);
    });

    it("and keeps the deployment configuration of the last update", async () => {
      const deployment = {
        BlueGreenUpdatePolicy: {
          TrafficRoutingConfiguration: { Type: "ALL_AT_ONCE" as const, WaitIntervalInSeconds: 0 },
          TerminationWaitInSeconds: 0,
        },
      };
      await fixture.createConfig({ EndpointConfigName: "b" });
      await update("b", { DeploymentConfig: deployment });
      assert.deepEqual((await fixture.untilStatus("InService")).LastDeploymentConfig, deployment);
      await fixture.createConfig({ EndpointConfigName: "c" });
      await update("c", { RetainDeploymentConfig: true });
      assert.deepEqual((await fixture.untilStatus("InService")).LastDeploymentConfig, deployment);
    });

    it("and shows no deployment configuration after an update without one", async () => {
      await fixture.createConfig({ EndpointConfigName: "b" });
      await update("b");
      assert.equal((await fixture.untilStatus("InService")).LastDeploymentConfig, undefined);
    });

    it("but not with an alarm that does not exist", async () => {
      await fixture.createConfig({ EndpointConfigName: "b" });
      const DeploymentConfig = { AutoRollbackConfiguration: { Alarms: [{ AlarmName: "errors" }] } };
      await refused(update("b", { DeploymentConfig }), 'Could not find alarm "errors".');
    });

    it("and rolls back if one of the alarms is in ALARM", async () => {
      fixture.aws.alarms.set("calm", "OK").set("errors", "ALARM");
      await fixture.createConfig({ EndpointConfigName: "b" });
      const Alarms = [{ AlarmName: "calm" }, { AlarmName: "errors" }];
      await update("b", { DeploymentConfig: { AutoRollbackConfiguration: { Alarms } } });
      const rolledBack = await fixture.untilStatus("InService");
      assert.equal(rolledBack.EndpointConfigName, "config");
      assert.match(rolledBack.FailureReason ?? "", /The alarm errors is in ALARM/);
      assert.equal(rolledBack.LastDeploymentConfig, undefined);
      assert.equal(fixture.aws.fleet.running, 1);
      fixture.aws.alarms.set("errors", "OK");
      await update("b", { DeploymentConfig: { AutoRollbackConfiguration: { Alarms } } });
      assert.equal((await fixture.untilStatus("InService")).EndpointConfigName, "b");
    });
  });

  it("shows the defaults of the last deployment if the assumption says so", async () => {
    await fixture[Symbol.asyncDispose]();
    fixture = await SageMakerFixture.start({ lastDeploymentConfig: "filled" });
    await fixture.createEndpoint();
    assert.equal((await fixture.untilStatus("InService")).LastDeploymentConfig, undefined);
    await fixture.createConfig({ EndpointConfigName: "b" });
    await fixture.client.send(new UpdateEndpointCommand({ EndpointName: "endpoint", EndpointConfigName: "b" }));
    assert.deepEqual((await fixture.untilStatus("InService")).LastDeploymentConfig, {
      BlueGreenUpdatePolicy: {
        TrafficRoutingConfiguration: { Type: "ALL_AT_ONCE", WaitIntervalInSeconds: 0 },
        TerminationWaitInSeconds: 0,
        MaximumExecutionTimeoutInSeconds: 28_800,
      },
    });
  });

  it("refuses the same deployment configuration again if the assumption fills in its defaults", async () => {
    await fixture[Symbol.asyncDispose]();
    fixture = await SageMakerFixture.start({ lastDeploymentConfig: "filled" });
    await fixture.createEndpoint();
    await fixture.untilStatus("InService");
    await fixture.client.send(new UpdateEndpointCommand(onlyDeploymentConfig));
    await fixture.untilStatus("InService");
    await refused(
      fixture.client.send(new UpdateEndpointCommand(onlyDeploymentConfig)),
      /currently in use endpoint configuration/,
    );
  });

  it("refuses another deployment configuration only if the assumption says so", async () => {
    await fixture[Symbol.asyncDispose]();
    fixture = await SageMakerFixture.start({ deploymentConfigOnly: "refused" });
    await fixture.createEndpoint();
    await fixture.untilStatus("InService");
    await refused(
      fixture.client.send(new UpdateEndpointCommand(onlyDeploymentConfig)),
      /currently in use endpoint configuration/,
    );
  });

  describe("scales variants", () => {
    const scale = (count: number, variant = "video") =>
      fixture.client.send(
        new UpdateEndpointWeightsAndCapacitiesCommand({
          EndpointName: "endpoint",
          DesiredWeightsAndCapacities: [{ VariantName: variant, DesiredInstanceCount: count }],
        }),
      );

    beforeEach(async () => {
      await fixture.createEndpoint();
      await fixture.untilStatus("InService");
    });

    it("to zero and back, in status Updating meanwhile", async () => {
      await scale(0);
      assert.equal((await fixture.untilStatus("InService")).ProductionVariants?.[0]?.CurrentInstanceCount, 0);
      const gate = Promise.withResolvers<undefined>();
      fixture.aws.fleet.gate = gate.promise;
      await scale(1);
      const updating = await fixture.describeEndpoint();
      assert.equal(updating.EndpointStatus, "Updating");
      assert.equal(updating.ProductionVariants?.[0]?.DesiredInstanceCount, 1);
      assert.equal(updating.ProductionVariants[0].CurrentInstanceCount, 0);
      await refused(scale(2), /^Cannot update in-progress endpoint/);
      gate.resolve(undefined);
      assert.equal((await fixture.untilStatus("InService")).ProductionVariants?.[0]?.CurrentInstanceCount, 1);
    });

    it("but none that do not exist", async () => {
      await refused(scale(1, "other"), /The variants of endpoint ".*" are \[video\]/);
    });

    it("for Application Auto Scaling", async () => {
      assert.equal(fixture.sagemaker.capacity.current(resourceId), 1);
      assert.equal(fixture.sagemaker.capacity.current("endpoint/endpoint/variant/other"), undefined);
      assert.equal(fixture.sagemaker.capacity.current("endpoint/other/variant/video"), undefined);
      await fixture.sagemaker.capacity.set(resourceId, 2);
      assert.equal(fixture.sagemaker.capacity.current(resourceId), 2);
      await assert.rejects(fixture.sagemaker.capacity.set("endpoint/other/variant/video", 2), /Could not find variant/);
    });

    it("for Application Auto Scaling only while nothing else changes", async () => {
      const gate = Promise.withResolvers<undefined>();
      fixture.aws.fleet.gate = gate.promise;
      const scaling = fixture.sagemaker.capacity.set(resourceId, 2);
      await assert.rejects(fixture.sagemaker.capacity.set(resourceId, 1), (error: unknown) => {
        assert.ok(!(error instanceof EndpointBusyError) && error instanceof Error);
        assert.match(error.message, /^Cannot update in-progress endpoint/);
        return true;
      });
      gate.resolve(undefined);
      await scaling;
    });
  });
});
