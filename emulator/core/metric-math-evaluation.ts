/** Evaluates metric math over time series, with CloudWatch's rules for missing values (user guide, "Using metric math"). */

import type { Expression, Operator } from "./metric-math.ts";

/** One value per period; undefined if there is no data point. */
export type Series = readonly (number | undefined)[];

/** A scalar is undefined if it is the quotient of a division by zero. */
type Value = number | undefined | Series;

const truth = (is: boolean): number => (is ? 1 : 0);

const operations: Readonly<Record<Operator, (left: number, right: number) => number>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "^": (left, right) => left ** right,
  "==": (left, right) => truth(left === right),
  "!=": (left, right) => truth(left !== right),
  "<=": (left, right) => truth(left <= right),
  ">=": (left, right) => truth(left >= right),
  "<": (left, right) => truth(left < right),
  ">": (left, right) => truth(left > right),
  AND: (left, right) => truth(left !== 0 && right !== 0),
  OR: (left, right) => truth(left !== 0 || right !== 0),
};

function isSeries(value: Value): value is Series {
  return typeof value === "object";
}

/**
 * Drops values that are not finite: "If the value of a data point causes a function to attempt to divide by zero, the
 * data point is dropped".
 */
function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

/**
 * Combines two values. "Missing values in a time series are treated as 0", and so is a comparison if "only one of the
 * time series has a value". If no series has one, there is no data point.
 */
function combine(operator: Operator, left: Value, right: Value): Value {
  const operation = operations[operator];
  const scalar = (one: number | undefined, other: number | undefined): number | undefined =>
    one === undefined || other === undefined ? undefined : finite(operation(one, other));
  if (!isSeries(left)) {
    if (!isSeries(right)) return scalar(left, right);
    return right.map((value) => (value === undefined ? undefined : scalar(left, value)));
  }
  if (!isSeries(right)) return left.map((value) => (value === undefined ? undefined : scalar(value, right)));
  return left.map((value, index) => {
    const other = right[index];
    return value === undefined && other === undefined ? undefined : scalar(value ?? 0, other ?? 0);
  });
}

/**
 * Evaluates IF: if the condition is true and the first value is missing, the result is 0. If the condition is false and
 * the second value is missing or not given, or if the condition is missing, there is no data point (the guide's tables
 * in "Using IF expressions").
 */
function choose(condition: Value, whenTrue: Value, whenFalse: Value, length: number): Series {
  const at = (value: Value, index: number): number | undefined => (isSeries(value) ? value[index] : value);
  return Array.from({ length }, (_, index) => {
    const decisive = at(condition, index);
    if (decisive === undefined) return undefined;
    if (decisive === 0) return at(whenFalse, index);
    const value = at(whenTrue, index);
    // If its condition is a scalar, IF returns the chosen series unchanged.
    return value === undefined && isSeries(condition) && isSeries(whenTrue) ? 0 : value;
  });
}

function valueOf(expression: Expression, length: number, seriesOf: (id: string) => Series): Value {
  const value = (part: Expression): Value => valueOf(part, length, seriesOf);
  switch (expression.kind) {
    case "number":
      return expression.value;
    case "reference":
      return seriesOf(expression.id);
    case "negation":
      return combine("-", 0, value(expression.operand));
    case "binary":
      return combine(expression.operator, value(expression.left), value(expression.right));
    case "fill": {
      const [series, filler] = [value(expression.series), value(expression.filler)];
      return isSeries(series) && !isSeries(filler) ? series.map((point) => point ?? filler) : series;
    }
    case "if": {
      const whenFalse = expression.whenFalse === undefined ? undefined : value(expression.whenFalse);
      return choose(value(expression.condition), value(expression.whenTrue), whenFalse, length);
    }
  }
}

/**
 * Evaluates an expression from `parseExpression` over `length` periods; `seriesOf` returns the series of other queries
 * over the same periods.
 */
export function evaluateExpression(expression: Expression, length: number, seriesOf: (id: string) => Series): Series {
  const value = valueOf(expression, length, seriesOf);
  return isSeries(value) ? value : Array.from({ length }, () => value);
}
