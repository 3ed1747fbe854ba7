import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { startFakeAws } from "./testing/fake-aws.ts";
import type { FakeAws } from "./testing/fake-aws.ts";
import { fakeScaling, targetArn as arn } from "./testing/fake-scaling.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";
import type { TestResource } from "./testing/resource.ts";

const resourceId = "endpoint/video/variant/AllTraffic";
const scalableDimension = "sagemaker:variant:DesiredInstanceCount";
const serviceNamespace = "sagemaker";
const place = { resourceId, scalableDimension, serviceNamespace };
const placeOnAws = { ResourceId: resourceId, ScalableDimension: scalableDimension, ServiceNamespace: serviceNamespace };

describe("Application Auto Scaling", () => {
  let fake: FakeAws;
  let provider: TestProvider;

  beforeEach(async () => {
    fake = await startFakeAws(fakeScaling());
    provider = await startTestProvider(fake.endpoint);
    await provider.configure({});
  });

  afterEach(async () => {
    await provider.stop();
    await fake.stop();
  });

  describe("Target", () => {
    const wanted = { ...place, minCapacity: 0, maxCapacity: 5, tags: { stage: "one" } };
    let target: TestResource;

    beforeEach(async () => {
      target = provider.resource("aws:appautoscaling/target:Target");
      await target.create(wanted);
    });

    it("is registered with its tags, zero instances included, and has the resource as its id", async () => {
      assert.deepEqual(provider.calls(), ["RegisterScalableTarget", "DescribeScalableTargets", "ListTagsForResource"]);
      const { Tags, ...rest } = fake.last("RegisterScalableTarget");
      assert.deepEqual(rest, { ...placeOnAws, MinCapacity: 0, MaxCapacity: 5 });
      assert.deepEqual(Tags, { stage: "one" });
      assert.equal(target.id, resourceId);
      assert.equal(target.state["arn"], arn);
      await target.assertSettled(wanted);
    });

    it("changes its bounds in place, without tags, which are changed before", async () => {
      const news = { ...wanted, maxCapacity: 7, tags: { stage: "two" } };
      provider.calls();
      await target.update(news);
      assert.deepEqual(provider.calls(), [
        "TagResource",
        "RegisterScalableTarget",
        "DescribeScalableTargets",
        "ListTagsForResource",
      ]);
      assert.equal("Tags" in fake.last("RegisterScalableTarget"), false);
      await target.assertSettled(news);
    });

    it("is replaced for another resource, dimension or service", async () => {
      for (const property of Object.keys(place)) {
        assert.deepEqual((await target.diff({ ...wanted, [property]: "other" })).replaces, [property]);
      }
    });

    it("is imported by service, resource and dimension", async () => {
      const imported = await target.import(`${serviceNamespace}/${resourceId}/${scalableDimension}`);
      assert.equal(imported?.id, resourceId);
      assert.equal(imported.inputs["maxCapacity"], 5);
      await assert.rejects(target.import("endpoint"), /is not the id of a scalable target: use sagemaker\/endpoint/);
    });

    it("is awaited when it is deleted, and may be missing", async () => {
      provider.calls();
      await target.delete();
      assert.deepEqual(provider.calls(), ["DeregisterScalableTarget", "DescribeScalableTargets"]);
      assert.equal(await target.read(), undefined);
      await target.delete();
    });
  });

  describe("Policy", () => {
    const type = "aws:appautoscaling/policy:Policy";
    const backlog = {
      metricName: "ApproximateBacklogSizePerInstance",
      namespace: "AWS/SageMaker",
      statistic: "Average",
      dimensions: [{ name: "EndpointName", value: "video" }],
    };
    const tracking = {
      ...place,
      policyType: "TargetTrackingScaling",
      targetTrackingScalingPolicyConfiguration: {
        customizedMetricSpecification: backlog,
        targetValue: 5,
        scaleInCooldown: 300,
      },
    };
    const steps = {
      ...place,
      stepScalingPolicyConfiguration: {
        adjustmentType: "ChangeInCapacity",
        metricAggregationType: "Average",
        stepAdjustments: [
          { metricIntervalLowerBound: "0", metricIntervalUpperBound: "10", scalingAdjustment: 1 },
          { metricIntervalLowerBound: "10", scalingAdjustment: 2 },
        ],
      },
    };

    it("of target tracking is put, with 0 for a missing cooldown", async () => {
      const policy = provider.resource(type, "backlog");
      await policy.create(tracking);
      assert.deepEqual(provider.calls(), ["PutScalingPolicy", "DescribeScalingPolicies"]);
      assert.deepEqual(fake.last("PutScalingPolicy"), {
        ...placeOnAws,
        PolicyName: "backlog-a1a2a3a",
        PolicyType: "TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration: {
          CustomizedMetricSpecification: {
            MetricName: "ApproximateBacklogSizePerInstance",
            Namespace: "AWS/SageMaker",
            Dimensions: [{ Name: "EndpointName", Value: "video" }],
            Statistic: "Average",
          },
          DisableScaleIn: false,
          ScaleInCooldown: 300,
          ScaleOutCooldown: 0,
          TargetValue: 5,
        },
      });
      assert.equal(policy.id, "backlog-a1a2a3a");
      assert.match(JSON.stringify(policy.state["arn"]), /:scalingPolicy:/);
      assert.deepEqual(policy.state["alarmArns"], ["arn:aws:cloudwatch:us-east-1:000000000000:alarm:a"]);
      await policy.assertSettled(tracking);
    });

    it("in steps accepts bounds as strings in any order, without the open bound", async () => {
      const policy = provider.resource(type, "wake");
      await policy.create(steps);
      const sent = fake.last("PutScalingPolicy");
      assert.equal(sent["PolicyType"], "StepScaling");
      assert.deepEqual(sent["StepScalingPolicyConfiguration"], {
        AdjustmentType: "ChangeInCapacity",
        Cooldown: 0,
        MetricAggregationType: "Average",
        StepAdjustments: [
          { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 10, ScalingAdjustment: 1 },
          { MetricIntervalLowerBound: 10, ScalingAdjustment: 2 },
        ],
      });
      await policy.assertSettled(steps);
      const configuration = steps.stepScalingPolicyConfiguration;
      const turned = { ...configuration, stepAdjustments: [...configuration.stepAdjustments].reverse() };
      assert.deepEqual((await policy.diff({ ...steps, stepScalingPolicyConfiguration: turned })).changes, []);
    });

    it("changes in place, and is replaced for another name or target", async () => {
      const policy = provider.resource(type, "backlog");
      await policy.create(tracking);
      const configuration = { ...tracking.targetTrackingScalingPolicyConfiguration, targetValue: 3 };
      const news = { ...tracking, targetTrackingScalingPolicyConfiguration: configuration };
      assert.deepEqual((await policy.diff(news)).detailed, {
        "targetTrackingScalingPolicyConfiguration.targetValue": "update",
      });
      await policy.update(news);
      await policy.assertSettled(news);
      assert.deepEqual((await policy.diff({ ...news, policyType: "StepScaling" })).replaces, []);
      for (const property of ["name", ...Object.keys(place)]) {
        assert.deepEqual((await policy.diff({ ...news, [property]: "other" })).replaces, [property]);
      }
    });

    it("is imported by service, resource, dimension and name, and may be missing", async () => {
      const policy = provider.resource(type, "wake");
      await policy.create(steps);
      const imported = await policy.import(`${serviceNamespace}/${resourceId}/${scalableDimension}/wake-a1a2a3a`);
      assert.equal(imported?.id, "wake-a1a2a3a");
      await policy.delete();
      assert.equal(await policy.read(), undefined);
      await policy.delete();
    });
  });

  describe("ScheduledAction", () => {
    const wanted = {
      ...place,
      schedule: "cron(0 8 ? * MON-FRI *)",
      timezone: "Europe/Berlin",
      scalableTargetAction: { minCapacity: 0, maxCapacity: 3 },
    };
    let action: TestResource;

    beforeEach(async () => {
      action = provider.resource("aws:appautoscaling/scheduledAction:ScheduledAction", "warm");
      await action.create(wanted);
    });

    it("is put, zero instances included, and has the official provider's id", async () => {
      assert.deepEqual(provider.calls(), ["PutScheduledAction", "DescribeScheduledActions"]);
      assert.deepEqual(fake.last("PutScheduledAction"), {
        ...placeOnAws,
        ScheduledActionName: "warm-a1a2a3a",
        Schedule: wanted.schedule,
        Timezone: wanted.timezone,
        ScalableTargetAction: { MinCapacity: 0, MaxCapacity: 3 },
      });
      assert.equal(action.id, `warm-a1a2a3a-${serviceNamespace}-${resourceId}`);
      assert.match(JSON.stringify(action.state["arn"]), /:scheduledAction:/);
      await action.assertSettled(wanted);
    });

    it("changes in place, and is replaced for another name or target", async () => {
      const news = { ...wanted, scalableTargetAction: { minCapacity: 1, maxCapacity: 3 } };
      await action.update(news);
      await action.assertSettled(news);
      for (const property of ["name", ...Object.keys(place)]) {
        assert.deepEqual((await action.diff({ ...news, [property]: "other" })).replaces, [property]);
      }
    });

    it("is deleted, and may be missing", async () => {
      await action.delete();
      assert.equal(fake.last("DeleteScheduledAction")["ScheduledActionName"], "warm-a1a2a3a");
      assert.equal(await action.read(), undefined);
      await action.delete();
    });
  });
});
