/** Tests Application Auto Scaling's answers and refusals for targets, activities, pages and tags. */

import assert from "node:assert/strict";
import type {
  DescribeScalableTargetsResponse,
  DescribeScalingActivitiesResponse,
  DescribeScalingPoliciesResponse,
  ListTagsForResourceResponse,
  RegisterScalableTargetResponse,
} from "@aws-sdk/client-application-auto-scaling";
import { describe, it } from "mocha";
import { ScalingServiceHarness, key, registered, stepPolicy, target, trackingPolicy } from "./harness.ts";

describe("RegisterScalableTarget", () => {
  it("registers a variant, whose description the provider reads back", async () => {
    const harness = new ScalingServiceHarness();
    const { ScalableTargetARN: arn } = await harness.call<RegisterScalableTargetResponse>(
      "RegisterScalableTarget",
      target,
    );
    assert.match(arn ?? "", /^arn:aws:application-autoscaling:us-east-1:000000000000:scalable-target\/[0-9a-f]{32}$/);
    const found = await harness.call<DescribeScalableTargetsResponse>("DescribeScalableTargets", {
      ServiceNamespace: "sagemaker",
      ResourceIds: [key.ResourceId],
      ScalableDimension: key.ScalableDimension,
    });
    assert.deepEqual(found.ScalableTargets, [
      {
        ...target,
        RoleARN:
          "arn:aws:iam::000000000000:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        CreationTime: new Date(harness.clock.now()),
        SuspendedState: {
          DynamicScalingInSuspended: false,
          DynamicScalingOutSuspended: false,
          ScheduledScalingSuspended: false,
        },
        ScalableTargetARN: arn,
      },
    ]);
  });

  it("changes only the given members, and keeps the ARN", async () => {
    const harness = await registered();
    const [before] = harness.autoscaler.targets();
    await harness.call("RegisterScalableTarget", {
      ...key,
      MaxCapacity: 9,
      SuspendedState: { DynamicScalingInSuspended: true },
    });
    const [after] = harness.autoscaler.targets();
    assert.deepEqual(after, { ...before, max: 9, suspension: { scaleIn: true, scaleOut: false, scheduled: false } });
  });

  it("moves the capacity into the limits, and records an activity", async () => {
    const harness = new ScalingServiceHarness();
    await harness.call("RegisterScalableTarget", { ...target, MinCapacity: 2 });
    await harness.clock.advance(0);
    assert.equal(harness.counts.get(key.ResourceId), 2);
    const { ScalingActivities: [activity] = [] } = await harness.call<DescribeScalingActivitiesResponse>(
      "DescribeScalingActivities",
      { ServiceNamespace: "sagemaker", ResourceId: key.ResourceId },
    );
    assert.deepEqual(
      { ...activity, ActivityId: "" },
      {
        ...key,
        ActivityId: "",
        Description: "Setting desired instance count to 2.",
        Cause: "minimum capacity was set to 2",
        StartTime: new Date(harness.clock.now()),
        EndTime: new Date(harness.clock.now()),
        StatusCode: "Successful",
        StatusMessage: "Successfully set desired instance count to 2. Change successfully fulfilled by sagemaker.",
      },
    );
  });

  const refusals = [
    [
      "a variant that does not exist",
      { ...target, ResourceId: "endpoint/videos/variant/other" },
      /doesn't exist: endpoint\/videos\/variant\/other/,
    ],
    ["another namespace, by name", { ...target, ServiceNamespace: "ecs" }, /not for ecs/],
    [
      "another dimension, by name",
      { ...target, ScalableDimension: "sagemaker:inference-component:DesiredCopyCount" },
      /not for sagemaker:inference-component:DesiredCopyCount/,
    ],
    [
      "a resource id of another form",
      { ...target, ResourceId: "service/a/b" },
      /^Unsupported service namespace, resource type or scalable dimension$/,
    ],
    [
      "a maximum below the minimum",
      { ...target, MinCapacity: 6 },
      /Maximum capacity cannot be less than minimum capacity/,
    ],
    ["a negative minimum", { ...target, MinCapacity: -1 }, /Minimum capacity/],
    ["a new target without limits", { ...key, MinCapacity: 0 }, /MinCapacity and MaxCapacity are required/],
    ["tags that AWS reserves", { ...target, Tags: { "aws:x": "y" } }, /reserved/],
  ] as const;
  for (const [what, input, message] of refusals) {
    it(`refuses ${what}`, async () => {
      const harness = new ScalingServiceHarness();
      await assert.rejects(harness.call("RegisterScalableTarget", input), { code: "ValidationException", message });
      assert.deepEqual(harness.autoscaler.targets(), []);
    });
  }
});

