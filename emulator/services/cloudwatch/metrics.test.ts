/** Tests the inputs, results and refusals of CloudWatch's metric operations. */

import assert from "node:assert/strict";
import type {
  GetMetricDataInput,
  GetMetricDataOutput,
  GetMetricStatisticsOutput,
  ListMetricsOutput,
  MetricDatum,
} from "@aws-sdk/client-cloudwatch";
import { describe, it } from "mocha";
import { MonitoringHarness } from "./harness.ts";

const Dimensions = [{ Name: "Job", Value: "a" }];
const metric = { Namespace: "Videos", MetricName: "Frames", Dimensions };

/** Two values in minute 0, one in minute 1, one in minute 3. */
async function filled(): Promise<MonitoringHarness> {
  const harness = new MonitoringHarness();
  await harness.clock.advance(10 * 60_000);
  const datum = (minutes: number, Value: number): MetricDatum => ({
    MetricName: "Frames",
    Dimensions,
    Timestamp: harness.at(minutes),
    Value,
    Unit: "Count",
  });
  const MetricData = [datum(0, 10), datum(0.5, 20), datum(1, 30), datum(3.9, 40)];
  await harness.call("PutMetricData", { Namespace: "Videos", MetricData });
  return harness;
}

function dataQuery(harness: MonitoringHarness, more: Partial<GetMetricDataInput> = {}): GetMetricDataInput {
  const MetricStat = { Metric: metric, Period: 60, Stat: "Average" };
  return { MetricDataQueries: [{ Id: "m", MetricStat }], StartTime: harness.at(0), EndTime: harness.at(10), ...more };
}

describe("PutMetricData", () => {
  it("accepts values, sets, and lists of values with counts", async () => {
    const harness = new MonitoringHarness();
    await harness.call("PutMetricData", {
      Namespace: "Videos",
      MetricData: [
        { MetricName: "Frames", Dimensions, Value: 1 },
        { MetricName: "Frames", Dimensions, StatisticValues: { SampleCount: 2, Sum: 10, Minimum: 4, Maximum: 6 } },
        { MetricName: "Frames", Dimensions, Values: [7, 8], Counts: [1, 3] },
      ],
    });
    const { Datapoints } = await harness.call<GetMetricStatisticsOutput>("GetMetricStatistics", {
      ...metric,
      StartTime: harness.at(0),
      EndTime: harness.at(1),
      Period: 60,
      Statistics: ["SampleCount", "Sum", "Minimum", "Maximum", "Average"],
    });
    assert.deepEqual(Datapoints, [
      { Timestamp: harness.at(0), Unit: "None", SampleCount: 7, Sum: 42, Minimum: 1, Maximum: 8, Average: 6 },
    ]);
  });

  it("puts a standard-resolution value at its minute, a high-resolution one at its second", async () => {
    const harness = new MonitoringHarness();
    const datum = { MetricName: "Frames", Dimensions, Timestamp: harness.at(0.5), Value: 1 };
    await harness.call("PutMetricData", {
      Namespace: "Videos",
      MetricData: [datum, { ...datum, StorageResolution: 1 }],
    });
    const { MetricDataResults: [result] = [] } = await harness.call<GetMetricDataOutput>(
      "GetMetricData",
      dataQuery(harness, {
        MetricDataQueries: [{ Id: "m", MetricStat: { Metric: metric, Period: 10, Stat: "Sum" } }],
        ScanBy: "TimestampAscending",
      }),
    );
    assert.deepEqual(result?.Timestamps, [harness.at(0), harness.at(0.5)]);
  });

  const good = { MetricName: "Frames", Value: 1 };
  const weeks = (count: number): Date => new Date(new MonitoringHarness().start + count * 7 * 86_400_000);
  const refusals: [string, string, object][] = [
    ["AWS's own namespaces", "InvalidParameterValue", { Namespace: "AWS/SageMaker", MetricData: [good] }],
    ["no data", "MissingParameter", { Namespace: "Videos" }],
    ["no value", "MissingParameter", { Namespace: "Videos", MetricData: [{ MetricName: "Frames" }] }],
    [
      "two kinds of value",
      "InvalidParameterCombination",
      { Namespace: "Videos", MetricData: [{ ...good, Values: [1] }] },
    ],
    [
      "a value that is not a number",
      "InvalidParameterValue",
      { Namespace: "Videos", MetricData: [{ ...good, Value: NaN }] },
    ],
    [
      "counts of another length",
      "InvalidParameterValue",
      { Namespace: "Videos", MetricData: [{ MetricName: "F", Values: [1], Counts: [1, 2] }] },
    ],
    [
      "a time over two weeks ago",
      "InvalidParameterValue",
      { Namespace: "Videos", MetricData: [{ ...good, Timestamp: weeks(-2.1) }] },
    ],
    [
      "a time hours ahead",
      "InvalidParameterValue",
      { Namespace: "Videos", MetricData: [{ ...good, Timestamp: weeks(0.02) }] },
    ],
    [
      "an invalid resolution",
      "InvalidParameterValue",
      { Namespace: "Videos", MetricData: [{ ...good, StorageResolution: 5 }] },
    ],
    [
      "over 1,000 data at once",
      "InvalidParameterValue",
      { Namespace: "Videos", MetricData: Array.from({ length: 1_001 }, () => good) },
    ],
    ["entities, by name", "NotImplementedException", { Namespace: "Videos", EntityMetricData: [] }],
  ];
  for (const [what, code, input] of refusals) {
    it(`refuses ${what}, and then puts nothing`, async () => {
      const harness = new MonitoringHarness();
      await assert.rejects(harness.call("PutMetricData", input), { code });
      assert.deepEqual(harness.metrics.list(), []);
    });
  }
});

