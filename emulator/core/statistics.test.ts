/** Tests the names of CloudWatch's statistics, and their values in the user guide's examples and at the edges. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { extendedStatistic, significantCount, statisticOfName, statisticValue } from "./statistics.ts";
import type { PeriodData } from "./statistics.ts";

function dataOf(values: readonly number[]): PeriodData {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return {
    sampleCount: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    minimum: Math.min(...values),
    maximum: Math.max(...values),
    values: counts,
  };
}

function valueOf(name: string, values: readonly number[]): number | undefined {
  const statistic = statisticOfName(name);
  assert.ok(statistic !== undefined, name);
  return statisticValue(dataOf(values), statistic);
}

const upToTen = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1];

describe("the name of a statistic", () => {
  for (const name of [
    ...["Average", "Sum", "Minimum", "Maximum", "SampleCount", "IQM"],
    ...["p0", "p100", "p99.9", "p0.0123456789", "tm99", "wm98", "tc90", "ts90.5"],
    ...["TM(2%:98%)", "TM(:95%)", "TM(10%:)", "TC(0.005:0.030)", "TS(80%:)", "WM(10%:90%)", "PR(:300)", "PR(10:)"],
  ]) {
    it(`can be ${name}`, () => {
      assert.ok(statisticOfName(name) !== undefined);
    });
  }

  for (const [title, name] of [
    ["a percentile above 100", "p100.1"],
    ["more than ten decimals", "p0.01234567890"],
    ["a negative percentile", "p-1"],
    ["a capital P", "P90"],
    ["capital letters without parentheses", "TM99"],
    ["small letters with parentheses", "tm(:99%)"],
    ["a value and a percentage", "TM(10:90%)"],
    ["no boundary", "TM(:)"],
    ["boundaries in the wrong order", "TC(90%:10%)"],
    ["equal boundaries", "TC(5:5)"],
    ["a percentile rank of percentages", "PR(10%:90%)"],
    ["a percentile rank without parentheses", "pr90"],
    ["a percentage above 100", "TM(0%:101%)"],
    ["another word", "Median"],
  ] as const) {
    it(`cannot have ${title}`, () => {
      assert.equal(statisticOfName(name), undefined);
    });
  }
});

describe("an extended statistic", () => {
  for (const [name, expected, values = upToTen] of [
    ["p0", 1],
    ["p50", 5],
    ["p90", 9],
    ["p90.1", 10],
    ["p100", 10],
    ["tm90", 5],
    ["TM(10%:90%)", 5.5],
    ["tc90", 9],
    ["ts90", 45],
    ["TS(80%:)", 19],
    ["wm90", 5.4],
    ["WM(10%:90%)", 5.5],
    ["WM(3:5)", 4.3],
    ["TM(3:5)", 4.5],
    ["TC(3:5)", 2],
    ["TS(3:5)", 9],
    ["PR(:3)", 30],
    ["PR(3:5)", 20],
    ["PR(5:)", 50],
    ["IQM", 3.5, [1, 3, 4, 100]],
    ["IQM", 7, [7]],
    ["TC(100:200)", 0],
    ["TS(100:200)", 0],
    ["PR(100:200)", 0],
    ["TM(100:200)", undefined],
    ["p99", 0.29, Array.from({ length: 100 }, (_, index) => (index < 99 ? 0.29 : 9))],
  ] as const satisfies [string, number | undefined, (readonly number[])?][]) {
    it(`${name} of ${values.length === 100 ? "100 values" : `[${values.join(", ")}]`} is ${expected}`, () => {
      assert.equal(valueOf(name, values), expected);
    });
  }

  it("is missing if the single values are unknown", () => {
    const { values, ...set } = dataOf(upToTen);
    assert.ok(values !== undefined);
    assert.equal(statisticValue(set, extendedStatistic("p50") ?? "Sum"), undefined);
  });

  it("is missing if a value is negative", () => {
    assert.equal(valueOf("p50", [-1, 5, 6]), undefined);
  });

  it("is significant from 10/(1-p) data points for high percentiles, 10/p for low ones", () => {
    const counts = ["p99", "p50", "p10", "p0", "p100", "tm99", "Sum"].map((name) =>
      significantCount(statisticOfName(name) ?? "Sum"),
    );
    assert.deepEqual(counts, [1_000, 20, 100, 0, 0, 0, 0]);
  });
});
