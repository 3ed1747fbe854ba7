/** Single values of a metric, which percentiles need, in bounded memory. */

import type { StatisticSet } from "./metric-types.ts";

/** Distinct values, each with its count. */
export type ValueCounts = ReadonlyMap<number, number>;

/**
 * Maximum number of distinct values that are kept for one metric, unit and second. More of them are rounded to as many
 * significant digits, three or fewer, as fit.
 */
export const mostDistinctValues = 2_000;

/** Smaller values are rounded to 0. CloudWatch accepts values up to 2^360, so that few enough have one digit. */
const smallestRounded = 2 ** -360;

/**
 * Returns the values that a set tells; undefined if it does not tell them (user guide, "CloudWatch statistics
 * definitions"). There are no extended statistics of negative values, so they are not kept.
 */
export function valuesOfSet({ sampleCount, sum, minimum, maximum }: StatisticSet): ValueCounts | undefined {
  const isTold = minimum === maximum && sum === minimum * sampleCount && minimum >= 0;
  return isTold ? new Map([[minimum, sampleCount]]) : undefined;
}

/** Adds values to a map. */
export function addValues(target: Map<number, number>, values: ValueCounts): void {
  for (const [value, count] of values) target.set(value, (target.get(value) ?? 0) + count);
}

/** Returns the same values, rounded if there are more than {@link mostDistinctValues}. */
export function boundedValues(values: Map<number, number>): Map<number, number> {
  let bounded = values;
  for (let digits = 3; bounded.size > mostDistinctValues && digits > 0; digits -= 1) {
    const rounded = new Map<number, number>();
    for (const [value, count] of bounded) {
      const key = value < smallestRounded ? 0 : Number(value.toPrecision(digits));
      addValues(rounded, new Map([[key, count]]));
    }
    bounded = rounded;
  }
  return bounded;
}
