/** The metrics of one account and region: stores data and aggregates it on request. */

import type { Clock } from "./clock.ts";
import type { Dimensions, MetricDatum, MetricId, MetricSink, StatisticSet } from "./metric-types.ts";
import type { PeriodData } from "./statistics.ts";
import { addValues, boundedValues, valuesOfSet } from "./value-counts.ts";
import type { ValueCounts } from "./value-counts.ts";

/** One period's aggregate; `timestamp` is the start of the period, ms since the epoch. */
export interface Datapoint extends PeriodData {
  readonly timestamp: number;
}

/** Aggregates to compute: consecutive periods of `period` ms, from `start` up to (not including) `end`. */
export interface MetricQuery {
  readonly metric: MetricId;
  readonly start: number;
  readonly end: number;
  readonly period: number;
  /** Only data with this unit. */
  readonly unit?: string | undefined;
  /** True if the single values are returned, too, which extended statistics need. @default false */
  readonly withValues?: boolean | undefined;
}

interface Sample extends StatisticSet {
  readonly timestamp: number;
  readonly unit: string;
  /** The single values of several data; absent if they are unknown, or if the set tells them. */
  readonly values?: Map<number, number>;
}

interface Series {
  readonly id: MetricId;
  /** In the order of their timestamps. */
  samples: Sample[];
  /** Number of samples at the start that are past the retention. */
  forgotten: number;
}

/** Options of a {@link MetricStore}. */
export interface MetricStoreOptions {
  /**
   * Time for which data is kept, ms. Metrics without new data are no longer listed after two weeks (CloudWatch API
   * reference, ListMetrics); one-minute data is kept for 15 days.
   * @default 15 days
   */
  readonly retention?: number;
}

/** Samples of one metric and unit within one second are merged (CloudWatch's finest period is a second). */
const resolution = 1_000;

/** Tells whether two sets of dimensions are equal. */
export function sameDimensions(left: Dimensions, right: Dimensions): boolean {
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => left[name] === right[name]);
}

function merge(left: StatisticSet, right: StatisticSet): StatisticSet {
  return {
    sampleCount: left.sampleCount + right.sampleCount,
    sum: left.sum + right.sum,
    minimum: Math.min(left.minimum, right.minimum),
    maximum: Math.max(left.maximum, right.maximum),
  };
}

function knownValues(sample: Sample): ValueCounts | undefined {
  return sample.values ?? valuesOfSet(sample);
}

/** Merges two samples of one second and unit; may change the values of `existing`. */
function mergeSamples(existing: Sample, sample: Sample): Sample {
  const { timestamp, unit } = existing;
  const merged: Sample = { timestamp, unit, ...merge(existing, sample) };
  if (merged.minimum === merged.maximum && valuesOfSet(merged) !== undefined) return merged;
  const [known, added] = [knownValues(existing), knownValues(sample)];
  if (known === undefined || added === undefined) return merged;
  const values = existing.values ?? new Map(known);
  addValues(values, added);
  return { ...merged, values: boundedValues(values) };
}

/** The keys of dimensions, which sources and alarms use again and again. */
const dimensionKeys = new WeakMap<Dimensions, string>();

function keyOf({ namespace, name, dimensions }: MetricId): string {
  let key = dimensionKeys.get(dimensions);
  if (key === undefined) {
    key = JSON.stringify(Object.entries(dimensions).sort(([left], [right]) => (left < right ? -1 : 1)));
    dimensionKeys.set(dimensions, key);
  }
  // No name contains the separator, a control character.
  return `${namespace}\0${name}\0${key}`;
}

/** Adds values to a period's; undefined if one of them is unknown. */
function joined(period: Map<number, number> | undefined, values: ValueCounts | undefined) {
  if (period === undefined || values === undefined) return undefined;
  addValues(period, values);
  return period;
}

