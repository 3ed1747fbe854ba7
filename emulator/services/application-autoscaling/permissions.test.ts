/** Tests the permissions that Application Auto Scaling's operations need. */

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import { permission } from "../../iam/permission.ts";
import { key, ScalingServiceHarness, target } from "./harness.ts";
import { linkedRole } from "./linked-role.ts";

const place = "us-east-1:000000000000";
const role = linkedRole("000000000000");
const describeEndpoint = permission("sagemaker:DescribeEndpoint", `arn:aws:sagemaker:${place}:endpoint/videos`);
const kind = {
  "application-autoscaling:service-namespace": "sagemaker",
  "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
};
const createRole = {
  action: "iam:CreateServiceLinkedRole",
  resource: `arn:aws:iam::000000000000:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`,
  context: { "iam:AWSServiceName": "sagemaker.application-autoscaling.amazonaws.com" },
};

describe("The permissions of Application Auto Scaling", () => {
  let harness: ScalingServiceHarness;

  beforeEach(() => {
    harness = new ScalingServiceHarness(() => [describeEndpoint]);
  });

  const of = async (operation: string, input: object) =>
    await harness.service.permissions.operations[operation]?.(input as never);

  it("concern all targets, and include the service-linked role, for the first target", async () => {
    assert.deepEqual(await of("RegisterScalableTarget", target), [
      {
        action: "application-autoscaling:RegisterScalableTarget",
        resource: `arn:aws:application-autoscaling:${place}:scalable-target/*`,
        context: kind,
      },
      createRole,
    ]);
  });

  it("do not include the service-linked role once a target has been registered", async () => {
    await harness.call("RegisterScalableTarget", target);
    assert.ok(await harness.roles.exists(role.arn));
    const other = { ...target, ResourceId: "endpoint/other/variant/main" };
    const permissions = await of("RegisterScalableTarget", other);
    assert.deepEqual(
      permissions?.map(({ action }) => action),
      ["application-autoscaling:RegisterScalableTarget"],
    );
  });

  it("include TagResource for a target that is registered with tags", async () => {
    await harness.roles.createServiceLinked(role);
    const tags = { "aws:RequestTag/team": "video", "aws:TagKeys": ["team"] };
    const resource = `arn:aws:application-autoscaling:${place}:scalable-target/*`;
    assert.deepEqual(await of("RegisterScalableTarget", { ...target, Tags: { team: "video" } }), [
      { action: "application-autoscaling:RegisterScalableTarget", resource, context: { ...tags, ...kind } },
      { action: "application-autoscaling:TagResource", resource, context: tags },
    ]);
  });

  it("concern the registered target, with its tags", async () => {
    await harness.call("RegisterScalableTarget", { ...target, Tags: { stack: "dev" } });
    assert.deepEqual(await of("PutScalingPolicy", { ...key, PolicyName: "wake" }), [
      {
        action: "application-autoscaling:PutScalingPolicy",
        resource: harness.autoscaler.target(key.ResourceId)?.arn,
        context: { "aws:ResourceTag/stack": "dev", ...kind },
      },
    ]);
  });

  it("are completed by those that the service tests with calls to the endpoint and to CloudWatch", async () => {
    const alarm = (name: string) => `arn:aws:cloudwatch:${place}:alarm:${name}`;
    const { tested } = harness.service.permissions;
    assert.deepEqual(await tested?.operations["RegisterScalableTarget"]?.(target as never), [
      describeEndpoint,
      { action: "cloudwatch:PutMetricAlarm", resource: alarm(""), context: {} },
      { action: "cloudwatch:DescribeAlarms", resource: alarm("*"), context: {} },
      { action: "cloudwatch:DeleteAlarms", resource: alarm(""), context: {} },
    ]);
    const { code, message } = tested?.denied(["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"]) ?? {};
    assert.equal(code, "ValidationException");
    assert.equal(
      message,
      "User is missing the following permissions: cloudwatch:DeleteAlarms, cloudwatch:PutMetricAlarm",
    );
  });
});
