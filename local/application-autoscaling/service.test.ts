/** Holds Application Auto Scaling's answers and refusals. */

import assert from "node:assert/strict";
import type {
  DescribeScalableTargetsResponse,
  DescribeScalingActivitiesResponse,
  DescribeScalingPoliciesResponse,
  ListTagsForResourceResponse,
  PutScalingPolicyRequest,
  PutScalingPolicyResponse,
  RegisterScalableTargetResponse,
} from "@aws-sdk/client-application-auto-scaling";
import { describe, it } from "mocha";
import { ScalingServiceBench } from "./bench.ts";

const key = {
  ServiceNamespace: "sagemaker",
  ResourceId: "endpoint/videos/variant/main",
  ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
} as const;
const target = { ...key, MinCapacity: 0, MaxCapacity: 5 };
const stepPolicy = {
  ...key,
  PolicyName: "wake",
  PolicyType: "StepScaling",
  StepScalingPolicyConfiguration: {
    AdjustmentType: "ChangeInCapacity",
    MetricAggregationType: "Average",
    Cooldown: 300,
    StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
  },
} satisfies PutScalingPolicyRequest;
const trackingPolicy = {
  ...key,
  PolicyName: "backlog",
  PolicyType: "TargetTrackingScaling",
  TargetTrackingScalingPolicyConfiguration: {
    TargetValue: 5,
    ScaleInCooldown: 120,
    ScaleOutCooldown: 120,
    CustomizedMetricSpecification: {
      Namespace: "AWS/SageMaker",
      MetricName: "ApproximateBacklogSizePerInstance",
      Statistic: "Average",
      Dimensions: [{ Name: "EndpointName", Value: "videos" }],
    },
  },
} satisfies PutScalingPolicyRequest;

async function registered(): Promise<ScalingServiceBench> {
  const bench = new ScalingServiceBench();
  await bench.call("RegisterScalableTarget", target);
  return bench;
}

