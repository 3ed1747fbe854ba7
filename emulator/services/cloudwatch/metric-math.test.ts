/** Tests the inputs, results and refusals of metric math in GetMetricData and PutMetricAlarm. */

import assert from "node:assert/strict";
import type {
  DescribeAlarmsOutput,
  GetMetricDataInput,
  GetMetricDataOutput,
  MetricDatum,
} from "@aws-sdk/client-cloudwatch";
import { describe, it } from "mocha";
import { refusalCode } from "../../testing/refusal-code.ts";
import { MonitoringHarness, minute } from "./harness.ts";

const topic = "arn:aws:sns:us-east-1:000000000000:operations";

describe("GetMetricData with metric math", () => {
  const metric = { Namespace: "Videos", MetricName: "Frames" };
  const stat = { Metric: metric, Period: 60, Stat: "Sum" };

  /** 30 in minute 0, 30 in minute 1, none in minute 2, 40 in minute 3. */
  async function filled(): Promise<MonitoringHarness> {
    const harness = new MonitoringHarness();
    await harness.clock.advance(10 * minute);
    const datum = (minutes: number, Value: number): MetricDatum => {
      return { MetricName: "Frames", Timestamp: harness.at(minutes), Value };
    };
    const MetricData = [datum(0, 30), datum(1, 30), datum(3, 40)];
    await harness.call("PutMetricData", { Namespace: "Videos", MetricData });
    return harness;
  }

  function dataQuery(harness: MonitoringHarness, more: Partial<GetMetricDataInput>): object {
    return { StartTime: harness.at(0), EndTime: harness.at(10), ...more };
  }

  it("computes expressions over metrics and over other expressions, in any order", async () => {
    const harness = await filled();
    const { MetricDataResults } = await harness.call<GetMetricDataOutput>(
      "GetMetricData",
      dataQuery(harness, {
        MetricDataQueries: [
          { Id: "share", Expression: "IF(filled > 25, frames / filled, filled)", Label: "my share" },
          { Id: "filled", Expression: "FILL(frames, 5)" },
          { Id: "frames", MetricStat: stat, ReturnData: false },
        ],
        EndTime: harness.at(4),
        ScanBy: "TimestampAscending",
      }),
    );
    const Timestamps = [0, 1, 2, 3].map((minutes) => harness.at(minutes));
    assert.deepEqual(MetricDataResults, [
      { Id: "share", Label: "my share", Timestamps, Values: [1, 1, 5, 1], StatusCode: "Complete" },
      { Id: "filled", Label: "filled", Timestamps, Values: [30, 30, 5, 40], StatusCode: "Complete" },
    ]);
  });

  it("returns each series of an array under the id of its query, and pages over them", async () => {
    const harness = await filled();
    for (const [Value, Job] of [
      [1, "a"],
      [2, "b"],
    ] as const) {
      const Dimensions = [{ Name: "Job", Value: Job }];
      const MetricData = [{ MetricName: "Errors", Dimensions, Timestamp: harness.at(1), Value }];
      await harness.call("PutMetricData", { Namespace: "Videos", MetricData });
    }
    const MetricDataQueries = [
      { Id: "found", Expression: "SEARCH('{Videos,Job} MetricName=\"Errors\"', 'Sum', 60)", Label: "errors" },
      { Id: "all", Expression: "SUM(found)" },
    ];
    const pages: [string | undefined, string | undefined, number[] | undefined][] = [];
    for (let NextToken: string | undefined, isFirst = true; isFirst || NextToken !== undefined; isFirst = false) {
      const page: GetMetricDataOutput = await harness.call(
        "GetMetricData",
        dataQuery(harness, { MetricDataQueries, MaxDatapoints: 2, ...(NextToken === undefined ? {} : { NextToken }) }),
      );
      for (const { Id, Label, Values } of page.MetricDataResults ?? []) pages.push([Id, Label, Values]);
      NextToken = page.NextToken;
    }
    assert.deepEqual(pages, [
      ["found", "errors a", [1]],
      ["found", "errors b", [2]],
      ["all", "all", []],
      ["found", "errors a", []],
      ["found", "errors b", []],
      ["all", "all", [3]],
    ]);
  });

  it("gives an expression without metrics its period", async () => {
    const harness = await filled();
    const MetricDataQueries = [{ Id: "e", Expression: "TIME_SERIES(7)", Period: 300 }];
    const { MetricDataResults } = await harness.call<GetMetricDataOutput>(
      "GetMetricData",
      dataQuery(harness, { MetricDataQueries }),
    );
    assert.deepEqual(MetricDataResults?.[0]?.Values, [7, 7]);
  });

  const refusals: [string, RegExp, (harness: MonitoringHarness) => Partial<GetMetricDataInput>][] = [
    [
      "a function that is not implemented, by name",
      /does not implement the function SERVICE_QUOTA in metric math/,
      () => ({
        MetricDataQueries: [
          { Id: "e", Expression: "SERVICE_QUOTA(m)" },
          { Id: "m", MetricStat: stat },
        ],
      }),
    ],
    [
      "an expression over a query that does not exist",
      /Expression e refers to m1, which does not exist/,
      () => ({ MetricDataQueries: [{ Id: "e", Expression: "m1 * 2" }] }),
    ],
    [
      "an expression that refers to itself through another one",
      /Expression e refers to itself/,
      () => ({
        MetricDataQueries: [
          { Id: "e", Expression: "f + 1" },
          { Id: "f", Expression: "e + 1" },
        ],
      }),
    ],
    [
      "metrics of different periods in one expression, by name",
      /does not implement metrics of different periods in one expression \(e\)/,
      () => ({
        MetricDataQueries: [
          { Id: "e", Expression: "m + n" },
          { Id: "m", MetricStat: stat },
          { Id: "n", MetricStat: { ...stat, Period: 300 } },
        ],
      }),
    ],
    [
      "another period of an expression than its metrics have, by name",
      /does not implement metrics of different periods in one expression \(e\)/,
      () => ({
        MetricDataQueries: [
          { Id: "e", Expression: "m", Period: 300 },
          { Id: "m", MetricStat: stat },
        ],
      }),
    ],
    [
      "a period next to that of a metric, by name",
      /does not implement Period next to the metric of query m/,
      () => ({ MetricDataQueries: [{ Id: "m", MetricStat: stat, Period: 60 }] }),
    ],
    [
      "an expression over too long a time, by name",
      /does not implement expressions over more than 100,800 periods/,
      (harness) => ({
        MetricDataQueries: [
          { Id: "e", Expression: "FILL(m, 0)" },
          { Id: "m", MetricStat: stat },
        ],
        StartTime: harness.at(-100_800),
      }),
    ],
    [
      "an id that begins with a capital letter",
      /The id 'M' must begin with a small letter/,
      () => ({ MetricDataQueries: [{ Id: "M", MetricStat: stat }] }),
    ],
  ];
  for (const [what, message, more] of refusals) {
    it(`refuses ${what}`, async () => {
      const harness = await filled();
      await assert.rejects(harness.call("GetMetricData", dataQuery(harness, more(harness))), {
        code: refusalCode(message, "ValidationError"),
        message,
      });
    });
  }
});

