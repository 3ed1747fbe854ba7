/** Figures of a burst: the table of AWS's blog post, computed from the endpoint's metrics. */
import { describeDevices, describeEnvironment } from "../../src/environment.ts";
import { burstCost, describeBurstCost } from "../cost.ts";
import type { BurstCost } from "../cost.ts";
import type { Row } from "../../../lib/report-page/page.ts";
import { minuteMs } from "../../src/minutes.ts";
import type { Durations, EndpointMetrics, Series } from "./metrics.ts";
import type { BurstRun } from "./run.ts";

/** Duration of requests, seconds. */
export interface Duration {
  readonly mean: number;
  readonly most: number;
}

/** Values of the table; null if CloudWatch has no datapoint. */
export interface BurstFigures extends Pick<
  BurstRun,
  "environment" | "devices" | "completed" | "failed" | "expired" | "concurrency" | "instanceType" | "inputBytes"
> {
  readonly invocations: number;
  /** Mean size of a result, bytes. */
  readonly outputBytes: number | null;
  readonly modelSeconds: Duration | null;
  readonly instances: { readonly most: number; readonly allowed: number };
  /** Requests that ended per minute, from the first to the last minute in which one ended. */
  readonly perMinute: { readonly mean: number; readonly most: number; readonly minutes: number } | null;
  readonly backlogSeconds: Duration | null;
  /** From acceptance to the result's upload. */
  readonly totalSeconds: Duration | null;
  /**
   * From the first video's submission until the last end was seen, or until the end of its minute, if that is earlier.
   */
  readonly elapsedSeconds: number;
  /** Null on the emulator, and if the instances were never observed. */
  readonly cost: BurstCost | null;
}

/** Computes the values of the table. */
export function figuresOf(run: BurstRun, metrics: EndpointMetrics): BurstFigures {
  return {
    environment: run.environment,
    devices: run.devices,
    invocations: run.accepted,
    completed: run.completed,
    failed: run.failed,
    expired: run.expired,
    concurrency: run.concurrency,
    instanceType: run.instanceType,
    inputBytes: run.inputBytes,
    outputBytes: run.outputBytes ?? null,
    modelSeconds: durationOf(metrics.inModel),
    instances: { most: Math.max(0, ...run.instances.map(({ current }) => current)), allowed: run.maxCapacity },
    perMinute: throughputOf(metrics.processed),
    backlogSeconds: durationOf(metrics.inBacklog),
    totalSeconds: durationOf(metrics.total),
    elapsedSeconds: (Math.min(run.endedAt.getTime(), lastEnd(metrics)) - run.startedAt.getTime()) / 1000,
    cost: burstCost(run),
  };
}

/** Returns the end of the last minute in which requests ended, ms since the epoch; Infinity if CloudWatch has none. */
export function lastEnd({ processed, failed, expired }: EndpointMetrics): number {
  const busy = [...processed, ...failed, ...expired].filter(({ value }) => value > 0);
  return busy.length === 0 ? Infinity : Math.max(...busy.map(({ minute }) => minute)) + minuteMs;
}

/** Combines all values of a series. */
export function sumOf(series: Series): number {
  return series.reduce((sum, { value }) => sum + value, 0);
}

function durationOf({ sum, count, max }: Durations): Duration | null {
  const measured = sumOf(count);
  if (measured === 0) return null;
  return { mean: sumOf(sum) / measured, most: Math.max(...max.map(({ value }) => value)) };
}

function throughputOf(processed: Series): BurstFigures["perMinute"] {
  const busy = processed.filter(({ value }) => value > 0);
  const [first, last] = [busy.at(0), busy.at(-1)];
  if (first === undefined || last === undefined) return null;
  // A minute in which nothing ended has no datapoint but counts.
  const minutes = (last.minute - first.minute) / minuteMs + 1;
  return { mean: sumOf(busy) / minutes, most: Math.max(...busy.map(({ value }) => value)), minutes };
}

/** Formats the table for people, in the blog post's order. */
export function rowsOf(figures: BurstFigures): readonly Row[] {
  const { perMinute, instances, environment, devices } = figures;
  const isEmulated = environment === "emulator";
  const others = [
    ...(figures.failed === 0 ? [] : [`${figures.failed} failed`]),
    ...(figures.expired === 0 ? [] : [`${figures.expired} expired`]),
  ];
  const pending = figures.invocations - figures.completed - figures.failed - figures.expired;
  if (pending > 0) others.push(`${pending} not ended`);
  return [
    { label: "Invocations (total burst size)", value: String(figures.invocations) },
    { label: "Completed", value: [String(figures.completed), ...others].join(", ") },
    { label: "Concurrency level (per instance)", value: String(figures.concurrency) },
    { label: "Environment", value: describeEnvironment(environment, devices) },
    { label: "Device (from the results)", value: devices.length === 0 ? none : describeDevices(devices) },
    {
      label: "Instance type",
      value: `${figures.instanceType}${isEmulated ? " (of the stack; the emulator starts none)" : ""}`,
    },
    { label: "Input payload (per invocation)", value: size(figures.inputBytes) },
    {
      label: "Output payload (per invocation)",
      value: figures.outputBytes === null ? none : size(figures.outputBytes),
    },
    { label: "Model latency", value: durationText(figures.modelSeconds) },
    { label: "Instances (maximum seen, of the limit)", value: `${instances.most} of ${instances.allowed}` },
    {
      label: "Throughput (requests per minute)",
      value:
        perMinute === null
          ? none
          : `${perMinute.mean.toFixed(1)} over ${perMinute.minutes} min, maximum ${perMinute.most.toFixed(0)}`,
    },
    { label: "Time in backlog", value: durationText(figures.backlogSeconds) },
    { label: "Total processing time", value: durationText(figures.totalSeconds) },
    { label: "Whole burst", value: `${seconds(figures.elapsedSeconds)}${isEmulated ? " (stack clock)" : ""}` },
    { label: "Cost of the instances", value: describeBurstCost(figures.cost, figures) },
  ];
}

const none = "no data";

function durationText(duration: Duration | null): string {
  return duration === null ? none : `${seconds(duration.mean)} on average, at most ${seconds(duration.most)}`;
}

function seconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en-US")} s`;
}

/** Uses decimal units, as the blog post does. */
function size(bytes: number): string {
  if (bytes < 1e3) return `${bytes.toFixed(0)} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
