/** Tests Application Auto Scaling's answers and refusals for policies. */

import assert from "node:assert/strict";
import type {
  DescribeScalingPoliciesResponse,
  PutScalingPolicyResponse,
} from "@aws-sdk/client-application-auto-scaling";
import { describe, it } from "mocha";
import { MetricQueries } from "../../core/metric-queries.ts";
import { refusalCode } from "../../testing/refusal-code.ts";
import { ScalingServiceHarness, key, registered, stepPolicy, trackingPolicy } from "./harness.ts";

const tracking = (more: object): object => ({
  ...trackingPolicy,
  TargetTrackingScalingPolicyConfiguration: { ...trackingPolicy.TargetTrackingScalingPolicyConfiguration, ...more },
});

describe("PutScalingPolicy", () => {
  it("gives target tracking two alarms, and describes both kinds of policy as they were put", async () => {
    const harness = await registered();
    const { PolicyARN: arn, Alarms: alarms } = await harness.call<PutScalingPolicyResponse>(
      "PutScalingPolicy",
      trackingPolicy,
    );
    await harness.call("PutScalingPolicy", stepPolicy);
    assert.match(
      arn ?? "",
      /^arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:[0-9a-f-]{36}:resource\/sagemaker\/endpoint\/videos\/variant\/main:policyName\/backlog$/,
    );
    assert.equal(alarms?.length, 2);
    for (const { AlarmName: name = "", AlarmARN: alarmArn } of alarms) {
      assert.ok(harness.alarms.get(name));
      assert.equal(alarmArn, `arn:aws:cloudwatch:us-east-1:000000000000:alarm:${name}`);
    }
    const { ScalingPolicies: policies = [] } = await harness.call<DescribeScalingPoliciesResponse>(
      "DescribeScalingPolicies",
      { ServiceNamespace: "sagemaker", ResourceId: key.ResourceId },
    );
    // Members that are absent on the wire are undefined here.
    const shown = JSON.parse(JSON.stringify(policies)) as object[];
    const CreationTime = new Date(harness.clock.now()).toISOString();
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

  it("defaults to the service's cooldowns of 300 s, and accepts 0", async () => {
    const harness = await registered();
    const cooldowns = async (changes: object): Promise<unknown> => {
      const configuration = { ...trackingPolicy.TargetTrackingScalingPolicyConfiguration, ...changes };
      await harness.call("PutScalingPolicy", {
        ...trackingPolicy,
        TargetTrackingScalingPolicyConfiguration: configuration,
      });
      const [policy] = harness.autoscaler.policies();
      assert.ok(policy?.rule.type === "TargetTrackingScaling");
      return [policy.rule.scaleInCooldown, policy.rule.scaleOutCooldown];
    };
    assert.deepEqual(await cooldowns({ ScaleInCooldown: undefined, ScaleOutCooldown: undefined }), [300_000, 300_000]);
    assert.deepEqual(await cooldowns({ ScaleInCooldown: 0, ScaleOutCooldown: 0 }), [0, 0]);
  });

  it("keeps the alarms of an identical policy, and makes new ones if one was deleted", async () => {
    const harness = await registered();
    const before = await harness.call<PutScalingPolicyResponse>("PutScalingPolicy", trackingPolicy);
    assert.deepEqual(await harness.call("PutScalingPolicy", trackingPolicy), before);
    harness.alarms.delete(before.Alarms?.[0]?.AlarmName ?? "");
    const after = await harness.call<PutScalingPolicyResponse>("PutScalingPolicy", trackingPolicy);
    assert.notDeepEqual(after.Alarms, before.Alarms);
    assert.equal(harness.alarms.list().length, 2);
  });

  it("overwrites the policy of that name: the ARN stays, the old alarms are deleted", async () => {
    const harness = await registered();
    const before = await harness.call<PutScalingPolicyResponse>("PutScalingPolicy", trackingPolicy);
    const after = await harness.call<PutScalingPolicyResponse>("PutScalingPolicy", tracking({ TargetValue: 7 }));
    assert.equal(after.PolicyARN, before.PolicyARN);
    assert.notDeepEqual(after.Alarms, before.Alarms);
    assert.equal(harness.alarms.list().length, 2);
    assert.deepEqual(
      harness.alarms.list().map(({ settings }) => settings.name),
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
  const metric = trackingPolicy.TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification;
  const backlog = {
    Id: "b",
    MetricStat: {
      Metric: { Namespace: "AWS/SageMaker", MetricName: "ApproximateBacklogSize", Dimensions: metric.Dimensions },
      Stat: "Maximum",
    },
  };
  const each = { Id: "each", Expression: "b / FILL(n, 1)", ReturnData: true };
  const math = (Metrics: readonly object[]): object => tracking({ CustomizedMetricSpecification: { Metrics } });

  it("tracks metric math: describes its queries, watches them with its alarms, and acts on their result", async () => {
    const harness = await registered();
    const instances = {
      Id: "n",
      MetricStat: {
        Metric: { Namespace: "/aws/sagemaker/Endpoints", MetricName: "CPUUtilization", Dimensions: metric.Dimensions },
        Stat: "SampleCount",
      },
      ReturnData: false,
    };
    const Metrics = [{ ...each, Label: "per instance" }, { ...backlog, ReturnData: false }, instances];
    await harness.call("PutScalingPolicy", math(Metrics));
    const { ScalingPolicies: [policy] = [] } = await harness.call<DescribeScalingPoliciesResponse>(
      "DescribeScalingPolicies",
      { ServiceNamespace: "sagemaker" },
    );
    const described = policy?.TargetTrackingScalingPolicyConfiguration?.CustomizedMetricSpecification;
    assert.deepEqual(JSON.parse(JSON.stringify(described)), { Metrics });
    assert.match(policy?.Alarms?.map(({ AlarmName }) => AlarmName).join() ?? "", /-AlarmHigh-.*-AlarmLow-/);
    const [high] = harness.alarms.list();
    assert.ok(high?.settings.watched instanceof MetricQueries);
    assert.equal(high.settings.period, 60_000);

    const put = (namespace: string, name: string, value: number): void => {
      harness.metrics.put({
        namespace,
        name,
        dimensions: { EndpointName: "videos" },
        timestamp: harness.clock.now(),
        value,
      });
    };
    for (let index = 0; index < 3; index += 1) {
      put("AWS/SageMaker", "ApproximateBacklogSize", 18);
      put("/aws/sagemaker/Endpoints", "CPUUtilization", 50);
      await harness.clock.advance(60_000);
    }
    // One instance has 18 requests; the target is 5 each.
    assert.equal(harness.counts.get(key.ResourceId), 4);
  });

  it("refuses a second target tracking of the same metric math", async () => {
    const harness = await registered();
    await harness.call("PutScalingPolicy", math([backlog]));
    await assert.rejects(harness.call("PutScalingPolicy", { ...math([backlog]), PolicyName: "again" }), {
      message: "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
    });
  });

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
    [
      "a minimum change without a percentage",
      step([bounds(0)], { MinAdjustmentMagnitude: 2 }),
      /MinAdjustmentMagnitude/,
    ],
    [
      "a step policy without its configuration",
      { ...key, PolicyName: "x" },
      /StepScalingPolicyConfiguration is required/,
    ],
    [
      "a predefined metric, which asynchronous endpoints do not have,",
      tracking({
        CustomizedMetricSpecification: undefined,
        PredefinedMetricSpecification: { PredefinedMetricType: "SageMakerVariantInvocationsPerInstance" },
      }),
      /The emulator refuses the predefined metric SageMakerVariantInvocationsPerInstance, .* Use a CustomizedMetric/,
    ],
    ["metric math without a result", math([]), /Exactly one query in Metrics must have ReturnData true/],
    ["two results of metric math", math([backlog, { Id: "twice", Expression: "2 * b" }]), /Exactly one query/],
    ["an id used twice", math([each, each]), /The Id of each query in Metrics must be unique/],
    ["an id with a capital", math([{ ...backlog, Id: "E" }]), /must begin with a small letter/],
    ["an invalid expression", math([{ Id: "e", Expression: "b +" }, backlog]), /found the end/],
    [
      "an unknown statistic",
      math([{ ...backlog, MetricStat: { ...backlog.MetricStat, Stat: "p" } }]),
      /value p for Stat/,
    ],
    ["a search", math([{ Id: "e", Expression: "SUM(SEARCH('x', 'Sum', 60))" }]), /SEARCH is not supported/],
    [
      "several time series",
      math([
        { Id: "e", Expression: "METRICS()" },
        { ...backlog, ReturnData: false },
      ]),
      /single time series/,
    ],
    [
      "a function that is not implemented, by name",
      math([
        { Id: "e", Expression: "SERVICE_QUOTA(b)" },
        { ...backlog, ReturnData: false },
      ]),
      /does not implement the function SERVICE_QUOTA/,
    ],
    [
      "metric math together with a metric",
      tracking({ CustomizedMetricSpecification: { ...metric, Metrics: [backlog] } }),
      /MetricName, Namespace, Dimensions, Statistic cannot be specified together with Metrics/,
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
      const harness = await registered();
      await assert.rejects(harness.call("PutScalingPolicy", input), {
        code: refusalCode(message, "ValidationException"),
        message,
      });
      assert.deepEqual(harness.autoscaler.policies(), []);
    });
  }

  it("refuses a second target tracking on the same metric", async () => {
    const harness = await registered();
    await harness.call("PutScalingPolicy", trackingPolicy);
    await assert.rejects(harness.call("PutScalingPolicy", { ...trackingPolicy, PolicyName: "again" }), {
      message: "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
    });
  });

  it("refuses a policy of a resource that is not registered", async () => {
    await assert.rejects(new ScalingServiceHarness().call("PutScalingPolicy", stepPolicy), {
      code: "ObjectNotFoundException",
      message:
        /^No scalable target registered for service namespace: sagemaker, resource ID: endpoint\/videos\/variant\/main/,
    });
  });
});

describe("DeleteScalingPolicy", () => {
  it("deletes a policy with its alarms, and refuses a missing one", async () => {
    const harness = await registered();
    await harness.call("PutScalingPolicy", trackingPolicy);
    const input = { ...key, PolicyName: "backlog" };
    await harness.call("DeleteScalingPolicy", input);
    assert.deepEqual([harness.autoscaler.policies(), harness.alarms.list()], [[], []]);
    await assert.rejects(harness.call("DeleteScalingPolicy", input), {
      code: "ObjectNotFoundException",
      message: /^No scaling policy found for .*, policy name: backlog$/,
    });
  });
});
