/** Tests metric math with the CloudWatch user guide's examples ("Using metric math"). */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { evaluateExpression } from "./metric-math-evaluation.ts";
import type { Series } from "./metric-math-evaluation.ts";
import { MetricMathError, parseExpression, UnimplementedMetricMathError } from "./metric-math.ts";

const absent = undefined;
const length = 5;

/** Series by id, as the guide draws them: `-` is a missing value. */
function series(drawings: Readonly<Record<string, string>>): (id: string) => Series {
  return (id) => (drawings[id] ?? "").split(" ").map((mark) => (mark === "-" ? undefined : Number(mark)));
}

function drawn(expression: string, drawings: Readonly<Record<string, string>>): string {
  const values = evaluateExpression(parseExpression(expression), length, series(drawings));
  return values.map((value) => value ?? "-").join(" ");
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
  ];
  for (const [expression, drawings, result] of examples) {
    it(`evaluates ${expression} to ${result}`, () => {
      assert.equal(drawn(expression, drawings), result);
    });
  }

  it("names each series that it uses once", () => {
    assert.deepEqual(parseExpression("IF(a > 1, FILL(b, 0) / a, -c) + b").references, ["a", "b", "c"]);
    assert.deepEqual(parseExpression("IF(a, 1)").references, ["a"]);
  });

  const refusals: readonly [expression: string, message: RegExp][] = [
    ["", /Expected a number, an id, a function or '\(' but found the end in expression '' at position 1/],
    ["m1 +", /found the end in expression 'm1 \+' at position 5/],
    ["m1 m2", /Expected an operator or operand but found 'm2' in .* at position 4/],
    ["(m1", /Expected '\)' but found the end/],
    ["m1 $ 2", /Unexpected character in expression 'm1 \$ 2' at position 3/],
    ["IF(m1)", /Expected ','/],
    ["IF(m1, 1, 2, 3)", /Expected '\)'/],
    ["M1 + 1", /'M1' in expression 'M1 \+ 1' is not an id: ids begin with a small letter/],
    ["1 + 2", /yields a number, but must yield a time series/],
    ["FILL(1, m1)", /FILL fills a time series, not a number/],
    ["IF(1, 2, m1)", /IF with a number as its condition/],
    ["IF(1, m1, 2)", /IF with a number as its condition/],
  ];
  for (const [expression, message] of refusals) {
    it(`refuses '${expression}'`, () => {
      assert.throws(
        () => parseExpression(expression),
        (error: unknown) => error instanceof MetricMathError && message.test(error.message),
      );
    });
  }

  const unimplemented: readonly [expression: string, message: RegExp][] = [
    ["SUM(METRICS())", /^the function SUM in metric math$/],
    ["AVG([m1, m2])", /^the function AVG/],
    ["[m1, m2]", /^arrays of time series/],
    ["FILL(m1, REPEAT)", /^FILL with REPEAT$/],
    ["FILL(m1, LINEAR)", /^FILL with LINEAR$/],
    ["FILL(m1, m2)", /^FILL with the values of another time series$/],
    ["m1 + 'text'", /^texts in metric math$/],
    ["1 < m1 < 2", /^a chain of comparisons without parentheses, whose order AWS does not document/],
    ["m1 ^ 2 ^ 3", /^a chain of powers/],
    ["-m1 ^ 2", /^a power after a minus sign/],
  ];
  for (const [expression, message] of unimplemented) {
    it(`refuses ${expression} and names the missing feature`, () => {
      assert.throws(
        () => parseExpression(expression),
        (error: unknown) => error instanceof UnimplementedMetricMathError && message.test(error.message),
      );
    });
  }

  it("has no value if a scalar divides by zero", () => {
    assert.deepEqual(
      evaluateExpression(parseExpression("FILL(m, 1 / 0)"), 2, () => [1, absent]),
      [1, absent],
    );
  });
});