describe("GetMetricData", () => {
  it("returns the periods that have data, newest first", async () => {
    const harness = await filled();
    const { MetricDataResults } = await harness.call<GetMetricDataOutput>("GetMetricData", dataQuery(harness));
    assert.deepEqual(MetricDataResults, [
      {
        Id: "m",
        Label: "Frames",
        Timestamps: [harness.at(3), harness.at(1), harness.at(0)],
        Values: [40, 30, 15],
        StatusCode: "Complete",
      },
    ]);
  });

  it("aligns periods to whole ones", async () => {
    const harness = await filled();
    const MetricStat = { Metric: metric, Period: 300, Stat: "Sum" };
    const query = { MetricDataQueries: [{ Id: "m", MetricStat }], StartTime: harness.at(2), EndTime: harness.at(9) };
    const { MetricDataResults: [result] = [] } = await harness.call<GetMetricDataOutput>("GetMetricData", query);
    assert.deepEqual([result?.Timestamps, result?.Values], [[harness.at(0)], [100]]);
  });

  it("returns an empty result for a metric without data, and none if ReturnData is false", async () => {
    const harness = await filled();
    const MetricStat = { Metric: { ...metric, MetricName: "Other" }, Period: 60, Stat: "Sum" };
    const { MetricDataResults } = await harness.call<GetMetricDataOutput>(
      "GetMetricData",
      dataQuery(harness, {
        MetricDataQueries: [
          { Id: "a", MetricStat, Label: "mine" },
          { Id: "b", MetricStat, ReturnData: false },
        ],
      }),
    );
    assert.deepEqual(MetricDataResults, [
      { Id: "a", Label: "mine", Timestamps: [], Values: [], StatusCode: "Complete" },
    ]);
  });

  it("returns many datapoints in pages, each once", async () => {
    const harness = await filled();
    const values: number[] = [];
    const codes: (string | undefined)[] = [];
    let NextToken: string | undefined;
    do {
      const more = NextToken === undefined ? { MaxDatapoints: 2 } : { MaxDatapoints: 2, NextToken };
      const page: GetMetricDataOutput = await harness.call("GetMetricData", dataQuery(harness, more));
      values.push(...(page.MetricDataResults?.[0]?.Values ?? []));
      codes.push(page.MetricDataResults?.[0]?.StatusCode);
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    assert.deepEqual(values, [40, 30, 15]);
    assert.deepEqual(codes, ["PartialData", "Complete"]);
  });

  it("returns extended statistics of values, lists of values with counts, and sets of equal values", async () => {
    const harness = await filled();
    const MetricData = [
      { MetricName: "Frames", Dimensions, Timestamp: harness.at(5), Values: [1, 2, 40], Counts: [1, 8, 1] },
      {
        MetricName: "Frames",
        Dimensions,
        Timestamp: harness.at(5.5),
        StatisticValues: { SampleCount: 10, Sum: 30, Minimum: 3, Maximum: 3 },
      },
    ];
    await harness.call("PutMetricData", { Namespace: "Videos", MetricData });
    const values = async (Stat: string): Promise<number[] | undefined> => {
      const MetricStat = { Metric: metric, Period: 60, Stat };
      const range = { StartTime: harness.at(5), EndTime: harness.at(6) };
      const input = dataQuery(harness, { MetricDataQueries: [{ Id: "m", MetricStat }], ...range });
      return (await harness.call<GetMetricDataOutput>("GetMetricData", input)).MetricDataResults?.[0]?.Values;
    };
    assert.deepEqual(await values("p50"), [3]);
    assert.deepEqual(await values("p45"), [2]);
    assert.deepEqual(await values("TC(1:3)"), [18]);
    assert.deepEqual(await values("PR(3:)"), [5]);
  });

  const stat = { Metric: metric, Period: 60, Stat: "Average" };
  const refusals: [string, string, RegExp, (harness: MonitoringHarness) => Partial<GetMetricDataInput>][] = [
    [
      "a statistic that does not exist",
      "ValidationError",
      /The value p101 for parameter Stat is not supported/,
      () => ({ MetricDataQueries: [{ Id: "m", MetricStat: { ...stat, Stat: "p101" } }] }),
    ],
    [
      "a query without metric or expression",
      "ValidationError",
      /either MetricStat or Expression/,
      () => ({ MetricDataQueries: [{ Id: "m" }] }),
    ],
    [
      "an id used twice",
      "ValidationError",
      /not unique/,
      () => ({
        MetricDataQueries: [
          { Id: "m", MetricStat: stat },
          { Id: "m", MetricStat: stat },
        ],
      }),
    ],
    [
      "a period of 45 seconds",
      "ValidationError",
      /Period/,
      () => ({ MetricDataQueries: [{ Id: "m", MetricStat: { ...stat, Period: 45 } }] }),
    ],
    [
      "an end before the start",
      "ValidationError",
      /StartTime must be less than/,
      (harness) => ({ EndTime: harness.at(-1) }),
    ],
    ["an invented token", "InvalidNextToken", /token/, () => ({ NextToken: "1" })],
  ];
  for (const [what, code, message, more] of refusals) {
    it(`refuses ${what}`, async () => {
      const harness = await filled();
      await assert.rejects(harness.call("GetMetricData", dataQuery(harness, more(harness))), { code, message });
    });
  }
});

describe("GetMetricStatistics", () => {
  const query = (harness: MonitoringHarness): object => ({
    ...metric,
    StartTime: harness.at(0),
    EndTime: harness.at(10),
    Period: 60,
    Statistics: ["Sum"],
  });

  it("returns the requested statistics, with their unit", async () => {
    const harness = await filled();
    const { Label, Datapoints } = await harness.call<GetMetricStatisticsOutput>("GetMetricStatistics", query(harness));
    assert.equal(Label, "Frames");
    assert.deepEqual(Datapoints, [
      { Timestamp: harness.at(0), Sum: 30, Unit: "Count" },
      { Timestamp: harness.at(1), Sum: 30, Unit: "Count" },
      { Timestamp: harness.at(3), Sum: 40, Unit: "Count" },
    ]);
  });

  it("returns nothing for a unit without data", async () => {
    const harness = await filled();
    const { Datapoints } = await harness.call<GetMetricStatisticsOutput>("GetMetricStatistics", {
      ...query(harness),
      Unit: "Bytes",
    });
    assert.deepEqual(Datapoints, []);
  });

  it("returns extended statistics, and no datapoint for a period that has none of them", async () => {
    const harness = await filled();
    const set = { SampleCount: 2, Sum: 50, Minimum: 20, Maximum: 30 };
    const MetricData = [
      { MetricName: "Frames", Dimensions, Timestamp: harness.at(3), StatisticValues: set, Unit: "Count" },
    ];
    await harness.call("PutMetricData", { Namespace: "Videos", MetricData });
    const { Datapoints } = await harness.call<GetMetricStatisticsOutput>("GetMetricStatistics", {
      ...query(harness),
      Statistics: undefined,
      ExtendedStatistics: ["p90", "TM(20:30)"],
    });
    assert.deepEqual(Datapoints, [
      { Timestamp: harness.at(0), Unit: "Count", ExtendedStatistics: { p90: 20 } },
      { Timestamp: harness.at(1), Unit: "Count", ExtendedStatistics: { p90: 30, "TM(20:30)": 30 } },
    ]);
  });

  it("refuses more than 1,440 datapoints, no statistics, both kinds, and unknown ones", async () => {
    const harness = await filled();
    await assert.rejects(harness.call("GetMetricStatistics", { ...query(harness), EndTime: harness.at(1_441) }), {
      code: "InvalidParameterCombination",
      message: /up to 1,441 datapoints, which exceeds the limit of 1,440/,
    });
    await assert.rejects(harness.call("GetMetricStatistics", { ...query(harness), Statistics: undefined }), {
      code: "InvalidParameterCombination",
    });
    await assert.rejects(harness.call("GetMetricStatistics", { ...query(harness), ExtendedStatistics: ["p90"] }), {
      code: "InvalidParameterCombination",
      message: /mutually exclusive/,
    });
    const unknown = { ...query(harness), Statistics: undefined, ExtendedStatistics: ["p90", "p101"] };
    await assert.rejects(harness.call("GetMetricStatistics", unknown), {
      code: "InvalidParameterValue",
      message: /The value p101 for parameter ExtendedStatistics.member.2/,
    });
  });
});

describe("ListMetrics", () => {
  it("filters by namespace, name, dimensions with or without a value, and by recent data", async () => {
    const harness = await filled();
    const other = { namespace: "Other", name: "Frames", dimensions: { Job: "b", Step: "c" } };
    harness.metrics.put({ ...other, timestamp: harness.clock.now(), value: 1 });
    await harness.clock.advance(3 * 3_600_000 - 60_000);
    const names = async (input: object): Promise<(string | undefined)[]> => {
      const { Metrics = [] } = await harness.call<ListMetricsOutput>("ListMetrics", input);
      return Metrics.map(({ Namespace }) => Namespace);
    };
    assert.deepEqual(await names({}), ["Videos", "Other"]);
    assert.deepEqual(await names({ Namespace: "Other" }), ["Other"]);
    assert.deepEqual(await names({ MetricName: "None" }), []);
    assert.deepEqual(await names({ Dimensions: [{ Name: "Job" }] }), ["Videos", "Other"]);
    assert.deepEqual(await names({ Dimensions: [{ Name: "constructor" }] }), []);
    assert.deepEqual(await names({ Dimensions: [{ Name: "Job", Value: "b" }] }), ["Other"]);
    assert.deepEqual(await names({ RecentlyActive: "PT3H" }), ["Other"]);
  });

  it("returns 500 metrics per page", async () => {
    const harness = new MonitoringHarness();
    for (let index = 0; index < 501; index += 1) {
      harness.metrics.put({ namespace: "N", name: `m${index}`, dimensions: {}, timestamp: harness.start, value: 1 });
    }
    const first = await harness.call<ListMetricsOutput>("ListMetrics", {});
    const second = await harness.call<ListMetricsOutput>("ListMetrics", { NextToken: first.NextToken });
    assert.deepEqual([first.Metrics?.length, second.Metrics?.length, second.NextToken], [500, 1, undefined]);
  });
});
