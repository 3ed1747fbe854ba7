/** Charts of a plan, as plain data. */

import type { ChartSeries, ChartSpec, Mark } from "../lib/report-page/chart-spec.ts";
import { median } from "../lib/median.ts";
import type { TimelineMinute } from "./timeline.ts";

/** Maximum number of marks of a line: more are not distinguishable, and make the page large. */
const maxMarks = 720;

/** Part of a timeline that is one mark. */
interface Interval {
  /** Minutes from the start to the end of the interval. */
  readonly end: number;
  readonly minutes: readonly TimelineMinute[];
}

/** Value of an interval; null without one. */
type ValueOf = (interval: Interval) => number | null;

/**
 * Returns the charts of a load that was simulated several times: the median, and the area from minimum to maximum.
 * @param timelines at least one, none of them empty
 */
export function planCharts(timelines: readonly (readonly TimelineMinute[])[]): readonly ChartSpec[] {
  const length = Math.max(...timelines.map((minutes) => minutes.length));
  const step = Math.ceil(length / maxMarks);
  const each = step === 1 ? "each minute" : `each ${step} minutes`;
  const runs = timelines.map((minutes) => intervalsOf(padded(minutes, length), step));
  const chart = (
    spec: Omit<ChartSpec, "band" | "series">,
    at: "end" | "start",
    valueOf: ValueOf,
    isFromZero = false,
  ): ChartSpec => {
    const values = (runs[0] ?? []).map(({ end, minutes }, index) => {
      const known = runs.flatMap((intervals) => {
        const interval = intervals[index];
        return interval === undefined ? [] : (valueOf(interval) ?? []);
      });
      return { x: at === "end" ? end : end - minutes.length, known };
    });
    const line = (label: string, of: (known: readonly number[]) => number): ChartSeries => {
      const marks = values.map(({ x, known }): Mark => ({ x, y: known.length === 0 ? null : of(known) }));
      return { label, marks: isFromZero ? [{ x: 0, y: 0 }, ...marks] : marks };
    };
    return {
      ...spec,
      series: [line(timelines.length === 1 ? spec.title : `Median of ${timelines.length} simulations`, median)],
      ...(timelines.length === 1 ? {} : { band: { low: line("Minimum", minOf), high: line("Maximum", maxOf) } }),
    };
  };
  return [
    chart(
      {
        id: "backlog",
        title: "Backlog",
        caption: `Videos waiting or in process, maximum of ${each}.`,
        kind: "line",
        unit: "Videos",
      },
      "start",
      ({ minutes }) => maxOf(minutes.map(({ backlog }) => backlog)),
    ),
    chart(
      {
        id: "instances",
        title: "Instances",
        caption: `In service, at the end of ${each}.`,
        kind: "steps",
        unit: "Instances",
      },
      "end",
      ({ minutes }) => minutes.at(-1)?.instances ?? null,
      true,
    ),
    chart(
      {
        id: "throughput",
        title: "Throughput",
        caption: `Videos completed per minute, in ${each}.`,
        kind: "line",
        unit: "Videos per minute",
      },
      "start",
      ({ minutes }) => sumOf(minutes, ({ completed }) => completed) / minutes.length,
    ),
    chart(
      {
        id: "waiting",
        title: "Waiting time",
        caption: `Time in the queue, average of the videos that started in ${each}.`,
        kind: "line",
        unit: "Seconds",
      },
      "start",
      ({ minutes }) => {
        const started = sumOf(minutes, (minute) => minute.started);
        return started === 0 ? null : sumOf(minutes, ({ waited }) => waited) / started;
      },
    ),
    chart(
      {
        id: "cost",
        title: "Cumulative cost",
        caption: "Instances from launch to termination, since the start of the load.",
        kind: "line",
        unit: "USD",
      },
      "end",
      ({ minutes }) => minutes.at(-1)?.usd ?? null,
      true,
    ),
  ];
}

/** Extends a timeline to a length: nothing happens after its end. */
function padded(minutes: readonly TimelineMinute[], length: number): readonly TimelineMinute[] {
  const last = minutes.at(-1);
  if (last === undefined) return minutes;
  const quiet = { ...last, backlog: 0, completed: 0, started: 0, waited: 0 };
  return [...minutes, ...Array.from({ length: length - minutes.length }, () => quiet)];
}

function intervalsOf(minutes: readonly TimelineMinute[], step: number): readonly Interval[] {
  return Array.from({ length: Math.ceil(minutes.length / step) }, (_, index) => {
    const part = minutes.slice(index * step, (index + 1) * step);
    return { end: index * step + part.length, minutes: part };
  });
}

function sumOf(minutes: readonly TimelineMinute[], valueOf: (minute: TimelineMinute) => number): number {
  return minutes.reduce((sum, minute) => sum + valueOf(minute), 0);
}

function minOf(values: readonly number[]): number {
  return Math.min(...values);
}

function maxOf(values: readonly number[]): number {
  return Math.max(...values);
}
