import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { startFakeAws } from "./testing/fake-aws.ts";
import type { FakeAws } from "./testing/fake-aws.ts";
import { fakeAlarms } from "./testing/fake-cloudwatch.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";
import type { TestResource } from "./testing/resource.ts";

describe("MetricAlarm", () => {
  const wanted = {
    comparisonOperator: "GreaterThanOrEqualToThreshold",
    evaluationPeriods: 2,
    datapointsToAlarm: 2,
    metricName: "HasBacklogWithoutCapacity",
    namespace: "AWS/SageMaker",
    dimensions: { EndpointName: "video" },
    period: 60,
    statistic: "Average",
    threshold: 1,
    alarmActions: ["arn:policy", "arn:topic"],
    tags: { stage: "one" },
  };
  const query = {
    comparisonOperator: "GreaterThanThreshold",
    evaluationPeriods: 1,
    threshold: 0,
    metricQueries: [
      { id: "e1", expression: "m1 * 2", returnData: true },
      { id: "m1", metric: { metricName: "M", namespace: "N", period: 60, stat: "Sum", dimensions: { A: "b" } } },
    ],
  };
  let fake: FakeAws;
  let provider: TestProvider;
  let alarm: TestResource;

  beforeEach(async () => {
    fake = await startFakeAws(fakeAlarms());
    provider = await startTestProvider(fake.endpoint);
    await provider.configure({});
    alarm = provider.resource("aws:cloudwatch/metricAlarm:MetricAlarm", "wake");
  });

  afterEach(async () => {
    await provider.stop();
    await fake.stop();
  });

  it("is put completely with its tags, and read", async () => {
    await alarm.create(wanted);
    assert.deepEqual(provider.calls(), ["PutMetricAlarm", "DescribeAlarms", "ListTagsForResource"]);
    const { Tags, ...sent } = fake.last("PutMetricAlarm");
    assert.deepEqual(sent, {
      AlarmName: "wake-a1a2a3a",
      ActionsEnabled: true,
      AlarmActions: ["arn:policy", "arn:topic"],
      ComparisonOperator: "GreaterThanOrEqualToThreshold",
      DatapointsToAlarm: 2,
      Dimensions: [{ Name: "EndpointName", Value: "video" }],
      EvaluationPeriods: 2,
      MetricName: "HasBacklogWithoutCapacity",
      Namespace: "AWS/SageMaker",
      Period: 60,
      Statistic: "Average",
      Threshold: 1,
      TreatMissingData: "missing",
    });
    assert.deepEqual(Tags, [{ Key: "stage", Value: "one" }]);
    assert.equal(alarm.id, "wake-a1a2a3a");
    assert.equal(alarm.state["arn"], "arn:aws:cloudwatch:us-east-1:000000000000:alarm:wake-a1a2a3a");
    await alarm.assertSettled(wanted);
  });

  it("changes tags first, then all at once without tags", async () => {
    await alarm.create(wanted);
    const news = { ...wanted, threshold: 3, tags: { step: "two" } };
    provider.calls();
    await alarm.update(news);
    assert.deepEqual(provider.calls(), [
      "UntagResource",
      "TagResource",
      "PutMetricAlarm",
      "DescribeAlarms",
      "ListTagsForResource",
    ]);
    assert.equal("Tags" in fake.last("PutMetricAlarm"), false);
    await alarm.assertSettled(news);
  });

  it("ignores the order of actions, and is replaced for another name", async () => {
    await alarm.create(wanted);
    const turned = { ...wanted, alarmActions: [...wanted.alarmActions].reverse() };
    assert.deepEqual((await alarm.diff(turned)).changes, []);
    assert.deepEqual((await alarm.diff({ ...wanted, name: "other" })).replaces, ["name"]);
  });

  it("has a metric computed from others, which is not returned by default", async () => {
    await alarm.create(query);
    assert.deepEqual(fake.last("PutMetricAlarm")["Metrics"], [
      { Id: "e1", Expression: "m1 * 2", ReturnData: true },
      {
        Id: "m1",
        MetricStat: {
          Metric: { MetricName: "M", Namespace: "N", Dimensions: [{ Name: "A", Value: "b" }] },
          Period: 60,
          Stat: "Sum",
        },
        ReturnData: false,
      },
    ]);
    await alarm.assertSettled(query);
    const turned = { ...query, metricQueries: [...query.metricQueries].reverse() };
    assert.deepEqual((await alarm.diff(turned)).changes, []);
  });

  it("is deleted, and may be missing", async () => {
    await alarm.create(wanted);
    await alarm.delete();
    assert.equal(await alarm.read(), undefined);
    await alarm.delete();
  });

  it("refuses a metric without statistic, a query that is both, and queries together with a metric", async () => {
    await assert.rejects(alarm.check({ ...wanted, statistic: null }), /statistic.* is required with .*metricName/);
    const [first, second] = query.metricQueries;
    const both = { ...query, metricQueries: [{ ...first, ...second }] };
    await assert.rejects(alarm.check(both), /metricQueries\[0\]\.expression.* cannot be combined with .*metric/);
    await assert.rejects(alarm.check({ ...query, period: 60 }), /cannot be combined with/);
  });
});