describe("PutMetricAlarm with metric math", () => {
  const Dimensions = [{ Name: "EndpointName", Value: "videos" }];
  const stat = (MetricName: string): object => ({
    Metric: { Namespace: "AWS/SageMaker", MetricName, Dimensions },
    Period: 300,
    Stat: "Sum",
  });
  const rate = { Id: "rate", Expression: "IF(FILL(done, 0) >= 5, failed / done, 0)", Label: "share", ReturnData: true };
  const math = {
    AlarmName: "clips-failure-rate",
    ComparisonOperator: "GreaterThanOrEqualToThreshold",
    TreatMissingData: "missing",
    EvaluationPeriods: 1,
    DatapointsToAlarm: 1,
    Threshold: 0.2,
    AlarmActions: [topic],
    Metrics: [
      rate,
      { Id: "failed", MetricStat: stat("Failed"), ReturnData: false },
      { Id: "done", MetricStat: stat("Done"), ReturnData: false },
    ],
  };

  async function withMath(): Promise<MonitoringHarness> {
    const harness = new MonitoringHarness();
    await harness.call("PutMetricAlarm", math);
    return harness;
  }

  const count = (harness: MonitoringHarness, name: string, minutes: number, value: number): void => {
    const dimensions = { EndpointName: "videos" };
    harness.metrics.put({
      namespace: "AWS/SageMaker",
      name,
      dimensions,
      timestamp: harness.at(minutes).getTime(),
      value,
    });
  };

  it("creates an alarm that DescribeAlarms returns query for query", async () => {
    const harness = await withMath();
    const { MetricAlarms: [found] = [] } = await harness.call<DescribeAlarmsOutput>("DescribeAlarms", {});
    assert.deepEqual(JSON.parse(JSON.stringify(found?.Metrics)), math.Metrics);
    for (const member of ["MetricName", "Namespace", "Statistic", "Dimensions", "Period", "Unit"] as const) {
      assert.equal(found?.[member], undefined, member);
    }
  });

  it("evaluates the expression over the sliding period, and publishes the queries with the new state", async () => {
    const harness = await withMath();
    const states: (string | undefined)[] = [];
    count(harness, "Done", 0, 4);
    count(harness, "Failed", 0, 4);
    count(harness, "Done", 1, 6);
    for (let index = 0; index < 7; index += 1) {
      await harness.clock.advance(minute);
      const { MetricAlarms: [found] = [] } = await harness.call<DescribeAlarmsOutput>("DescribeAlarms", {});
      states.push(found?.StateValue);
    }
    // Four of four are too few, four of ten too many; after five minutes the failures have left the period, later all
    // data.
    assert.deepEqual(states, ["OK", "ALARM", "ALARM", "ALARM", "ALARM", "OK", "OK"]);
    const [publication, ...others] = harness.published;
    assert.deepEqual(others, []);
    const message = JSON.parse(publication?.message ?? "") as {
      NewStateReason: string;
      Trigger: Record<string, unknown>;
    };
    assert.match(message.NewStateReason, /^Threshold Crossed: 1 out of the last 1 datapoint \[0\.4 /);
    const wire = (MetricName: string) => ({
      Metric: { Dimensions: [{ value: "videos", name: "EndpointName" }], MetricName, Namespace: "AWS/SageMaker" },
      Period: 300,
      Stat: "Sum",
    });
    assert.deepEqual(message.Trigger, {
      Period: 300,
      EvaluationPeriods: 1,
      DatapointsToAlarm: 1,
      ComparisonOperator: "GreaterThanOrEqualToThreshold",
      Threshold: 0.2,
      TreatMissingData: "missing",
      EvaluateLowSampleCountPercentile: "",
      Metrics: [
        rate,
        { Id: "failed", MetricStat: wire("Failed"), ReturnData: false },
        { Id: "done", MetricStat: wire("Done"), ReturnData: false },
      ],
    });
  });

  const metrics = (change: (queries: (typeof math)["Metrics"]) => object[]): object => ({
    Metrics: change(math.Metrics),
  });
  const refusals: [string, object, RegExp][] = [
    ["no query", { Metrics: [] }, /Exactly one element of the metrics list should return data/],
    [
      "two queries that return data",
      metrics((queries) => queries.map((query) => ({ ...query, ReturnData: true }))),
      /Exactly one element/,
    ],
    [
      "a query without ReturnData, which then returns data",
      metrics((queries) => queries.map((query) => ({ ...query, ReturnData: undefined }))),
      /Exactly one element/,
    ],
    [
      "more than ten expressions",
      metrics((queries) => [
        ...queries,
        ...Array.from({ length: 10 }, (_value, index) => ({ ...rate, Id: `e${index}`, ReturnData: false })),
      ]),
      /more than 10 queries with Expression/,
    ],
    ["an invalid expression", metrics(() => [{ ...rate, Expression: "1 +" }]), /Expected a number/],
    [
      "a search",
      metrics(() => [{ ...rate, Expression: "SUM(SEARCH('x', 'Sum', 300))" }]),
      /SEARCH is not supported on Metric Alarms/,
    ],
    [
      "several time series",
      metrics((queries) => [{ ...rate, Expression: "METRICS()" }, ...queries.slice(1)]),
      /Expression rate yields several time series/,
    ],
    [
      "a period of 90 seconds",
      metrics(() => [{ Id: "m", MetricStat: { ...stat("Done"), Period: 90 } }]),
      /multiple of 60/,
    ],
  ];
  for (const [what, changes, message] of refusals) {
    it(`refuses ${what}`, async () => {
      const harness = new MonitoringHarness();
      await assert.rejects(harness.call("PutMetricAlarm", { ...math, ...changes }), {
        code: refusalCode(message, "ValidationError"),
        message,
      });
      assert.deepEqual(harness.alarms.list(), []);
    });
  }
});