/** Returns the index of the first sample at or after `timestamp`, from `low` on. */
function firstAtOrAfter(samples: readonly Sample[], timestamp: number, from = 0): number {
  let [low, high] = [from, samples.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((samples[middle]?.timestamp ?? Infinity) < timestamp) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Stores the data of metrics by namespace, name and dimensions. */
export class MetricStore implements MetricSink {
  readonly #clock: Clock;
  readonly #retention: number;
  readonly #series = new Map<string, Series>();

  constructor(clock: Clock, { retention = 15 * 86_400_000 }: MetricStoreOptions = {}) {
    this.#clock = clock;
    this.#retention = retention;
  }

  put(datum: MetricDatum): void {
    const { value } = datum;
    const set = typeof value === "number" ? { sampleCount: 1, sum: value, minimum: value, maximum: value } : value;
    const key = keyOf(datum);
    let series = this.#series.get(key);
    if (series === undefined) {
      const { namespace, name, dimensions } = datum;
      series = { id: { namespace, name, dimensions }, samples: [], forgotten: 0 };
      this.#series.set(key, series);
    }
    const timestamp = Math.floor(datum.timestamp / resolution) * resolution;
    this.#add(series.samples, { timestamp, unit: datum.unit ?? "None", ...set });
    this.#forget(key, series);
  }

  /** Returns the periods that have data, oldest first. */
  query({ metric, start, end, period, unit, withValues = false }: MetricQuery): Datapoint[] {
    const { samples, forgotten } = this.#series.get(keyOf(metric)) ?? { samples: [], forgotten: 0 };
    const points: Datapoint[] = [];
    let values: Map<number, number> | undefined;
    for (let index = firstAtOrAfter(samples, start, forgotten); index < samples.length; index += 1) {
      const sample = samples[index];
      if (sample === undefined || sample.timestamp >= end) break;
      if (unit !== undefined && sample.unit !== unit) continue;
      const timestamp = start + Math.floor((sample.timestamp - start) / period) * period;
      const last = points.at(-1);
      const { sampleCount, sum, minimum, maximum } = sample;
      const isFirst = last?.timestamp !== timestamp;
      if (withValues) values = joined(isFirst ? new Map() : values, knownValues(sample));
      const known = withValues ? { values } : {};
      if (isFirst) points.push({ timestamp, sampleCount, sum, minimum, maximum, ...known });
      else points[points.length - 1] = { timestamp, ...merge(last, sample), ...known };
    }
    return points;
  }

  /** Returns the units of the metric's data. */
  units(metric: MetricId): string[] {
    const { samples, forgotten } = this.#series.get(keyOf(metric)) ?? { samples: [], forgotten: 0 };
    return [...new Set(samples.slice(forgotten).map(({ unit }) => unit))];
  }

  /** Returns all metrics that have data, in the order of their first data. */
  list(): MetricId[] {
    for (const [key, series] of this.#series) this.#forget(key, series);
    return [...this.#series.values()].map(({ id }) => id);
  }

  /** Returns the moment of the metric's newest data, ms since the epoch. */
  newest(metric: MetricId): number | undefined {
    return this.#series.get(keyOf(metric))?.samples.at(-1)?.timestamp;
  }

  #add(samples: Sample[], sample: Sample): void {
    const last = samples.at(-1);
    if (last === undefined || last.timestamp < sample.timestamp) {
      samples.push(sample);
      return;
    }
    let index = firstAtOrAfter(samples, sample.timestamp);
    for (; samples[index]?.timestamp === sample.timestamp; index += 1) {
      const existing = samples[index];
      if (existing?.unit === sample.unit) {
        samples[index] = mergeSamples(existing, sample);
        return;
      }
    }
    samples.splice(index, 0, sample);
  }

  #forget(key: string, series: Series): void {
    const oldest = this.#clock.now() - this.#retention;
    while ((series.samples[series.forgotten]?.timestamp ?? Infinity) < oldest) series.forgotten += 1;
    // Dropped only when they are half of all, the forgotten samples cost constant time each.
    if (2 * series.forgotten > series.samples.length) {
      series.samples = series.samples.slice(series.forgotten);
      series.forgotten = 0;
    }
    if (series.samples.length === 0) this.#series.delete(key);
  }
}
