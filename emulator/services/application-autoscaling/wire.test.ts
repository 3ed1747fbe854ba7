/** Tests scaling with an SDK client through the gateway, in the order of the Pulumi provider's calls. */

import assert from "node:assert/strict";
import {
  ApplicationAutoScalingClient,
  DeleteScalingPolicyCommand,
  DeregisterScalableTargetCommand,
  DescribeScalableTargetsCommand,
  DescribeScalingActivitiesCommand,
  DescribeScalingPoliciesCommand,
  ListTagsForResourceCommand,
  ObjectNotFoundException,
  PutScalingPolicyCommand,
  RegisterScalableTargetCommand,
  ValidationException,
} from "@aws-sdk/client-application-auto-scaling";
import { CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import { after, before, describe, it } from "mocha";
import type { Gateway } from "../../gateway/gateway.ts";
import { monitoring } from "../cloudwatch/service.ts";
import { sdkConfig, startTestGateway } from "../../testing/test-gateway.ts";
import { ScalingServiceHarness, accountId, key, region, trackingPolicy } from "./harness.ts";

describe("scaling through the gateway", () => {
  let gateway: Gateway;
  let scaling: ApplicationAutoScalingClient;
  let cloudWatch: CloudWatchClient;

  before(async () => {
    const { service, clock, metrics, alarms } = new ScalingServiceHarness();
    const publish = (): Promise<void> => Promise.reject(new Error("no topic here"));
    const watching = monitoring({ clock, metrics, alarms, publish, region, accountId });
    gateway = await startTestGateway([service, watching], clock);
    scaling = new ApplicationAutoScalingClient(sdkConfig(gateway));
    cloudWatch = new CloudWatchClient(sdkConfig(gateway));
  });

  after(async () => {
    scaling.destroy();
    cloudWatch.destroy();
    await gateway.stop();
  });

  it("registers a target with tags, puts both policies, finds their alarms, and deletes everything again", async () => {
    const { ScalableTargetARN: ResourceARN } = await scaling.send(
      new RegisterScalableTargetCommand({ ...key, MinCapacity: 0, MaxCapacity: 5, Tags: { project: "videos" } }),
    );
    const { ScalableTargets = [] } = await scaling.send(
      new DescribeScalableTargetsCommand({ ...key, ResourceIds: [key.ResourceId] }),
    );
    assert.deepEqual([ScalableTargets.length, ScalableTargets[0]?.MinCapacity], [1, 0]);
    assert.ok(ScalableTargets[0]?.CreationTime instanceof Date);
    const { Tags } = await scaling.send(new ListTagsForResourceCommand({ ResourceARN }));
    assert.deepEqual(Tags, { project: "videos" });

    const { Alarms = [] } = await scaling.send(new PutScalingPolicyCommand(trackingPolicy));
    await scaling.send(
      new PutScalingPolicyCommand({
        ...key,
        PolicyName: "wake",
        PolicyType: "StepScaling",
        StepScalingPolicyConfiguration: {
          AdjustmentType: "ChangeInCapacity",
          Cooldown: 300,
          StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
        },
      }),
    );
    const { ScalingPolicies: [wake] = [] } = await scaling.send(
      new DescribeScalingPoliciesCommand({ ...key, PolicyNames: ["wake"] }),
    );
    assert.deepEqual(wake?.StepScalingPolicyConfiguration?.StepAdjustments, [
      { MetricIntervalLowerBound: 0, ScalingAdjustment: 1 },
    ]);
    const { MetricAlarms = [] } = await cloudWatch.send(
      new DescribeAlarmsCommand({ AlarmNames: Alarms.flatMap(({ AlarmName }) => AlarmName ?? []) }),
    );
    assert.deepEqual(
      MetricAlarms.map(({ Threshold, StateValue }) => [Threshold, StateValue]),
      [
        [5, "INSUFFICIENT_DATA"],
        [4.5, "INSUFFICIENT_DATA"],
      ],
    );

    for (const PolicyName of ["backlog", "wake"]) {
      await scaling.send(new DeleteScalingPolicyCommand({ ...key, PolicyName }));
    }
    await scaling.send(new DeregisterScalableTargetCommand(key));
    await assert.rejects(scaling.send(new DeregisterScalableTargetCommand(key)), ObjectNotFoundException);
    const { ScalingActivities } = await scaling.send(
      new DescribeScalingActivitiesCommand({ ServiceNamespace: "sagemaker" }),
    );
    assert.deepEqual(ScalingActivities, []);
  });

  it("refuses invalid requests with AWS's error shapes", async () => {
    const register = (changes: object): Promise<unknown> =>
      scaling.send(new RegisterScalableTargetCommand({ ...key, MinCapacity: 0, MaxCapacity: 5, ...changes }));
    await assert.rejects(register({ ResourceId: "endpoint/other/variant/main" }), ValidationException);
    await assert.rejects(register({ ScalableDimension: "videos" }), /Member must satisfy enum value set/);
  });
});
