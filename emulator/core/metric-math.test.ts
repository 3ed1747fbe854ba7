/** Tests metric math with the CloudWatch user guide's examples ("Using metric math"). */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { MetricMathError, UnimplementedMetricMathError } from "./metric-math-errors.ts";
import type { Series } from "./metric-math-evaluation.ts";
import { evaluated, members, parsed } from "./metric-math-harness.ts";

const absent = undefined;
const length = 5;

/** Series by id, as the guide draws them: `-` is a missing value. */
function series(drawings: Readonly<Record<string, string>>): Record<string, Series> {
  const read = (drawing: string): Series => drawing.split(" ").map((mark) => (mark === "-" ? undefined : Number(mark)));
  return Object.fromEntries(Object.entries(drawings).map(([id, drawing]) => [id, read(drawing)]));
}

function drawn(expression: string, drawings: Readonly<Record<string, string>>): string {
  const drawn = members(expression, series(drawings), length).map(({ values }) =>
    values.map((value) => value ?? "-").join(" "),
  );
  return drawn.join(" | ");
}

describe("metric math", () => {
  const compared = { metric1: "30 20 0 0 -", metric2: "20 - 20 - -" };
  const chosen = { metric1: "1 1 0 0 -", metric2: "30 - 0 0 30", metric3: "0 0 20 - 20" };
  const examples: readonly [expression: string, drawings: Readonly<Record<string, string>>, result: string][] = [
    // The guide's table in "Comparison and logical operators", and a period without any data.
    ["(metric1 < metric2)", compared, "0 0 1 0 -"],
    ["(metric1 >= 30)", compared, "1 0 0 0 -"],
    ["(metric1 > 15 AND metric2 > 15)", compared, "1 0 0 0 -"],
    ["metric1 > 15 && metric2 > 15", compared, "1 0 0 0 -"],
    ["metric1 > 15 || metric2 > 15", compared, "1 1 1 0 -"],
    ["metric1 > 15 OR metric2 > 15", compared, "1 1 1 0 -"],
    ["metric1 != 0", compared, "1 1 0 0 -"],
    // The guide's tables in "Using IF expressions".
    ["IF(metric1, metric2, metric3)", chosen, "30 0 20 - -"],
    ["IF(metric1, 5, metric3)", chosen, "5 5 20 - -"],
    ["IF(metric1, metric2, 5)", chosen, "30 0 5 5 -"],
    ["IF(metric1, metric2)", chosen, "30 0 - - -"],
    ["IF(1, metric2, metric3)", chosen, "30 - 0 0 30"],
    ["IF(0, metric2, metric3)", chosen, "0 0 20 - 20"],
    ["IF(0, metric2)", chosen, "- - - - -"],
    ["IF(metric1 == 0, 1, 2)", chosen, "2 2 1 1 -"],
    ["IF(metric1 - 1, 1, 2)", chosen, "2 2 1 1 -"],
    // "Missing values in a time series are treated as 0. If … a function [attempts] to divide by zero, the data point is dropped."
    ["metric1 + metric2", compared, "50 20 20 0 -"],
    ["metric1 / metric2", compared, "1.5 - 0 - -"],
    ["metric2 / metric1", compared, "0.6666666666666666 0 - - -"],
    ["metric1 * (1 / 0)", compared, "- - - - -"],
    ["-metric1", compared, "-30 -20 0 0 -"],
    ["-5 * metric1", compared, "-150 -100 0 0 -"],
    ["metric1 - -1", compared, "31 21 1 1 -"],
    ["metric1 - 5 - 3", compared, "22 12 -8 -8 -"],
    ["metric1 >= 20 OR metric1 > 0 AND metric1 > 25", compared, "1 1 0 0 -"],
    ["metric1 ^ 2", compared, "900 400 0 0 -"],
    ["metric1 ^ -1", compared, "0.03333333333333333 0.05 - - -"],
    ["1e1 + .5 + 1. + metric1", compared, "41.5 31.5 11.5 11.5 -"],
    // FILL "fills the missing values of a time series".
    ["FILL(metric2, 7)", compared, "20 7 20 7 7"],
    ["FILL(metric2, 1 - 2 * 3)", compared, "20 -5 20 -5 -5"],
    ["FILL(metric1 / metric2, 0)", compared, "1.5 0 0 0 0"],
    ["IF(FILL(metric2, 0) >= 20, metric1)", compared, "30 - 0 - -"],
    ["FILL(metric2, metric1)", compared, "20 20 20 0 -"],
    ["FILL(m, REPEAT)", { m: "- 1 - - 4" }, "- 1 1 1 4"],
    ["FILL(m, LINEAR)", { m: "- 1 - - 4" }, "- 1 2 3 4"],
    ["FILL([a, b], LINEAR)", { a: "1 - 3 - -", b: "- - - - -" }, "1 2 3 - - | - - - - -"],
    // Functions of one series, and of an array in each period. "Missing values are treated as 0" by AVG.
    ["m - AVG(m)", { m: "10 - 0 5 5" }, "6 - -4 1 1"],
    ["m * SUM(m)", { m: "1 - 2 - -" }, "3 - 6 - -"],
    ["m - MIN(m)", { m: "3 - 2 5 -" }, "1 - 0 3 -"],
    ["m / MAX(m)", { m: "3 - 2 4 -" }, "0.75 - 0.5 1 -"],
    ["m / STDDEV(m)", { m: "2 4 - - -" }, "2 4 - - -"],
    ["SUM(m) / DATAPOINT_COUNT(m) + 0 * m", { m: "2 4 - - -" }, "3 3 - - -"],
    ["SUM([a, b])", { a: "1 - 3 - 0", b: "1 2 - - 0" }, "2 2 3 - 0"],
    ["AVG([a, b])", { a: "1 - 3 - 0", b: "1 2 - - 0" }, "1 1 1.5 - 0"],
    ["MIN(METRICS())", { a: "1 - 3 - 0", b: "-1 2 - - 0" }, "-1 2 3 - 0"],
    ["MAX(METRICS())", { a: "1 - 3 - 0", b: "-1 2 - - 0" }, "1 2 3 - 0"],
    ["DATAPOINT_COUNT([a, b])", { a: "1 - 3 - 0", b: "1 2 - - 0" }, "2 1 1 - 2"],
    ["ABS(m)", { m: "-1 2 - 0 -3" }, "1 2 - 0 3"],
    ["CEIL(m)", { m: "1.2 2 - 0 2.5" }, "2 2 - 0 3"],
    ["FLOOR(m)", { m: "1.2 2 - 0 2.5" }, "1 2 - 0 2"],
    ["LOG10(m)", { m: "1 100 - 0 10" }, "0 2 - - 1"],
    ["LOG(m)", { m: "1 1 - 0 1" }, "0 0 - - 0"],
    ["DIFF(m)", { m: "5 - 8 7 -" }, "- - 3 -1 -"],
    ["RATE(m)", { m: "60 - 180 240 -" }, "- - 1 1 -"],
    ["DIFF_TIME(m)", { m: "5 - 8 7 -" }, "- - 120 60 -"],
    ["RUNNING_SUM(m)", { m: "5 - 8 7 -" }, "5 - 13 20 -"],
    ["PERIOD(m) + 0 * m", { m: "5 - 8 7 -" }, "60 - 60 60 -"],
    ["TIME_SERIES(MAX(m))", { m: "5 - 8 7 -" }, "8 8 8 8 8"],
    ["MINUTE(m)", { m: "5 - - - -" }, "0 1 2 3 4"],
    ["HOUR(m) + DAY(m) + DATE(m) + MONTH(m) + YEAR(m)", { m: "- - - - -" }, "1976 1976 1976 1976 1976"],
    ["EPOCH(m)", { m: "- - - - -" }, "0 60 120 180 240"],
    // Arrays.
    ["METRICS() * 2", { a: "1 - - - -", b: "2 - - - -" }, "2 - - - - | 4 - - - -"],
    ["100 / [a, b]", { a: "1 - - - -", b: "2 - - - -" }, "100 - - - - | 50 - - - -"],
    ["-[a, b] / b", { a: "1 - - - -", b: "2 - - - -" }, "-0.5 - - - - | -1 - - - -"],
    ["SUM([METRICS('4xx'), METRICS('5xx')])", { e4xx: "1 - - - -", e5xx: "2 - - - -", ok: "9 9 - - -" }, "3 - - - -"],
    ["m / METRIC_COUNT(METRICS())", { m: "4 - - - -", n: "2 - - - -" }, "2 - - - -"],
    ["REMOVE_EMPTY([a, b])", { a: "- - - - -", b: "2 - - - -" }, "2 - - - -"],
    [
      "SORT([a, b, c], SUM, DESC)",
      { a: "1 - - - -", b: "- - - - -", c: "2 - - - -" },
      "2 - - - - | 1 - - - - | - - - - -",
    ],
    ["SORT([a, b], AVG, ASC, 1)", { a: "2 - - - -", b: "1 - - - -" }, "1 - - - -"],
    ["SLICE(SORT([a, b], MAX, ASC), 1)", { a: "2 - - - -", b: "1 - - - -" }, "2 - - - -"],
    ["SLICE([a, b, c], 1, 2)", { a: "1 - - - -", b: "2 - - - -", c: "3 - - - -" }, "2 - - - -"],
    ["FIRST([a, b]) + LAST([a, b])", { a: "1 - - - -", b: "2 - - - -" }, "3 - - - -"],
  ];
  for (const [expression, drawings, result] of examples) {
    it(`evaluates ${expression} to ${result}`, () => {
      assert.equal(drawn(expression, drawings), result);
    });
  }

  it("names each series that it uses once", () => {
    assert.deepEqual(parsed("IF(a > 1, FILL(b, 0) / a, -c) + b").references, ["a", "b", "c"]);
    assert.deepEqual(parsed("IF(a, 1)").references, ["a"]);
  });

  const refusals: readonly [expression: string, message: RegExp][] = [
    ["", /Expected a number, an id, a function or '\(' but found the end in expression '' at position 1/],
    ["m1 +", /found the end in expression 'm1 \+' at position 5/],
    ["m1 m2", /Expected an operator or operand but found 'm2' in .* at position 4/],
    ["(m1", /Expected '\)' but found the end/],
    ["m1 $ 2", /Unexpected character in expression 'm1 \$ 2' at position 3/],
    ["IF(m1)", /IF takes a number or a time series/],
    ["IF(m1, 1, 2, 3)", /IF takes a number or a time series/],
    ["IF([m1], 1)", /IF takes a number or a time series/],
    ["MEDIAN(m1)", /There is no function MEDIAN in metric math/],
    ["ABS(1)", /ABS takes a time series or an array of time series/],
    ["SUM(m1)", /yields a number, but must yield a time series/],
    ["m1 + 'text'", /A text is only an argument of METRICS or SEARCH/],
    ["[m1, 2]", /An array has time series, not numbers/],
    ["[m1] + [m2]", /cannot combine two arrays/],
    ["m1 * PERIOD(m1 + 1)", /PERIOD takes a metric/],
    ["SORT([m1], STDDEV, ASC)", /SORT takes an array/],
    ["FILL(m1, AVG)", /FILL takes a value, a time series, REPEAT or LINEAR/],
    ["SEARCH('a')", /SEARCH takes a search expression and a statistic/],
    ["SEARCH('a', 'Median', 60)", /SEARCH has no statistic 'Median'/],
    ["m1 constructor m1", /Expected an operator or operand but found 'constructor'/],
    ["__proto__(m1)", /'__proto__' in expression '__proto__\(m1\)' is not an id/],
    ["M1 + 1", /'M1' in expression 'M1 \+ 1' is not an id: ids begin with a small letter/],
    ["1 + 2", /yields a number, but must yield a time series/],
    ["FILL(1, m1)", /FILL takes a time series or an array of time series, then/],
    ["IF(1, 2, m1)", /IF with a number as its condition/],
    ["IF(1, m1, 2)", /IF with a number as its condition/],
  ];
  for (const [expression, message] of refusals) {
    it(`refuses '${expression}'`, () => {
      assert.throws(
        () => parsed(expression),
        (error: unknown) => error instanceof MetricMathError && message.test(error.message),
      );
    });
  }

  const unimplemented: readonly [expression: string, message: RegExp][] = [
    ["ANOMALY_DETECTION_BAND(m1, 2)", /^the function ANOMALY_DETECTION_BAND in metric math$/],
    ["INSIGHT_RULE_METRIC('rule', 'Sum')", /^the function INSIGHT_RULE_METRIC/],
    ["SERVICE_QUOTA(m1)", /^the function SERVICE_QUOTA/],
    ["SELECT AVG(m1)", /^queries of Metrics Insights/],
    ["SEARCH(':aws.AccountId=1', 'Sum')", /^:aws.AccountId in SEARCH/],
    ["1 < m1 < 2", /^a chain of comparisons without parentheses, whose order AWS does not document/],
    ["m1 ^ 2 ^ 3", /^a chain of powers/],
    ["-m1 ^ 2", /^a power after a minus sign/],
  ];
  for (const [expression, message] of unimplemented) {
    it(`refuses ${expression} and names the missing feature`, () => {
      assert.throws(
        () => parsed(expression),
        (error: unknown) => error instanceof UnimplementedMetricMathError && message.test(error.message),
      );
    });
  }

  it("has no value if a scalar divides by zero", () => {
    assert.deepEqual(evaluated("FILL(m, 1 / 0)", { m: [1, absent] }, 2), [1, absent]);
  });
});
