/** Tests the permissions that SageMaker's operations need. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { guardedServices } from "../../testing/guarded-services.ts";
import type { GuardedExamples } from "../../testing/guarded-services.ts";
import { testRole } from "../../testing/fake-aws.ts";
import { arn, goodConfig, goodModel } from "../../testing/sagemaker-fixture.ts";

const Tags = [{ Key: "team", Value: "video" }];
const requestTags = { "aws:RequestTag/team": "video", "aws:TagKeys": ["team"] };
const resourceTags = { "aws:ResourceTag/stack": "dev", "sagemaker:ResourceTag/stack": "dev" };
const pass = {
  action: "iam:PassRole",
  resource: testRole,
  context: { "iam:PassedToService": "sagemaker.amazonaws.com" },
};

describe("The permissions of SageMaker", () => {
  let services: GuardedExamples;
  let stop: () => Promise<void>;

  before(async () => {
    ({ services, stop } = await guardedServices());
  });
  after(() => stop());

  const of = async (operation: string, input: object, service: keyof GuardedExamples = "sagemaker") =>
    await services[service]?.service.permissions.operations[operation]?.(input as never);

  it("include the role that a model gets", async () => {
    assert.deepEqual(await of("CreateModel", { ...goodModel, ModelName: "new" }), [
      { action: "sagemaker:CreateModel", resource: arn("model", "new"), context: {} },
      pass,
    ]);
  });

  it("include AddTags for a resource that is created with tags", async () => {
    const resource = arn("endpoint", "new");
    const permissions = await of("CreateEndpoint", { EndpointName: "new", EndpointConfigName: "other", Tags });
    assert.deepEqual(permissions, [
      { action: "sagemaker:CreateEndpoint", resource, context: requestTags },
      { action: "sagemaker:CreateEndpoint", resource: arn("endpoint-config", "other"), context: requestTags },
      {
        action: "sagemaker:AddTags",
        resource,
        context: { ...requestTags, "sagemaker:TaggingAction": "CreateEndpoint" },
      },
    ]);
  });

  it("do not include AddTags for an empty list of tags", async () => {
    const permissions = await of("CreateModel", { ...goodModel, ModelName: "new", Tags: [] });
    assert.deepEqual(
      permissions?.map(({ action }) => action),
      ["sagemaker:CreateModel", "iam:PassRole"],
    );
  });

  it("concern the endpoint and the configuration of an update, each with its tags", async () => {
    assert.deepEqual(await of("UpdateEndpoint", { EndpointName: "endpoint", EndpointConfigName: "new" }), [
      { action: "sagemaker:UpdateEndpoint", resource: arn("endpoint", "endpoint"), context: resourceTags },
      { action: "sagemaker:UpdateEndpoint", resource: arn("endpoint-config", "new"), context: {} },
    ]);
  });

  it("concern the resource that a name means, in any case", async () => {
    const [permission] = (await of("DescribeEndpoint", { EndpointName: "ENDPOINT" })) ?? [];
    assert.equal(permission?.resource, arn("endpoint", "endpoint"));
  });

  it("depend on the network of a model", async () => {
    const VpcConfig = { SecurityGroupIds: ["sg-1"], Subnets: ["subnet-1", "subnet-2"] };
    const input = { ...goodModel, ModelName: "new", VpcConfig, EnableNetworkIsolation: true };
    const [permission] = (await of("CreateModel", input)) ?? [];
    assert.deepEqual(permission?.context, {
      "sagemaker:NetworkIsolation": "true",
      "sagemaker:VpcSecurityGroupIds": ["sg-1"],
      "sagemaker:VpcSubnets": ["subnet-1", "subnet-2"],
    });
  });

  it("depend on the instances of a configuration, their models and the key of their volumes", async () => {
    const input = { ...goodConfig, EndpointConfigName: "new", KmsKeyId: "1234-abcd" };
    assert.deepEqual(await of("CreateEndpointConfig", input), [
      {
        action: "sagemaker:CreateEndpointConfig",
        resource: arn("endpoint-config", "new"),
        context: {
          "sagemaker:InstanceTypes": ["ml.g4dn.xlarge"],
          "sagemaker:ModelArn": [arn("model", "model")],
          "sagemaker:VolumeKmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/1234-abcd",
        },
      },
    ]);
  });

  it("name the alias of a key by its ARN, which the launcher resolves", async () => {
    const alias = "arn:aws:kms:us-east-1:000000000000:alias/volumes";
    for (const KmsKeyId of ["alias/volumes", alias]) {
      const input = { ...goodConfig, EndpointConfigName: "new", KmsKeyId };
      const [permission] = (await of("CreateEndpointConfig", input)) ?? [];
      assert.equal(permission?.context["sagemaker:VolumeKmsKeyArn"], alias);
    }
  });

  it("concern the endpoint of an invocation", async () => {
    assert.deepEqual(await of("InvokeEndpointAsync", { EndpointName: "endpoint" }, "sagemaker-runtime"), [
      { action: "sagemaker:InvokeEndpointAsync", resource: arn("endpoint", "endpoint"), context: resourceTags },
    ]);
  });

  it("concern all resources of a list", async () => {
    assert.deepEqual(await of("ListModels", {}), [{ action: "sagemaker:ListModels", resource: "*", context: {} }]);
  });
});
