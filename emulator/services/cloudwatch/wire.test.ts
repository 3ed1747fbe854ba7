/** Tests CloudWatch with an SDK client through the gateway, in the order of the Pulumi provider's calls. */

import assert from "node:assert/strict";
import {
  CloudWatchClient,
  DashboardInvalidInputError,
  DeleteAlarmsCommand,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  DescribeAnomalyDetectorsCommand,
  GetDashboardCommand,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  GetMetricWidgetImageCommand,
  ListMetricsCommand,
  ListTagsForResourceCommand,
  PutAnomalyDetectorCommand,
  PutCompositeAlarmCommand,
  PutDashboardCommand,
  PutInsightRuleCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
  PutMetricStreamCommand,
  ResourceNotFound,
  SetAlarmStateCommand,
  TagResourceCommand,
} from "@aws-sdk/client-cloudwatch";
import type { CloudWatchServiceException } from "@aws-sdk/client-cloudwatch";
import { after, before, describe, it } from "mocha";
import type { Gateway } from "../../gateway/gateway.ts";
import { sdkConfig, startTestGateway } from "../../testing/test-gateway.ts";
import { MonitoringHarness } from "./harness.ts";

describe("CloudWatch through the gateway", () => {
  const harness = new MonitoringHarness();
  let gateway: Gateway;
  let client: CloudWatchClient;

  before(async () => {
    gateway = await startTestGateway([harness.service], harness.clock);
    client = new CloudWatchClient(sdkConfig(gateway));
  });

  after(async () => {
    client.destroy();
    await gateway.stop();
  });

  const alarm = {
    AlarmName: "failures",
    Namespace: "Videos",
    MetricName: "Failures",
    Statistic: "Sum",
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 0.5,
    ComparisonOperator: "GreaterThanThreshold",
  } as const;

  it("puts an alarm with tags, describes, tags, changes and deletes it", async () => {
    const Tags = [{ Key: "project", Value: "videos" }];
    await client.send(new PutMetricAlarmCommand({ ...alarm, Tags }));
    const describeAlarms = async () => {
      const input = { AlarmNames: ["failures"], AlarmTypes: ["MetricAlarm" as const] };
      const { MetricAlarms = [] } = await client.send(new DescribeAlarmsCommand(input));
      return MetricAlarms;
    };
    const [found] = await describeAlarms();
    assert.deepEqual([found?.Threshold, found?.ActionsEnabled, found?.AlarmActions], [0.5, true, []]);
    assert.deepEqual(found?.StateUpdatedTimestamp, harness.at(0));
    const ResourceARN = found.AlarmArn;
    await client.send(new TagResourceCommand({ ResourceARN, Tags: [{ Key: "stage", Value: "test" }] }));
    const listed = await client.send(new ListTagsForResourceCommand({ ResourceARN }));
    assert.deepEqual(listed.Tags, [...Tags, { Key: "stage", Value: "test" }]);
    await client.send(new SetAlarmStateCommand({ AlarmName: "failures", StateValue: "OK", StateReason: "by hand" }));
    const { AlarmHistoryItems = [] } = await client.send(new DescribeAlarmHistoryCommand({ AlarmName: "failures" }));
    assert.deepEqual(
      AlarmHistoryItems.map(({ HistoryItemType }) => HistoryItemType),
      ["StateUpdate", "ConfigurationUpdate"],
    );
    await client.send(new DeleteAlarmsCommand({ AlarmNames: ["failures"] }));
    assert.deepEqual(await describeAlarms(), []);
    await assert.rejects(client.send(new DeleteAlarmsCommand({ AlarmNames: ["failures"] })), ResourceNotFound);
  });

  it("stores metric data and returns it in all three ways", async () => {
    const Dimensions = [{ Name: "Job", Value: "a" }];
    const MetricData = [
      { MetricName: "Frames", Dimensions, Values: [1.5, 2.5], Counts: [1, 3], Timestamp: harness.at(0) },
    ];
    await client.send(new PutMetricDataCommand({ Namespace: "Videos", MetricData }));
    const metric = { Namespace: "Videos", MetricName: "Frames", Dimensions };
    const range = { StartTime: harness.at(0), EndTime: harness.at(5) };
    const { Metrics } = await client.send(new ListMetricsCommand({ Namespace: "Videos" }));
    assert.deepEqual(Metrics, [metric]);
    const { Datapoints } = await client.send(
      new GetMetricStatisticsCommand({ ...metric, ...range, Period: 60, Statistics: ["Average", "SampleCount"] }),
    );
    assert.deepEqual(Datapoints, [{ Timestamp: harness.at(0), Average: 2.25, SampleCount: 4, Unit: "None" }]);
    const MetricStat = { Metric: metric, Period: 300, Stat: "Maximum" };
    const { MetricDataResults } = await client.send(
      new GetMetricDataCommand({ ...range, MetricDataQueries: [{ Id: "m", MetricStat }] }),
    );
    assert.deepEqual(MetricDataResults, [
      { Id: "m", Label: "Frames", Timestamps: [harness.at(0)], Values: [2.5], StatusCode: "Complete" },
    ]);
  });

  it("stores a dashboard, and names the problem of an invalid one", async () => {
    const DashboardBody = JSON.stringify({ widgets: [] });
    await client.send(new PutDashboardCommand({ DashboardName: "videos", DashboardBody }));
    const found = await client.send(new GetDashboardCommand({ DashboardName: "videos" }));
    assert.equal(found.DashboardBody, DashboardBody);
    await assert.rejects(
      client.send(new PutDashboardCommand({ DashboardName: "videos", DashboardBody: "{}" })),
      (error) => error instanceof DashboardInvalidInputError && error.dashboardValidationMessages?.length === 1,
    );
  });

  const metric = { Namespace: "Videos", MetricName: "Failures" };
  const refused = {
    PutCompositeAlarm: new PutCompositeAlarmCommand({ AlarmName: "any", AlarmRule: "ALARM(failures)" }),
    PutAnomalyDetector: new PutAnomalyDetectorCommand({ SingleMetricAnomalyDetector: { ...metric, Stat: "Sum" } }),
    DescribeAnomalyDetectors: new DescribeAnomalyDetectorsCommand({}),
    GetMetricWidgetImage: new GetMetricWidgetImageCommand({ MetricWidget: "{}" }),
    PutInsightRule: new PutInsightRuleCommand({ RuleName: "rule", RuleDefinition: "{}" }),
    PutMetricStream: new PutMetricStreamCommand({ FirehoseArn: "f", RoleArn: "r", Name: "s", OutputFormat: "json" }),
  };
  for (const [operation, command] of Object.entries(refused)) {
    it(`refuses ${operation} by name, without retries`, async () => {
      await assert.rejects(client.send(command as PutCompositeAlarmCommand), (error: CloudWatchServiceException) => {
        assert.match(error.message, new RegExp(`The emulator does not implement .*:${operation}\\.`));
        assert.deepEqual([error.name, error.$metadata.attempts], ["NotImplementedException", 1]);
        return true;
      });
    });
  }

  it("refuses an alarm without a statistic as AWS does", async () => {
    await assert.rejects(client.send(new PutMetricAlarmCommand({ ...alarm, Statistic: undefined })), {
      // The shape's name: CBOR clients get it, query clients get its code, ValidationError.
      name: "ValidationException",
      message: /Statistic/,
    });
  });
});
