/**
 * CloudWatch's statistics: names, and values of a period. Source: CloudWatch user guide, "CloudWatch statistics
 * definitions" (awsdocs/amazon-cloudwatch-user-guide, doc_source/Statistics-definitions.md).
 */

import type { StatisticSet } from "./metric-types.ts";
import type { ValueCounts } from "./value-counts.ts";

/** CloudWatch's statistics that need no single values. */
export type SimpleStatistic = "Average" | "Sum" | "Minimum" | "Maximum" | "SampleCount";

/** A statistic of the values between two boundaries, or the value at one of them. */
export interface ExtendedStatistic {
  /** As CloudWatch writes it: `p99.9`, `tm90`, `TC(100:200)`, `IQM`. */
  readonly name: string;
  readonly kind: "p" | "TM" | "WM" | "TC" | "TS" | "PR";
  /** True if the boundaries are shares of the data points, 0 to 1; false if they are values. */
  readonly isShare: boolean;
  /** Exclusive; -Infinity, or the share 0, if there is none. */
  readonly lower: number;
  /** Inclusive; Infinity, or the share 1, if there is none. For a percentile, its share. */
  readonly upper: number;
}

/** A statistic of a metric. */
export type Statistic = SimpleStatistic | ExtendedStatistic;

/** Data of one period. */
export interface PeriodData extends StatisticSet {
  /** Each distinct value with its count; undefined if only the set is known. */
  readonly values?: ValueCounts | undefined;
}

const simple: Readonly<Record<SimpleStatistic, (set: StatisticSet) => number>> = {
  Average: ({ sum, sampleCount }) => sum / sampleCount,
  Sum: ({ sum }) => sum,
  Minimum: ({ minimum }) => minimum,
  Maximum: ({ maximum }) => maximum,
  SampleCount: ({ sampleCount }) => sampleCount,
};

/** Names of the simple statistics. */
export const simpleStatistics = Object.keys(simple) as SimpleStatistic[];

/** Returns the name of a statistic, as CloudWatch writes it. */
export function statisticName(statistic: Statistic): string {
  return typeof statistic === "string" ? statistic : statistic.name;
}

/** Returns the extended statistic of a name; undefined if it has none of CloudWatch's forms. */
export function extendedStatistic(name: string): ExtendedStatistic | undefined {
  if (name === "IQM") return { name, kind: "TM", isShare: true, lower: 0.25, upper: 0.75 };
  const number = String.raw`\d+(?:\.\d{1,10})?`;
  const [, short, percent] = new RegExp(`^(p|tm|wm|tc|ts)(${number})$`).exec(name) ?? [];
  if (short !== undefined) {
    const kind = short === "p" ? "p" : (short.toUpperCase() as "TM" | "WM" | "TC" | "TS");
    return checked({ name, kind, isShare: true, lower: 0, upper: Number(percent) / 100 });
  }
  const pattern = new RegExp(`^(TM|WM|TC|TS|PR)\\((?:(${number})(%?))?:(?:(${number})(%?))?\\)$`);
  const [, long, lower, lowerUnit, upper, upperUnit] = pattern.exec(name) ?? [];
  if (long === undefined || (lower === undefined && upper === undefined)) return undefined;
  if (lowerUnit !== undefined && upperUnit !== undefined && lowerUnit !== upperUnit) return undefined;
  const kind = long as "TM" | "WM" | "TC" | "TS" | "PR";
  const isShare = (lowerUnit ?? upperUnit) === "%";
  if (isShare) {
    if (kind === "PR") return undefined;
    return checked({ name, kind, isShare, lower: Number(lower ?? 0) / 100, upper: Number(upper ?? 100) / 100 });
  }
  return checked({ name, kind, isShare, lower: Number(lower ?? -Infinity), upper: Number(upper ?? Infinity) });
}

function checked(statistic: ExtendedStatistic): ExtendedStatistic | undefined {
  const { kind, isShare, lower, upper } = statistic;
  if (isShare && upper > 1) return undefined;
  return kind === "p" || lower < upper ? statistic : undefined;
}

