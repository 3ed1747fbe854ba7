/** Tests scaling: to zero, from zero for a single video, and up with the backlog. */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import * as pulumi from "@pulumi/pulumi";
import * as sagemaker from "@pulumi/aws/sagemaker/index.js";
import { EndpointAutoscaling } from "./endpoint-autoscaling.ts";
import type { EndpointAutoscalingArgs } from "./endpoint-autoscaling.ts";
import { registrationsOf } from "../testing/registrations.ts";
import type { Registrations } from "../testing/registrations.ts";

const targetType = "aws:appautoscaling/target:Target";
const policyType = "aws:appautoscaling/policy:Policy";
const alarmType = "aws:cloudwatch/metricAlarm:MetricAlarm";

async function scaling(args: Partial<EndpointAutoscalingArgs> = {}): Promise<Registrations> {
  const { registrations } = await registrationsOf(() => {
    const { name: endpointName } = new sagemaker.Endpoint("detector", { endpointConfigName: "config" });
    const { output } = new pulumi.Stash("replacementTrigger", { input: "ml.g4dn.xlarge" });
    const replacementTrigger = output.apply(String);
    new EndpointAutoscaling("clips", { endpointName, variantName: "AllTraffic", replacementTrigger, ...args });
  });
  return registrations;
}

describe("EndpointAutoscaling", () => {
  let registrations: Registrations;

  before(async () => {
    registrations = await scaling();
  });

  it("scales the endpoint's variant between zero and five instances, with AWS's service-linked role", () => {
    assert.deepEqual(registrations.one(targetType).inputs, {
      serviceNamespace: "sagemaker",
      scalableDimension: "sagemaker:variant:DesiredInstanceCount",
      resourceId: "endpoint/detector-0a1b2c3/variant/AllTraffic",
      minCapacity: 0,
      maxCapacity: 5,
    });
  });

  it("registers the target after its endpoint, so that a destroy deregisters it first", () => {
    const endpoint = registrations.one("aws:sagemaker/endpoint:Endpoint");
    assert.ok(registrations.one(targetType).dependencies.includes(endpoint.urn));
  });

  it("makes the target depend on the replacement trigger, so that the target is deleted first", () => {
    const replacementTrigger = registrations.one("pulumi:index:Stash");
    const { propertyDependencies } = registrations.one(targetType);
    assert.ok(propertyDependencies["resourceId"]?.includes(replacementTrigger.urn));
  });

  it("follows the backlog per instance, only by the dimension EndpointName", () => {
    const { inputs } = registrations.one(policyType, "clips-backlog");
    assert.equal(inputs["policyType"], "TargetTrackingScaling");
    assert.deepEqual(inputs["targetTrackingScalingPolicyConfiguration"], {
      targetValue: 5,
      scaleInCooldown: 120,
      scaleOutCooldown: 120,
      customizedMetricSpecification: {
        namespace: "AWS/SageMaker",
        metricName: "ApproximateBacklogSizePerInstance",
        statistic: "Average",
        dimensions: [{ name: "EndpointName", value: "detector-0a1b2c3" }],
      },
    });
  });

  it("starts one instance from zero, and not another while that one starts", () => {
    const { inputs } = registrations.one(policyType, "clips-from-zero");
    assert.equal(inputs["policyType"], "StepScaling");
    assert.deepEqual(inputs["stepScalingPolicyConfiguration"], {
      adjustmentType: "ChangeInCapacity",
      metricAggregationType: "Average",
      cooldown: 300,
      stepAdjustments: [{ metricIntervalLowerBound: "0", scalingAdjustment: 1 }],
    });
  });

  it("starts an instance after two minutes with a backlog and no instance", () => {
    const alarm = registrations.one(alarmType);
    const { alarmActions, alarmDescription, ...rule } = alarm.inputs;
    assert.ok(alarmDescription);
    assert.deepEqual(rule, {
      namespace: "AWS/SageMaker",
      metricName: "HasBacklogWithoutCapacity",
      statistic: "Average",
      dimensions: { EndpointName: "detector-0a1b2c3" },
      period: 60,
      evaluationPeriods: 2,
      datapointsToAlarm: 2,
      comparisonOperator: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      treatMissingData: "missing",
    });
    const wake = registrations.one(policyType, "clips-from-zero");
    assert.ok(alarm.dependencies.includes(wake.urn));
    assert.deepEqual(alarmActions, ["arn:aws:appautoscaling:eu-west-1:123456789012:clips-from-zero-0a1b2c3"]);
  });

  it("attaches both policies to the target, so that they are deleted before it", () => {
    const target = registrations.one(targetType);
    for (const policy of registrations.ofType(policyType)) {
      assert.ok(policy.dependencies.includes(target.urn), policy.name);
      assert.equal(policy.inputs["resourceId"], target.inputs["resourceId"]);
    }
  });

  it("accepts other bounds, targets and cooldowns", async () => {
    const other = await scaling({
      minCapacity: 1,
      maxCapacity: 2,
      backlogTarget: 3,
      scaleInCooldown: 4,
      scaleOutCooldown: 5,
    });
    const { minCapacity, maxCapacity } = other.one(targetType).inputs;
    assert.deepEqual([minCapacity, maxCapacity], [1, 2]);
    const tracking = other.one(policyType, "clips-backlog").inputs["targetTrackingScalingPolicyConfiguration"];
    assert.ok(typeof tracking === "object" && tracking !== null);
    assert.deepEqual(
      { ...tracking, customizedMetricSpecification: undefined },
      {
        targetValue: 3,
        scaleInCooldown: 4,
        scaleOutCooldown: 5,
        customizedMetricSpecification: undefined,
      },
    );
  });
});
