/** Tests the extended statistics of the metric store's data against definitions over a sorted list of values. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MetricStore } from "./metrics.ts";
import { statisticOfName, statisticValue } from "./statistics.ts";
import { addValues, boundedValues, mostDistinctValues } from "./value-counts.ts";
import { VirtualClock } from "./virtual-clock.ts";

const minute = 60_000;
const metric = { namespace: "N", name: "M", dimensions: {} };

const values = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 60 });
/** Percentages: whole numbers, so that the definitions below are exact. */
const bounds = fc
  .uniqueArray(fc.integer({ min: 0, max: 100 }), { minLength: 2, maxLength: 2 })
  .map((pair) => pair.toSorted((left, right) => left - right) as [number, number]);

/** Returns a statistic of values that were put within a minute, in the given order, several of them in each second. */
function measured(name: string, data: readonly number[]): number | undefined {
  const store = new MetricStore(new VirtualClock(0));
  for (const [index, value] of data.entries()) store.put({ ...metric, timestamp: (index % 7) * 5_000, value });
  const [point] = store.query({ metric, start: 0, end: minute, period: minute, withValues: true });
  assert.ok(point !== undefined);
  return statisticValue(point, statisticOfName(name) ?? assert.fail(name));
}

function sum(data: readonly number[]): number {
  return data.reduce((total, value) => total + value, 0);
}

function assertClose(actual: number | undefined, expected: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);
}

describe("extended statistics", () => {
  it("percentile: the smallest value with at least p % of the values at or below it", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 0, max: 100 }), (data, percent) => {
        const isEnough = (value: number): boolean =>
          100 * data.filter((each) => each <= value).length >= percent * data.length;
        assert.equal(measured(`p${percent}`, data), Math.min(...data.filter(isEnough)));
      }),
    );
  });

  it("between percentages: the data points of which a part lies between them", () => {
    fc.assert(
      fc.property(values, bounds, (data, [lower, upper]) => {
        const count = data.length;
        const kept = data
          .toSorted((left, right) => left - right)
          .filter((_, rank) => 100 * (rank + 1) > lower * count && 100 * rank < upper * count);
        const range = `(${lower}%:${upper}%)`;
        assert.equal(measured(`TC${range}`, data), kept.length);
        assertClose(measured(`TS${range}`, data), sum(kept));
        assertClose(measured(`TM${range}`, data), sum(kept) / kept.length);
        const [least, most] = [Math.min(...kept), Math.max(...kept)];
        assertClose(measured(`WM${range}`, data), sum(data.map((v) => Math.min(most, Math.max(least, v)))) / count);
      }),
    );
  });

  it("between values: those above the lower and up to the upper one", () => {
    fc.assert(
      fc.property(values, bounds, (data, [lower, upper]) => {
        const kept = data.filter((value) => lower < value && value <= upper);
        const range = `(${lower}:${upper})`;
        assert.equal(measured(`TC${range}`, data), kept.length);
        assertClose(measured(`TS${range}`, data), sum(kept));
        assertClose(measured(`PR${range}`, data), (100 * kept.length) / data.length);
        const mean = measured(`TM${range}`, data);
        if (kept.length === 0) assert.equal(mean, undefined);
        else assertClose(mean, sum(kept) / kept.length);
      }),
    );
  });

  it("keep a bounded number of distinct values, each within half a percent while three digits fit", () => {
    fc.assert(
      fc.property(fc.integer({ min: mostDistinctValues + 1, max: 6_000 }), (length) => {
        const exact = new Map(Array.from({ length }, (_, index) => [1 + index / length, 1]));
        const bounded = boundedValues(exact);
        assert.ok(bounded.size <= mostDistinctValues);
        assert.equal(sum([...bounded.values()]), length);
        assert.ok(Math.abs(sum([...bounded].map(([value, count]) => value * count)) / length - 1.5) < 0.0075);
      }),
      { numRuns: 5 },
    );
  });

  it("keep a bounded number of distinct values over the whole range of numbers", () => {
    const wide = new Map<number, number>();
    for (let exponent = -1_000; exponent <= 360; exponent += 0.25) addValues(wide, new Map([[2 ** exponent, 1]]));
    const bounded = boundedValues(wide);
    assert.ok(wide.size > mostDistinctValues && bounded.size <= mostDistinctValues);
  });
});