/** Returns the statistic of a name, simple or extended; undefined if CloudWatch has none of that name. */
export function statisticOfName(name: string): Statistic | undefined {
  return simpleStatistics.find((each) => each === name) ?? extendedStatistic(name);
}

/** Returns the simple statistic of a set of values; NaN for the average of none. */
export function simpleStatistic(set: StatisticSet, name: SimpleStatistic): number {
  return simple[name](set);
}

/**
 * Returns the statistic of a period's data. Undefined for an extended statistic of data whose single values are unknown
 * or include a negative one, and for the mean of no values. That the other periods of a metric with a negative value
 * have the statistic is unconfirmed.
 */
export function statisticValue(data: PeriodData, statistic: Statistic): number | undefined {
  if (typeof statistic === "string") return simple[statistic](data);
  const { values, minimum } = data;
  if (values === undefined || minimum < 0) return undefined;
  const sorted = [...values].sort(([left], [right]) => left - right);
  const count = sorted.reduce((sum, [, each]) => sum + each, 0);
  return statistic.isShare ? byShare(sorted, count, statistic) : byValue(sorted, count, statistic);
}

/** Distinct values in ascending order, each with its count. */
type Sorted = readonly (readonly [value: number, count: number])[];

/** Returns a statistic whose boundaries are values: data points above the lower one and up to the upper one are in. */
function byValue(sorted: Sorted, count: number, { kind, lower, upper }: ExtendedStatistic): number | undefined {
  if (kind === "WM") {
    return total(sorted.map(([value, each]) => [Math.min(upper, Math.max(lower, value)), each])) / count;
  }
  const kept = sorted.filter(([value]) => lower < value && value <= upper);
  if (kind === "PR") return (100 * size(kept)) / count;
  return summary(kept, kind);
}

/**
 * Returns a statistic whose boundaries are shares of the data points. A data point that a boundary cuts is in: the guide
 * has no rule. A percentile is therefore the nearest rank, "the maximum value of the remaining 99%" for p99; and the
 * middle half of one data point is that data point.
 */
function byShare(sorted: Sorted, count: number, { kind, lower, upper }: ExtendedStatistic): number | undefined {
  const first = Math.floor(exact(lower * count));
  const end = Math.max(1, Math.ceil(exact(upper * count)));
  const kept: [value: number, count: number][] = [];
  let rank = 0;
  for (const [value, each] of sorted) {
    const inside = Math.min(rank + each, end) - Math.max(rank, first);
    if (inside > 0) kept.push([value, inside]);
    rank += each;
  }
  const [lowest = 0, highest = 0] = [kept[0]?.[0], kept.at(-1)?.[0]];
  if (kind === "p") return highest;
  if (kind !== "WM") return summary(kept, kind);
  return (lowest * first + total(kept) + highest * (count - end)) / count;
}

/** Removes the error of a floating-point product that should be whole: 0.07 * 100 is slightly more than 7. */
function exact(product: number): number {
  return Number(product.toPrecision(14));
}

function summary(kept: Sorted, kind: "p" | "TM" | "TC" | "TS" | "PR"): number | undefined {
  if (kind === "TC") return size(kept);
  if (kind === "TS") return total(kept);
  return kept.length === 0 ? undefined : total(kept) / size(kept);
}

function size(values: Sorted): number {
  return values.reduce((sum, [, count]) => sum + count, 0);
}

function total(values: Sorted): number {
  return values.reduce((sum, [value, count]) => sum + value * count, 0);
}

/**
 * Returns the number of data points below which a percentile is not statistically significant (user guide,
 * "Percentile-based alarms and low data samples"); 0 for other statistics, and for p0 and p100.
 */
export function significantCount(statistic: Statistic): number {
  if (typeof statistic === "string" || statistic.kind !== "p") return 0;
  const share = statistic.upper;
  if (share === 0 || share === 1) return 0;
  return Math.ceil(exact(10 / (share < 0.5 ? share : 1 - share)));
}
