/** Operations of metric math on one series. Source: CloudWatch user guide, "Using metric math". */

import type { Expression, Series } from "./metric-math-evaluation.ts";
import type { MetricSearch } from "./metric-search.ts";

/** Parts of a period's start, in UTC; days of the week are numbered from Monday, 1. */
export const calendar: Readonly<Record<string, (moment: Date) => number>> = {
  MINUTE: (moment) => moment.getUTCMinutes(),
  HOUR: (moment) => moment.getUTCHours(),
  DAY: (moment) => moment.getUTCDay() || 7,
  DATE: (moment) => moment.getUTCDate(),
  MONTH: (moment) => moment.getUTCMonth() + 1,
  YEAR: (moment) => moment.getUTCFullYear(),
  EPOCH: (moment) => moment.getTime() / 1_000,
};

/** Returns a value for each data point but the first, from its change since the previous one and the periods between. */
export function differences(values: Series, valueOf: (change: number, periods: number) => number): Series {
  let previous: { value: number; index: number } | undefined;
  return values.map((value, index) => {
    if (value === undefined) return undefined;
    const before = previous;
    previous = { value, index };
    return before === undefined ? undefined : valueOf(value - before.value, index - before.index);
  });
}

/** Returns the running sum at each data point. */
export function runningSum(values: Series): Series {
  let total = 0;
  return values.map((value) => (value === undefined ? undefined : (total += value)));
}

/**
 * Fills missing values: REPEAT with "the most recent actual value of the metric before the missing value", LINEAR with
 * "a linear interpolation between the values at the beginning and the end of the gap". Values outside stay missing.
 */
export function filled(values: Series, filler: "REPEAT" | "LINEAR"): Series {
  const known = values.flatMap((value, index) => (value === undefined ? [] : [{ value, index }]));
  let next = 0;
  return values.map((value, index) => {
    while (next < known.length && (known[next]?.index ?? 0) < index) next += 1;
    const [before, after] = [known[next - 1], known[next]];
    if (value !== undefined || before === undefined) return value;
    if (filler === "REPEAT") return before.value;
    if (after === undefined) return undefined;
    return before.value + ((after.value - before.value) * (index - before.index)) / (after.index - before.index);
  });
}

/** Makes the array of the metrics that a search finds. */
export function labelledMembers(search: MetricSearch): Expression {
  return {
    shape: "array",
    references: [],
    searches: [search],
    evaluate: (evaluation) => ({ members: evaluation.search(search) }),
  };
}
