/** Reads CloudWatch's metrics of an endpoint over a range of time, minute by minute. */
import { paginateGetMetricData } from "@aws-sdk/client-cloudwatch";
import type { MetricDataQuery } from "@aws-sdk/client-cloudwatch";
import { readDurations } from "../../src/durations.ts";
import type { DurationMetric } from "../../src/durations.ts";
import { minuteMs, minuteOf } from "../../src/minutes.ts";
import type { Stack } from "../../src/stack.ts";

/** One minute's value. */
export interface Point {
  /** Start of the minute, ms since the epoch, on the stack clock. */
  readonly minute: number;
  readonly value: number;
}

/** Minutes of one metric that have data, in order. */
export type Series = readonly Point[];

/** Duration of all requests that were measured in a minute, seconds. */
export interface Durations {
  readonly sum: Series;
  readonly count: Series;
  readonly max: Series;
}

/** Metrics of the endpoint (developer guide, "Monitor asynchronous endpoint"). */
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
  /** Instances in service at the end of each minute. */
  readonly instances: Series;
}

/**
 * The service publishes the queue's gauges without the variant, the counts and durations of requests with it, and the
 * metrics of the instances in a separate namespace.
 */
type Publisher = "endpoint" | "variant" | "instances";

interface MetricQuery {
  readonly metric: string;
  readonly of: Publisher;
  readonly statistic: "Average" | "Maximum" | "SampleCount" | "Sum";
}

const count = (metric: string): MetricQuery => ({ metric, of: "variant", statistic: "Sum" });

const queries = {
  backlog: { metric: "ApproximateBacklogSize", of: "endpoint", statistic: "Maximum" },
  backlogPerInstance: { metric: "ApproximateBacklogSizePerInstance", of: "endpoint", statistic: "Average" },
  processed: count("InvocationsProcessed"),
  /** The developer guide ("Monitor asynchronous endpoint") spells it with three s; AWS's blog post with two. One of them has data. */
  processedAsDocumented: count("InvocationsProcesssed"),
  failed: count("InvocationFailures"),
  expired: count("ExpiredRequests"),
  /** Each instance publishes one value a minute (developer guide, "Troubleshooting" of asynchronous inference). */
  instances: { metric: "CPUUtilization", of: "instances", statistic: "SampleCount" },
} as const satisfies Record<string, MetricQuery>;

type QueryName = keyof typeof queries;

/** A range of the service's time. */
export interface TimeRange {
  readonly start: Date;
  readonly end: Date;
}

/**
 * Reads all minutes that the range touches.
 * @throws ServiceAnswerError if a duration's unit is not known
 */
export async function readEndpointMetrics(
  stack: Stack,
  range: TimeRange,
  signal?: AbortSignal,
): Promise<EndpointMetrics> {
  const [counts, inBacklog, inModel, total] = await Promise.all([
    readCounts(stack, range, signal),
    durations(stack, "TimeInBacklog", range, signal),
    durations(stack, "ModelLatency", range, signal),
    durations(stack, "TotalProcessingTime", range, signal),
  ]);
  const { processedAsDocumented, ...others } = counts;
  return { ...others, processed: larger(counts.processed, processedAsDocumented), inBacklog, inModel, total };
}

/** Takes the larger value of each minute: CloudWatch may have the same requests under two names. */
function larger(one: Series, other: Series): Series {
  const values = new Map<number, number>();
  for (const { minute, value } of [...one, ...other]) values.set(minute, Math.max(value, values.get(minute) ?? 0));
  return [...values].map(([minute, value]) => ({ minute, value })).sort((a, b) => a.minute - b.minute);
}

async function readCounts(
  stack: Stack,
  { start, end }: TimeRange,
  signal?: AbortSignal,
): Promise<Record<QueryName, Series>> {
  const names = Object.keys(queries) as QueryName[];
  const found: Record<QueryName, Point[]> = {
    backlog: [],
    backlogPerInstance: [],
    processed: [],
    processedAsDocumented: [],
    failed: [],
    expired: [],
    instances: [],
  };
  const pages = paginateGetMetricData(
    { client: stack.cloudwatch },
    {
      MetricDataQueries: names.map((name) => dataQuery(stack, name)),
      StartTime: new Date(minuteOf(start.getTime())),
      EndTime: new Date(minuteOf(end.getTime()) + minuteMs),
      ScanBy: "TimestampAscending",
    },
    ...(signal === undefined ? [] : [{ abortSignal: signal }]),
  );
  for await (const { MetricDataResults = [] } of pages) {
    for (const { Id, Timestamps = [], Values = [] } of MetricDataResults) {
      const points = Timestamps.map((time, index) => ({ minute: time.getTime(), value: Values[index] ?? 0 }));
      found[Id as QueryName].push(...points);
    }
  }
  return found;
}

async function durations(
  stack: Stack,
  metric: DurationMetric,
  range: TimeRange,
  signal?: AbortSignal,
): Promise<Durations> {
  const minutes = await readDurations(stack, metric, range, signal);
  const series = (of: "count" | "max" | "sum"): Series =>
    minutes.map((each) => ({ minute: each.minute, value: each[of] }));
  return { sum: series("sum"), count: series("count"), max: series("max") };
}

function dataQuery(stack: Stack, name: QueryName): MetricDataQuery {
  const { metric, of, statistic }: MetricQuery = queries[name];
  const { endpointName, variantName } = stack.outputs;
  const endpoint = { Name: "EndpointName", Value: endpointName };
  return {
    Id: name,
    MetricStat: {
      Metric: {
        Namespace: of === "instances" ? "/aws/sagemaker/Endpoints" : "AWS/SageMaker",
        MetricName: metric,
        Dimensions: of === "endpoint" ? [endpoint] : [endpoint, { Name: "VariantName", Value: variantName }],
      },
      Period: minuteMs / 1000,
      Stat: statistic,
    },
  };
}
