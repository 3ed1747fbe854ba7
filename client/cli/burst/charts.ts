/** Charts of a burst, as in AWS's blog post, as plain data: title, unit and marks. */
import type { ChartSpec, Mark } from "../../../lib/report-page/chart-spec.ts";
import { lastEnd } from "./figures.ts";
import { minuteMs, minuteOf } from "../../src/minutes.ts";
import type { Durations, EndpointMetrics, Series } from "./metrics.ts";
import type { BurstRun, InstanceSample } from "./run.ts";

/** Returns the title of all charts' x axis. */
export function timeAxisOf({ environment }: Pick<BurstRun, "environment">): string {
  return `Minutes since the first video was sent${environment === "emulator" ? " (stack clock)" : ""}`;
}

/** Returns the charts of a burst. */
export function chartsOf(run: BurstRun, metrics: EndpointMetrics): readonly ChartSpec[] {
  const start = minuteOf(run.startedAt.getTime());
  const end = minuteOf(lastMoment(run, metrics));
  const gauge = (series: Series) =>
    marksOf(
      series.filter(({ minute }) => minute <= end),
      start,
    );
  const counts = (series: Series) => everyMinute(series, start, end);
  const failed = counts(metrics.failed);
  const expired = counts(metrics.expired);
  const hasAny = (marks: readonly Mark[]) => marks.some(({ y }) => (y ?? 0) > 0);
  return [
    {
      id: "backlog",
      title: "Backlog",
      caption: "Videos waiting or in process, maximum of each minute (ApproximateBacklogSize).",
      kind: "line",
      unit: "Videos",
      series: [{ label: "Backlog", marks: gauge(metrics.backlog) }],
    },
    {
      id: "backlog-per-instance",
      title: "Backlog per instance",
      caption:
        "The metric that target tracking keeps at its target, average of each minute (ApproximateBacklogSizePerInstance).",
      kind: "line",
      unit: "Videos per instance",
      series: [{ label: "Backlog per instance", marks: gauge(metrics.backlogPerInstance) }],
    },
    {
      id: "instances",
      title: "Instances",
      caption: "In service, and requested by the autoscaler, as the endpoint showed them while it was watched.",
      kind: "steps",
      unit: "Instances",
      series: [
        { label: "In service", marks: staircase(run.instances, ({ current }) => current, start) },
        { label: "Requested", marks: staircase(run.instances, ({ desired }) => desired, start) },
      ],
    },
    {
      id: "processed",
      title: "Processed per minute",
      caption:
        "Videos that ended in each minute (InvocationsProcessed; with or without the failed ones: InvocationFailures, ExpiredRequests).",
      kind: "bars",
      unit: "Videos per minute",
      series: [
        { label: "Processed", marks: counts(metrics.processed) },
        ...(hasAny(failed) ? [{ label: "Failed", marks: failed }] : []),
        ...(hasAny(expired) ? [{ label: "Expired", marks: expired }] : []),
      ],
    },
    {
      id: "times",
      title: "Time in backlog and total time",
      caption:
        "Average of the videos in each minute: from acceptance to the start of work, and to the result (TimeInBacklog, TotalProcessingTime).",
      kind: "line",
      unit: "Seconds",
      series: [
        { label: "Time in backlog", marks: averages(metrics.inBacklog, start) },
        { label: "Total processing time", marks: averages(metrics.total, start) },
      ],
    },
    {
      id: "model-latency",
      title: "Model latency",
      caption: "Average time in the model, of the videos in each minute (ModelLatency).",
      kind: "line",
      unit: "Seconds",
      series: [{ label: "Model latency", marks: averages(metrics.inModel, start) }],
    },
  ];
}

/**
 * Returns the charts' end: the last request's end, or the last observation of the instances. Later metrics of an idle
 * endpoint are left out.
 */
function lastMoment(run: BurstRun, metrics: EndpointMetrics): number {
  const seen = run.instances.at(-1)?.at ?? 0;
  const ended = Math.min(run.endedAt.getTime(), lastEnd(metrics) - 1);
  return Math.max(run.startedAt.getTime(), seen, ended);
}

function marksOf(series: Series, start: number): readonly Mark[] {
  return series.map(({ minute, value }) => ({ x: (minute - start) / minuteMs, y: value }));
}

/** Returns the value of each minute; a minute without a datapoint counts as zero. */
function everyMinute(series: Series, start: number, end: number): readonly Mark[] {
  const values = new Map(series.map(({ minute, value }) => [minute, value]));
  const minutes = (end - start) / minuteMs + 1;
  return Array.from({ length: minutes }, (_, x) => ({ x, y: values.get(start + x * minuteMs) ?? 0 }));
}

function averages({ sum, count }: Durations, start: number): readonly Mark[] {
  const counts = new Map(count.map(({ minute, value }) => [minute, value]));
  return sum.map(({ minute, value }) => ({
    x: (minute - start) / minuteMs,
    y: (counts.get(minute) ?? 0) > 0 ? value / (counts.get(minute) ?? 1) : null,
  }));
}

/** Keeps the changes of the number and the last observation, so that a watch of hours gives a small page. */
function staircase(
  samples: readonly InstanceSample[],
  valueOf: (sample: InstanceSample) => number,
  start: number,
): readonly Mark[] {
  const marks = samples
    .filter((sample, index) => {
      const before = samples[index - 1];
      return before === undefined || index === samples.length - 1 || valueOf(before) !== valueOf(sample);
    })
    .map((sample) => ({ x: Math.max(0, (sample.at - start) / minuteMs), y: valueOf(sample) }));
  const [first] = marks;
  // The axis starts at the minute in which the burst started, and the first observation comes within that minute.
  return first === undefined || first.x === 0 ? marks : [{ x: 0, y: first.y }, ...marks];
}
