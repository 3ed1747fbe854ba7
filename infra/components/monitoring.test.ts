/** Tests the alarms, the topic that they publish to, and the address of the dashboard. */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { alarmType, deployMonitoring } from "../testing/deployed-monitoring.ts";
import { statement } from "../testing/documents.ts";
import { accountId, keyArn, mockAccount, region } from "../testing/registrations.ts";
import type { Registrations } from "../testing/registrations.ts";
import { idleInstancesAlarm } from "../scaling.ts";

const topicArn = `arn:aws:sns:${region}:${accountId}:clips-operations-0a1b2c3`;
const ofEndpoint = { EndpointName: "detector" };
const ofVariant = { EndpointName: "detector", VariantName: "AllTraffic" };

describe("Monitoring", () => {
  let registrations: Registrations;
  let url: unknown;

  before(async () => {
    ({ registrations, url } = await deployMonitoring());
  });

  it("publishes to a topic with the stack's key that only this account's alarms may publish to", () => {
    assert.equal(registrations.one("aws:sns/topic:Topic").inputs["kmsMasterKeyId"], keyArn);
    const { policy } = registrations.one("aws:sns/topicPolicy:TopicPolicy").inputs;
    assert.deepEqual(statement(policy, "AlarmsOfThisAccountPublish"), {
      Sid: "AlarmsOfThisAccountPublish",
      Effect: "Allow",
      Principal: { Service: "cloudwatch.amazonaws.com" },
      Action: ["sns:Publish"],
      Resource: [topicArn],
      Condition: { StringEquals: { "aws:SourceAccount": accountId } },
    });
    assert.equal(statement(policy, "DenyWithoutTls").Effect, "Deny");
  });

  for (const [name, rule] of [
    [
      "failures",
      { metricName: "Invocation5XXErrors", dimensions: ofVariant, statistic: "Sum", period: 300, evaluationPeriods: 1 },
    ],
    [
      "oldest-request",
      {
        metricName: "ApproximateAgeOfOldestRequest",
        dimensions: ofEndpoint,
        statistic: "Maximum",
        period: 60,
        evaluationPeriods: 5,
        threshold: 7200,
      },
    ],
    [
      "stuck-at-zero",
      {
        metricName: "HasBacklogWithoutCapacity",
        dimensions: ofEndpoint,
        statistic: "Average",
        period: 60,
        evaluationPeriods: 20,
      },
    ],
    [
      "expired",
      { metricName: "ExpiredRequests", dimensions: ofVariant, statistic: "Sum", period: 300, evaluationPeriods: 1 },
    ],
  ] as const) {
    it(`has an alarm ${name}, on the dimensions that SageMaker publishes, which is OK without data`, () => {
      const { alarmDescription, ...inputs } = registrations.one(alarmType, `clips-${name}`).inputs;
      assert.ok(alarmDescription);
      assert.deepEqual(inputs, {
        namespace: "AWS/SageMaker",
        comparisonOperator: "GreaterThanOrEqualToThreshold",
        threshold: 1,
        treatMissingData: "notBreaching",
        alarmActions: [topicArn],
        ...rule,
      });
    });
  }

  it("has an alarm failure-rate on an expression, which is OK without data", () => {
    const { metricQueries, alarmDescription, ...inputs } = registrations.one(alarmType, "clips-failure-rate").inputs;
    assert.equal(
      alarmDescription,
      "More than 0.2 of at least 5 videos failed within 15 minutes. Read the failure objects.",
    );
    assert.deepEqual(inputs, {
      comparisonOperator: "GreaterThanThreshold",
      evaluationPeriods: 1,
      threshold: 0.2,
      treatMissingData: "notBreaching",
      alarmActions: [topicArn],
    });
    const queries = z.array(z.looseObject({ returnData: z.boolean().optional(), metric: z.unknown().optional() }));
    const [returned, ...others] = queries.parse(metricQueries);
    assert.equal(returned?.returnData, true);
    for (const { metric, returnData } of others) {
      assert.equal(returnData, undefined);
      if (metric === undefined) continue;
      const { namespace, dimensions, period } = z.record(z.string(), z.unknown()).parse(metric);
      assert.deepEqual([namespace, dimensions, period], ["AWS/SageMaker", ofVariant, 900]);
    }
  });

  it("has an alarm idle-instances, which waits longer with a warm window", async () => {
    const { alarmDescription, ...expected } = idleInstancesAlarm({
      endpointName: "detector",
      variantName: "AllTraffic",
    });
    const { inputs } = registrations.one(alarmType, "clips-idle-instances");
    assert.deepEqual(inputs, { alarmDescription, ...expected, alarmActions: [topicArn] });
    const warmWindow = { days: "MON-FRI", start: "08:00", end: "09:00", timeZone: "Etc/UTC", instances: 1 };
    const { registrations: warm } = await deployMonitoring({ warmWindow });
    assert.equal(warm.one(alarmType, "clips-idle-instances").inputs["evaluationPeriods"], 24);
  });

  it("has no other alarms", () => {
    assert.equal(registrations.ofType(alarmType).length, 6);
  });

  it("notifies when an alarm returns to OK only if that is chosen", async () => {
    for (const { inputs } of registrations.ofType(alarmType)) assert.equal(inputs["okActions"], undefined);
    const { registrations: chosen } = await deployMonitoring({ notifyRecovery: true });
    for (const { inputs } of chosen.ofType(alarmType)) assert.deepEqual(inputs["okActions"], [topicArn]);
  });

  it("accepts another limit of the failure rate and another number of videos", async () => {
    const { registrations: chosen } = await deployMonitoring({ failureRateLimit: 0.5, failureRateMinRequests: 20 });
    const { threshold, metricQueries } = chosen.one(alarmType, "clips-failure-rate").inputs;
    assert.equal(threshold, 0.5);
    assert.match(JSON.stringify(metricQueries), /IF\(requests >= 20, /);
  });

  it("notifies the given e-mail addresses, with a configurable limit of the waiting time", async () => {
    const { registrations: chosen } = await deployMonitoring({
      operationsEmails: ["ops@example.com"],
      oldestRequestLimit: 600,
    });
    assert.deepEqual(chosen.one("aws:sns/topicSubscription:TopicSubscription").inputs, {
      topic: topicArn,
      protocol: "email",
      endpoint: "ops@example.com",
    });
    assert.equal(chosen.one(alarmType, "clips-oldest-request").inputs["threshold"], 600);
    assert.deepEqual(registrations.ofType("aws:sns/topicSubscription:TopicSubscription"), []);
  });

  it("has a URL in the console of the stack's partition", async () => {
    assert.equal(
      url,
      "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/detector",
    );
    const china = await deployMonitoring({
      account: { ...mockAccount(), partition: pulumi.output("aws-cn"), region: pulumi.output("cn-north-1") },
    });
    assert.match(String(china.url), /^https:\/\/cn-north-1\.console\.amazonaws\.cn\//);
  });
});
