/** Tests for the endpoint, its model and its configuration. */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import { endpointNameOf } from "../endpoint-name.ts";
import { deployEndpoint, modelType } from "../testing/deployed-endpoint.ts";
import { statement } from "../testing/documents.ts";
import { accountId, keyArn, region } from "../testing/registrations.ts";
import type { Registrations } from "../testing/registrations.ts";

const configurationType = "aws:sagemaker/endpointConfiguration:EndpointConfiguration";
const endpointType = "aws:sagemaker/endpoint:Endpoint";
const logGroupType = "aws:cloudwatch/logGroup:LogGroup";

/** Returns the endpoint's deploymentConfig with a bake time in seconds. */
const deploymentConfig = (waitIntervalInSeconds: number) => ({
  blueGreenUpdatePolicy: {
    terminationWaitInSeconds: 0,
    trafficRoutingConfiguration: { type: "ALL_AT_ONCE", waitIntervalInSeconds },
  },
});

describe("AsyncEndpoint", () => {
  let registrations: Registrations;

  before(async () => {
    registrations = await deployEndpoint();
  });

  it("leaves the names of model and configuration to Pulumi: both are immutable, and replaced by new ones", () => {
    for (const type of [modelType, configurationType]) {
      assert.equal(registrations.one(type).inputs["name"], undefined);
      assert.equal(registrations.one(type).deleteBeforeReplace, undefined);
    }
  });

  it("declares the endpoint's log group before the endpoint, encrypted and with a retention", async () => {
    const group = registrations.one(logGroupType);
    const name = endpointNameOf(
      { accountId, region, project: "async-video-inference", stack: "test", rollbackAlarms: [] },
      "detector-endpoint-",
    );
    assert.equal(registrations.one(endpointType).inputs["name"], name);
    assert.ok(registrations.one(endpointType).dependencies.includes(group.urn));
    assert.deepEqual(group.inputs, {
      name: `/aws/sagemaker/Endpoints/${name}`,
      retentionInDays: 30,
      kmsKeyId: keyArn,
    });
    assert.equal((await deployEndpoint({ logRetentionDays: 7 })).one(logGroupType).inputs["retentionInDays"], 7);
  });

  it("changes its name only with inputs that make the provider replace it, and is then created before the old one is deleted", async () => {
    const names = (deployed: Registrations) =>
      [endpointType, logGroupType].map((type) => deployed.one(type).inputs["name"]);
    const before = names(registrations);
    assert.deepEqual(names(await deployEndpoint({ bakeTime: 300 })), before);
    const alarmed = await deployEndpoint({ rollbackAlarms: ["errors"] });
    for (const [index, name] of names(alarmed).entries()) assert.notEqual(name, before[index]);
    for (const type of [endpointType, logGroupType]) assert.equal(alarmed.one(type).deleteBeforeReplace, false);
  });

  it("gets a new configuration for a new bake time: SageMaker refuses an update to the current one", async () => {
    assert.equal(registrations.one(configurationType).replacementTrigger, 0);
    assert.equal((await deployEndpoint({ bakeTime: 300 })).one(configurationType).replacementTrigger, 300);
  });

  it("creates the model once the role may read the artifact", () => {
    const rolePolicy = registrations.one("aws:iam/rolePolicy:RolePolicy");
    assert.ok(registrations.one(modelType).dependencies.includes(rolePolicy.urn));
  });

  it("has one variant with a fixed name, which starts with one instance", () => {
    const { productionVariants } = registrations.one(configurationType).inputs;
    assert.deepEqual(productionVariants, [
      {
        variantName: "AllTraffic",
        modelName: "detector-model-0a1b2c3",
        instanceType: "ml.g4dn.xlarge",
        initialInstanceCount: 1,
        containerStartupHealthCheckTimeoutInSeconds: 900,
        inferenceAmiVersion: "al2-ami-sagemaker-inference-gpu-3-1",
      },
    ]);
  });

  it("is asynchronous, with locations for results and failures and topics for notifications", () => {
    const { asyncInferenceConfig } = registrations.one(configurationType).inputs;
    assert.deepEqual(asyncInferenceConfig, {
      clientConfig: { maxConcurrentInvocationsPerInstance: 2 },
      outputConfig: {
        s3OutputPath: "s3://clips-output-0a1b2c3/results",
        s3FailurePath: "s3://clips-output-0a1b2c3/failures",
        kmsKeyId: keyArn,
        notificationConfig: {
          successTopic: `arn:aws:sns:eu-west-1:${accountId}:clips-success-0a1b2c3`,
          errorTopic: `arn:aws:sns:eu-west-1:${accountId}:clips-error-0a1b2c3`,
        },
      },
    });
  });

  it("sends an instance as many concurrent invocations as its server has workers", async () => {
    const other = await deployEndpoint({ maxConcurrency: 7 });
    const { asyncInferenceConfig } = other.one(configurationType).inputs;
    const { primaryContainer } = other.one(modelType).inputs;
    assert.partialDeepStrictEqual(asyncInferenceConfig, {
      clientConfig: { maxConcurrentInvocationsPerInstance: 7 },
    });
    assert.partialDeepStrictEqual(primaryContainer, { environment: { SAGEMAKER_MODEL_SERVER_WORKERS: "7" } });
  });

  it("deletes dependents of the replacement trigger before an update to another instance type, and updates the endpoint after that", () => {
    const replacementTrigger = registrations.one("pulumi:index:Stash");
    assert.deepEqual(replacementTrigger.inputs["input"], "ml.g4dn.xlarge");
    assert.equal(replacementTrigger.deleteBeforeReplace, true);
    assert.deepEqual(replacementTrigger.replaceOnChanges, ["input"]);
    const endpoint = registrations.one(endpointType);
    assert.ok(endpoint.dependencies.includes(replacementTrigger.urn));
    // As a dependent of the trigger, the endpoint itself would be replaced, and its queue lost.
    assert.deepEqual(
      Object.values(endpoint.propertyDependencies).filter((urns) => urns.includes(replacementTrigger.urn)),
      [],
    );
  });

  it("keeps its instances during an update, and fails if SageMaker rolls it back", () => {
    assert.deepEqual(registrations.one(endpointType).updateHooks, [
      "detector-capture-capacity",
      "detector-verify-update",
      "detector-restore-capacity",
    ]);
  });

  it("sets its update policy, which equals SageMaker's default unless a bake time or alarms are chosen", async () => {
    assert.deepEqual(registrations.one(endpointType).inputs["deploymentConfig"], deploymentConfig(0));
    assert.deepEqual(registrations.one(endpointType).ignoreChanges, [
      "deploymentConfig.blueGreenUpdatePolicy.maximumExecutionTimeoutInSeconds",
    ]);
    const careful = await deployEndpoint({ bakeTime: 300, rollbackAlarms: ["team-errors"] });
    assert.deepEqual(careful.one(endpointType).inputs["deploymentConfig"], {
      ...deploymentConfig(300),
      autoRollbackConfiguration: { alarms: [{ alarmName: "team-errors" }] },
    });
    const slow = await deployEndpoint({ bakeTime: 60 });
    assert.deepEqual(slow.one(endpointType).inputs["deploymentConfig"], deploymentConfig(60));
  });

  it("joins a VPC and isolates the container if that is chosen, with a role that may join only that VPC", async () => {
    assert.equal(registrations.one(modelType).inputs["vpcConfig"], undefined);
    const choices = { subnetIds: ["subnet-1"], securityGroupIds: ["sg-1"], networkIsolation: true };
    const inside = await deployEndpoint(choices);
    assert.partialDeepStrictEqual(inside.one(modelType).inputs, {
      enableNetworkIsolation: true,
      vpcConfig: { subnets: ["subnet-1"], securityGroupIds: ["sg-1"] },
    });
    const { policy } = inside.one("aws:iam/rolePolicy:RolePolicy").inputs;
    assert.deepEqual(statement(policy, "JoinNetwork").Resource, [
      `arn:aws:ec2:eu-west-1:${accountId}:network-interface/*`,
      `arn:aws:ec2:eu-west-1:${accountId}:subnet/subnet-1`,
      `arn:aws:ec2:eu-west-1:${accountId}:security-group/sg-1`,
    ]);
    assert.ok(statement(policy, "SeeNetwork").Action.every((action) => action.startsWith("ec2:Describe")));
  });
});
