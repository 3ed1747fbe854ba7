/** What CloudWatch has about an endpoint over a stretch of time, minute by minute. */
import { paginateGetMetricData } from "@aws-sdk/client-cloudwatch";
import type { MetricDataQuery } from "@aws-sdk/client-cloudwatch";
import type { Stack } from "../stack.ts";

/** One minute's value. */
export interface Point {
  /** The minute's beginning, ms since the epoch, on the service's clock. */
  readonly minute: number;
  readonly value: number;
}

/** One metric's minutes that have data, in their order. */
export type Series = readonly Point[];

/** A duration of requests, in seconds: of all that were measured in a minute together. */
export interface Durations {
  readonly sum: Series;
  readonly count: Series;
  readonly most: Series;
}

/** The endpoint's metrics (developer guide, "Monitor asynchronous endpoint"). */
export interface EndpointMetrics {
  /** Requests waiting or in process. */
  readonly backlog: Series;
  readonly backlogPerInstance: Series;
  /** Requests in a minute. */
  readonly processed: Series;
  readonly failed: Series;
  readonly expired: Series;
  readonly inBacklog: Durations;
  readonly inModel: Durations;
  /** From acceptance to the result's upload. */
  readonly total: Durations;
}

/** The service publishes the queue's gauges without the variant, and what became of requests with it. */
type Publisher = "endpoint" | "variant";

interface MetricQuery {
  readonly metric: string;
  readonly of: Publisher;
  readonly statistic: "Average" | "Maximum" | "SampleCount" | "Sum";
  /** The metric's units in one of ours. @default 1 */
  readonly perUnit?: number;
}

const count = (metric: string): MetricQuery => ({ metric, of: "variant", statistic: "Sum" });

const durations = (metric: string, perSecond: number) => {
  const query = { metric, of: "variant" } as const;
  return {
    sum: { ...query, statistic: "Sum", perUnit: perSecond },
    count: { ...query, statistic: "SampleCount" },
    most: { ...query, statistic: "Maximum", perUnit: perSecond },
  } as const;
};

const inBacklog = durations("TimeInBacklog", 1e3);
const inModel = durations("ModelLatency", 1e6);
const total = durations("TotalProcessingTime", 1e3);

const queries = {
  backlog: { metric: "ApproximateBacklogSize", of: "endpoint", statistic: "Maximum" },
  backlogPerInstance: { metric: "ApproximateBacklogSizePerInstance", of: "endpoint", statistic: "Average" },
  processed: count("InvocationsProcessed"),
  failed: count("InvocationFailures"),
  expired: count("ExpiredRequests"),
  inBacklogSum: inBacklog.sum,
  inBacklogCount: inBacklog.count,
  inBacklogMost: inBacklog.most,
  inModelSum: inModel.sum,
  inModelCount: inModel.count,
  inModelMost: inModel.most,
  totalSum: total.sum,
  totalCount: total.count,
  totalMost: total.most,
} as const satisfies Record<string, MetricQuery>;

type QueryName = keyof typeof queries;

/** A stretch of the service's time. */
export interface TimeRange {
  readonly start: Date;
  readonly end: Date;
}

/** Reads all minutes that the range touches. */
export async function readEndpointMetrics(
  stack: Stack,
  { start, end }: TimeRange,
  signal?: AbortSignal,
): Promise<EndpointMetrics> {
  const names = Object.keys(queries) as QueryName[];
  const found = new Map<string, Point[]>(names.map((name) => [name, []]));
  const pages = paginateGetMetricData(
    { client: stack.cloudwatch },
    {
      MetricDataQueries: names.map((name) => dataQuery(stack, name)),
      StartTime: new Date(minuteOf(start.getTime())),
      EndTime: new Date(minuteOf(end.getTime()) + MINUTE_MS),
      ScanBy: "TimestampAscending",
    },
    ...(signal === undefined ? [] : [{ abortSignal: signal }]),
  );
  for await (const { MetricDataResults = [] } of pages) {
    for (const { Id = "", Timestamps = [], Values = [] } of MetricDataResults) {
      const { perUnit = 1 }: MetricQuery = queries[Id as QueryName];
      const points = Timestamps.map((time, index) => ({
        minute: time.getTime(),
        value: (Values[index] ?? 0) / perUnit,
      }));
      found.get(Id)?.push(...points);
    }
  }
  const series = (name: QueryName): Series => found.get(name) ?? [];
  return {
    backlog: series("backlog"),
    backlogPerInstance: series("backlogPerInstance"),
    processed: series("processed"),
    failed: series("failed"),
    expired: series("expired"),
    inBacklog: { sum: series("inBacklogSum"), count: series("inBacklogCount"), most: series("inBacklogMost") },
    inModel: { sum: series("inModelSum"), count: series("inModelCount"), most: series("inModelMost") },
    total: { sum: series("totalSum"), count: series("totalCount"), most: series("totalMost") },
  };
}

/** A minute, ms. */
export const MINUTE_MS = 60_000;

/** The beginning of the minute that a moment is in. */
export function minuteOf(moment: number): number {
  return Math.floor(moment / MINUTE_MS) * MINUTE_MS;
}

function dataQuery(stack: Stack, name: QueryName): MetricDataQuery {
  const { metric, of, statistic }: MetricQuery = queries[name];
  const { endpointName, variantName } = stack.outputs;
  const endpoint = { Name: "EndpointName", Value: endpointName };
  return {
    Id: name,
    MetricStat: {
      Metric: {
        Namespace: "AWS/SageMaker",
        MetricName: metric,
        Dimensions: of === "endpoint" ? [endpoint] : [endpoint, { Name: "VariantName", Value: variantName }],
      },
      Period: MINUTE_MS / 1000,
      Stat: statistic,
    },
  };
}
