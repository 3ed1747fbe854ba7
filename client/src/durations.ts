/**
 * Reads the durations of requests from the service's metrics, converted to seconds from the unit that each datapoint
 * names.
 */
import { GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import type { Datapoint } from "@aws-sdk/client-cloudwatch";
import { ServiceAnswerError } from "./errors.ts";
import { minuteMs, minuteOf } from "./minutes.ts";
import type { Stack } from "./stack.ts";

/** Metrics that are durations of requests (developer guide, "Monitor asynchronous endpoint"). */
export type DurationMetric = "ModelLatency" | "TimeInBacklog" | "TotalProcessingTime";

/** Durations of the requests that were measured in one minute. */
export interface MinuteDurations {
  /** Start of the minute, ms since the epoch, on the service's clock. */
  readonly minute: number;
  /** Sum over all requests, seconds. */
  readonly sum: number;
  /** Number of requests. */
  readonly count: number;
  /** Longest request, seconds. */
  readonly max: number;
}

/** Units per second. The guide's units contradict other sources, but each datapoint names its unit. */
const perSecond: Readonly<Record<string, number>> = { Seconds: 1, Milliseconds: 1e3, Microseconds: 1e6 };

/** Maximum number of datapoints of one call (API reference, GetMetricStatistics). */
const datapointsPerCall = 1_440;

/**
 * Reads a metric of the stack's variant, minute by minute, for all minutes that the range touches.
 * @throws ServiceAnswerError if its datapoints have no unit of time, or several
 */
export async function readDurations(
  stack: Stack,
  metric: DurationMetric,
  { start, end }: { readonly start: Date; readonly end: Date },
  signal?: AbortSignal,
): Promise<MinuteDurations[]> {
  const { endpointName, variantName } = stack.outputs;
  const last = minuteOf(end.getTime()) + minuteMs;
  const datapoints: Datapoint[] = [];
  for (let from = minuteOf(start.getTime()); from < last; from += datapointsPerCall * minuteMs) {
    const answer = await stack.cloudwatch.send(
      new GetMetricStatisticsCommand({
        Namespace: "AWS/SageMaker",
        MetricName: metric,
        Dimensions: [
          { Name: "EndpointName", Value: endpointName },
          { Name: "VariantName", Value: variantName },
        ],
        StartTime: new Date(from),
        EndTime: new Date(Math.min(from + datapointsPerCall * minuteMs, last)),
        Period: minuteMs / 1000,
        Statistics: ["Maximum", "SampleCount", "Sum"],
      }),
      signal === undefined ? {} : { abortSignal: signal },
    );
    datapoints.push(...(answer.Datapoints ?? []));
  }
  const scale = scaleOf(metric, datapoints);
  return datapoints
    .map(({ Timestamp, Sum = 0, SampleCount = 0, Maximum = 0 }) => ({
      minute: Timestamp?.getTime() ?? 0,
      sum: Sum / scale,
      count: SampleCount,
      max: Maximum / scale,
    }))
    .sort((one, other) => one.minute - other.minute);
}

function scaleOf(metric: string, datapoints: readonly Datapoint[]): number {
  const units = [...new Set(datapoints.map(({ Unit = "None" }) => Unit))];
  const [unit, ...others] = units;
  if (unit === undefined) return 1;
  if (others.length > 0) {
    throw new ServiceAnswerError(
      `CloudWatch has ${metric} in several units (${units.join(", ")}), which cannot be added up. Read a time with one of them only.`,
    );
  }
  const scale = Object.hasOwn(perSecond, unit) ? perSecond[unit] : undefined;
  if (scale === undefined) {
    throw new ServiceAnswerError(
      `CloudWatch has ${metric} in the unit ${unit}, but the client knows ${Object.keys(perSecond).join(", ")} only. Add the unit to client/src/durations.ts.`,
    );
  }
  return scale;
}