describe("RegisterScalableTarget", () => {
  it("registers a variant, whose description the provider reads back", async () => {
    const bench = new ScalingServiceBench();
    const { ScalableTargetARN: arn } = await bench.call<RegisterScalableTargetResponse>(
      "RegisterScalableTarget",
      target,
    );
    assert.match(arn ?? "", /^arn:aws:application-autoscaling:us-east-1:000000000000:scalable-target\/[0-9a-f]{32}$/);
    const found = await bench.call<DescribeScalableTargetsResponse>("DescribeScalableTargets", {
      ServiceNamespace: "sagemaker",
      ResourceIds: [key.ResourceId],
      ScalableDimension: key.ScalableDimension,
    });
    assert.deepEqual(found.ScalableTargets, [
      {
        ...target,
        RoleARN:
          "arn:aws:iam::000000000000:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        CreationTime: new Date(bench.clock.now()),
        SuspendedState: {
          DynamicScalingInSuspended: false,
          DynamicScalingOutSuspended: false,
          ScheduledScalingSuspended: false,
        },
        ScalableTargetARN: arn,
      },
    ]);
  });

  it("changes only what is given, and keeps the ARN", async () => {
    const bench = await registered();
    const [before] = bench.autoscaler.targets();
    await bench.call("RegisterScalableTarget", {
      ...key,
      MaxCapacity: 9,
      SuspendedState: { DynamicScalingInSuspended: true },
    });
    const [after] = bench.autoscaler.targets();
    assert.deepEqual(after, { ...before, max: 9, suspension: { scaleIn: true, scaleOut: false, scheduled: false } });
  });

  it("moves the capacity into the limits, which an activity tells", async () => {
    const bench = new ScalingServiceBench();
    await bench.call("RegisterScalableTarget", { ...target, MinCapacity: 2 });
    await bench.clock.advance(0);
    assert.equal(bench.counts.get(key.ResourceId), 2);
    const { ScalingActivities: [activity] = [] } = await bench.call<DescribeScalingActivitiesResponse>(
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
        StartTime: new Date(bench.clock.now()),
        EndTime: new Date(bench.clock.now()),
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
    ["tags that AWS keeps to itself", { ...target, Tags: { "aws:x": "y" } }, /reserved/],
  ] as const;
  for (const [what, input, message] of refusals) {
    it(`refuses ${what}`, async () => {
      const bench = new ScalingServiceBench();
      await assert.rejects(bench.call("RegisterScalableTarget", input), { code: "ValidationException", message });
      assert.deepEqual(bench.autoscaler.targets(), []);
    });
  }
});

describe("DeregisterScalableTarget", () => {
  it("takes the policies and their alarms along", async () => {
    const bench = await registered();
    await bench.call("PutScalingPolicy", trackingPolicy);
    await bench.call("DeregisterScalableTarget", key);
    assert.deepEqual([bench.autoscaler.policies(), bench.alarms.list()], [[], []]);
  });

  it("refuses what is not registered, as a later call after DeleteEndpoint sees it", async () => {
    await assert.rejects(new ScalingServiceBench().call("DeregisterScalableTarget", key), {
      code: "ObjectNotFoundException",
      message:
        "No scalable target found for service namespace: sagemaker, resource ID: endpoint/videos/variant/main, scalable dimension: sagemaker:variant:DesiredInstanceCount",
    });
  });
});

describe("PutScalingPolicy", () => {
  it("gives target tracking two alarms, and describes both kinds of policy as they were put", async () => {
    const bench = await registered();
    const { PolicyARN: arn, Alarms: alarms } = await bench.call<PutScalingPolicyResponse>(
      "PutScalingPolicy",
      trackingPolicy,
    );
    await bench.call("PutScalingPolicy", stepPolicy);
    assert.match(
      arn ?? "",
      /^arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:[0-9a-f-]{36}:resource\/sagemaker\/endpoint\/videos\/variant\/main:policyName\/backlog$/,
    );
    assert.equal(alarms?.length, 2);
    for (const { AlarmName: name = "", AlarmARN: alarmArn } of alarms) {
      assert.ok(bench.alarms.get(name));
      assert.equal(alarmArn, `arn:aws:cloudwatch:us-east-1:000000000000:alarm:${name}`);
    }
    const { ScalingPolicies: policies = [] } = await bench.call<DescribeScalingPoliciesResponse>(
      "DescribeScalingPolicies",
      { ServiceNamespace: "sagemaker", ResourceId: key.ResourceId },
    );
    // What is absent on the wire is undefined here.
    const shown = JSON.parse(JSON.stringify(policies)) as object[];
    const CreationTime = new Date(bench.clock.now()).toISOString();
    assert.deepEqual(shown, [
      {
        ...trackingPolicy,
        TargetTrackingScalingPolicyConfiguration: {
          ...trackingPolicy.TargetTrackingScalingPolicyConfiguration,
          DisableScaleIn: false,
        },
        PolicyARN: arn,
        Alarms: alarms,
        CreationTime,
      },
      { ...stepPolicy, PolicyARN: policies[1]?.PolicyARN, Alarms: [], CreationTime },
    ]);
  });

  it("takes the service's cooldowns of 300 s where none are given, and 0 where 0 is", async () => {
    const bench = await registered();
    const cooldowns = async (changes: object): Promise<unknown> => {
      const configuration = { ...trackingPolicy.TargetTrackingScalingPolicyConfiguration, ...changes };
      await bench.call("PutScalingPolicy", {
        ...trackingPolicy,
        TargetTrackingScalingPolicyConfiguration: configuration,
      });
      const [policy] = bench.autoscaler.policies();
      assert.ok(policy?.rule.type === "TargetTrackingScaling");
      return [policy.rule.scaleInCooldown, policy.rule.scaleOutCooldown];
    };
    assert.deepEqual(await cooldowns({ ScaleInCooldown: undefined, ScaleOutCooldown: undefined }), [300_000, 300_000]);
    assert.deepEqual(await cooldowns({ ScaleInCooldown: 0, ScaleOutCooldown: 0 }), [0, 0]);
  });

  it("overwrites the policy of that name: the ARN stays, the old alarms go", async () => {
    const bench = await registered();
    const before = await bench.call<PutScalingPolicyResponse>("PutScalingPolicy", trackingPolicy);
    const after = await bench.call<PutScalingPolicyResponse>("PutScalingPolicy", trackingPolicy);
    assert.equal(after.PolicyARN, before.PolicyARN);
    assert.equal(bench.alarms.list().length, 2);
    assert.deepEqual(
      bench.alarms.list().map(({ settings }) => settings.name),
      after.Alarms?.map(({ AlarmName }) => AlarmName).sort(),
    );
  });

  const step = (StepAdjustments: object[], more: object = {}): object => ({
    ...stepPolicy,
    StepScalingPolicyConfiguration: { ...stepPolicy.StepScalingPolicyConfiguration, StepAdjustments, ...more },
  });
  const bounds = (lower?: number, upper?: number): object => ({
    ScalingAdjustment: 1,
    ...(lower === undefined ? {} : { MetricIntervalLowerBound: lower }),
    ...(upper === undefined ? {} : { MetricIntervalUpperBound: upper }),
  });
  const tracking = (more: object): object => ({
    ...trackingPolicy,
    TargetTrackingScalingPolicyConfiguration: { ...trackingPolicy.TargetTrackingScalingPolicyConfiguration, ...more },
  });
  const metric = trackingPolicy.TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification;
  const refusals: [string, object, RegExp][] = [
    [
      "a step without bounds",
      step([bounds()]),
      /Both lower and upper bounds of a step adjustment cannot be left unspecified/,
    ],
    ["a gap between steps", step([bounds(0, 1), bounds(2)]), /gaps/],
    ["overlapping steps", step([bounds(0, 3), bounds(2)]), /overlap/],
    ["no open end above", step([bounds(0, 5)]), /unspecified upper bound/],
    ["no open end below", step([bounds(-5, 0)]), /unspecified lower bound/],
    ["no steps", step([]), /StepAdjustment/],
    [
      "more than 20 steps",
      step(Array.from({ length: 21 }, (_, index) => bounds(index, index === 20 ? undefined : index + 1))),
      /at most 20/,
    ],
    ["a least change without a percentage", step([bounds(0)], { MinAdjustmentMagnitude: 2 }), /MinAdjustmentMagnitude/],
    [
      "a step policy without its configuration",
      { ...key, PolicyName: "x" },
      /StepScalingPolicyConfiguration is required/,
    ],
    [
      "a predefined metric, by name",
      tracking({
        CustomizedMetricSpecification: undefined,
        PredefinedMetricSpecification: { PredefinedMetricType: "SageMakerVariantInvocationsPerInstance" },
      }),
      /does not implement the predefined metric SageMakerVariantInvocationsPerInstance/,
    ],
    [
      "metric math, by name",
      tracking({ CustomizedMetricSpecification: { Metrics: [] } }),
      /does not implement metric math/,
    ],
    ["tracking without a metric", tracking({ CustomizedMetricSpecification: undefined }), /Exactly one of/],
    [
      "a metric without a statistic",
      tracking({ CustomizedMetricSpecification: { ...metric, Statistic: undefined } }),
      /Statistic/,
    ],
    [
      "a predictive policy, by name",
      { ...key, PolicyName: "x", PolicyType: "PredictiveScaling" },
      /does not implement scaling policies of type PredictiveScaling/,
    ],
  ];
  for (const [what, input, message] of refusals) {
    it(`refuses ${what}`, async () => {
      const bench = await registered();
      await assert.rejects(bench.call("PutScalingPolicy", input), { code: "ValidationException", message });
      assert.deepEqual(bench.autoscaler.policies(), []);
    });
  }

  it("refuses a second target tracking on the same metric", async () => {
    const bench = await registered();
    await bench.call("PutScalingPolicy", trackingPolicy);
    await assert.rejects(bench.call("PutScalingPolicy", { ...trackingPolicy, PolicyName: "again" }), {
      message: "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
    });
  });

  it("refuses a policy of a resource that is not registered", async () => {
    await assert.rejects(new ScalingServiceBench().call("PutScalingPolicy", stepPolicy), {
      code: "ObjectNotFoundException",
      message:
        /^No scalable target registered for service namespace: sagemaker, resource ID: endpoint\/videos\/variant\/main/,
    });
  });
});

describe("DeleteScalingPolicy", () => {
  it("deletes a policy with its alarms, and refuses one that there is not", async () => {
    const bench = await registered();
    await bench.call("PutScalingPolicy", trackingPolicy);
    const input = { ...key, PolicyName: "backlog" };
    await bench.call("DeleteScalingPolicy", input);
    assert.deepEqual([bench.autoscaler.policies(), bench.alarms.list()], [[], []]);
    await assert.rejects(bench.call("DeleteScalingPolicy", input), {
      code: "ObjectNotFoundException",
      message: /^No scaling policy found for .*, policy name: backlog$/,
    });
  });
});

describe("descriptions in pages", () => {
  it("give every item once, and refuse a token of their own invention", async () => {
    const bench = await registered();
    for (const name of ["a", "b", "c", "d", "e"])
      await bench.call("PutScalingPolicy", { ...stepPolicy, PolicyName: name });
    const names: (string | undefined)[] = [];
    let token: string | undefined;
    do {
      const page: DescribeScalingPoliciesResponse = await bench.call("DescribeScalingPolicies", {
        ServiceNamespace: "sagemaker",
        MaxResults: 2,
        ...(token === undefined ? {} : { NextToken: token }),
      });
      names.push(...(page.ScalingPolicies ?? []).map(({ PolicyName }) => PolicyName));
      token = page.NextToken;
    } while (token !== undefined);
    assert.deepEqual(names, ["a", "b", "c", "d", "e"]);
    await assert.rejects(bench.call("DescribeScalingPolicies", { ServiceNamespace: "sagemaker", NextToken: "2" }), {
      code: "InvalidNextTokenException",
    });
  });
});

describe("tags of a scalable target", () => {
  it("are listed, added, overwritten and removed", async () => {
    const bench = new ScalingServiceBench();
    const { ScalableTargetARN: ResourceARN } = await bench.call<RegisterScalableTargetResponse>(
      "RegisterScalableTarget",
      {
        ...target,
        Tags: { a: "1", b: "2" },
      },
    );
    await bench.call("TagResource", { ResourceARN, Tags: { b: "3", c: "4" } });
    await bench.call("UntagResource", { ResourceARN, TagKeys: ["a", "z"] });
    const { Tags } = await bench.call<ListTagsForResourceResponse>("ListTagsForResource", { ResourceARN });
    assert.deepEqual(Tags, { b: "3", c: "4" });
  });

  it("are gone with the target", async () => {
    const bench = new ScalingServiceBench();
    const { ScalableTargetARN: ResourceARN } = await bench.call<RegisterScalableTargetResponse>(
      "RegisterScalableTarget",
      {
        ...target,
        Tags: { a: "1" },
      },
    );
    bench.autoscaler.deregister(key.ResourceId);
    await assert.rejects(bench.call("ListTagsForResource", { ResourceARN }), {
      code: "ResourceNotFoundException",
      members: { ResourceName: ResourceARN },
    });
  });

  it("are at most 50", async () => {
    const bench = await registered();
    const [{ arn: ResourceARN } = { arn: "" }] = bench.autoscaler.targets();
    const Tags = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, ""]));
    await assert.rejects(bench.call("TagResource", { ResourceARN, Tags }), { code: "TooManyTagsException" });
  });
});