describe("DescribeScalingActivities", () => {
  it("shows a decision not to scale, with its reason, if it is asked for", async () => {
    const harness = await registered();
    harness.counts.set(key.ResourceId, 5);
    await harness.call("PutScalingPolicy", trackingPolicy);
    const { MetricName: name, Namespace: namespace } =
      trackingPolicy.TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification;
    for (let minutes = 0; minutes < 5; minutes += 1) {
      const dimensions = { EndpointName: "videos" };
      harness.metrics.put({ namespace, name, dimensions, timestamp: harness.clock.now(), value: 100 });
      await harness.clock.advance(60_000);
    }
    const shown = async (more: object) => {
      const input = { ServiceNamespace: "sagemaker", ResourceId: key.ResourceId, ...more };
      const { ScalingActivities = [] } = await harness.call<DescribeScalingActivitiesResponse>(
        "DescribeScalingActivities",
        input,
      );
      return ScalingActivities;
    };
    assert.deepEqual(await shown({}), []);
    const [activity, ...others] = await shown({ IncludeNotScaledActivities: true });
    assert.deepEqual(others, []);
    assert.equal(activity?.Description, "Attempting to scale due to alarm triggered");
    assert.match(activity.Cause ?? "", /^monitor alarm TargetTracking-.* in state ALARM triggered policy backlog$/);
    assert.deepEqual(
      [activity.StatusCode, activity.NotScaledReasons],
      ["Failed", [{ Code: "AlreadyAtMaxCapacity", MaxCapacity: 5 }]],
    );
  });
});

describe("DeregisterScalableTarget", () => {
  it("deletes the policies and their alarms, too", async () => {
    const harness = await registered();
    await harness.call("PutScalingPolicy", trackingPolicy);
    await harness.call("DeregisterScalableTarget", key);
    assert.deepEqual([harness.autoscaler.policies(), harness.alarms.list()], [[], []]);
  });

  it("refuses a target that is not registered, as after DeleteEndpoint", async () => {
    await assert.rejects(new ScalingServiceHarness().call("DeregisterScalableTarget", key), {
      code: "ObjectNotFoundException",
      message:
        "No scalable target found for service namespace: sagemaker, resource ID: endpoint/videos/variant/main, scalable dimension: sagemaker:variant:DesiredInstanceCount",
    });
  });
});

describe("descriptions in pages", () => {
  it("return every item once, and refuse an unknown token", async () => {
    const harness = await registered();
    for (const name of ["a", "b", "c", "d", "e"])
      await harness.call("PutScalingPolicy", { ...stepPolicy, PolicyName: name });
    const names: (string | undefined)[] = [];
    let token: string | undefined;
    do {
      const page: DescribeScalingPoliciesResponse = await harness.call("DescribeScalingPolicies", {
        ServiceNamespace: "sagemaker",
        MaxResults: 2,
        ...(token === undefined ? {} : { NextToken: token }),
      });
      names.push(...(page.ScalingPolicies ?? []).map(({ PolicyName }) => PolicyName));
      token = page.NextToken;
    } while (token !== undefined);
    assert.deepEqual(names, ["a", "b", "c", "d", "e"]);
    await assert.rejects(harness.call("DescribeScalingPolicies", { ServiceNamespace: "sagemaker", NextToken: "2" }), {
      code: "InvalidNextTokenException",
    });
  });
});

describe("tags of a scalable target", () => {
  it("are listed, added, overwritten and removed", async () => {
    const harness = new ScalingServiceHarness();
    const { ScalableTargetARN: ResourceARN } = await harness.call<RegisterScalableTargetResponse>(
      "RegisterScalableTarget",
      {
        ...target,
        Tags: { a: "1", b: "2" },
      },
    );
    await harness.call("TagResource", { ResourceARN, Tags: { b: "3", c: "4" } });
    await harness.call("UntagResource", { ResourceARN, TagKeys: ["a", "z"] });
    const { Tags } = await harness.call<ListTagsForResourceResponse>("ListTagsForResource", { ResourceARN });
    assert.deepEqual(Tags, { b: "3", c: "4" });
  });

  it("are refused for an existing target, with AWS's words", async () => {
    const harness = await registered();
    await assert.rejects(harness.call("RegisterScalableTarget", { ...target, Tags: { a: "1" } }), {
      code: "ValidationException",
      message:
        "The scalable target that you tried to tag already exists. To update tags on an existing scalable target, use the TagResource API.",
    });
  });

  it("are deleted with the target", async () => {
    const harness = new ScalingServiceHarness();
    const { ScalableTargetARN: ResourceARN } = await harness.call<RegisterScalableTargetResponse>(
      "RegisterScalableTarget",
      {
        ...target,
        Tags: { a: "1" },
      },
    );
    harness.autoscaler.deregister(key.ResourceId);
    await assert.rejects(harness.call("ListTagsForResource", { ResourceARN }), {
      code: "ResourceNotFoundException",
      members: { ResourceName: ResourceARN },
    });
  });

  it("are limited to 50", async () => {
    const harness = await registered();
    const [{ arn: ResourceARN } = { arn: "" }] = harness.autoscaler.targets();
    const Tags = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, ""]));
    await assert.rejects(harness.call("TagResource", { ResourceARN, Tags }), { code: "TooManyTagsException" });
  });
});
