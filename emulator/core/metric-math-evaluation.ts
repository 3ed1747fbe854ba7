/** Evaluates metric math over time series, with CloudWatch's rules for missing values (user guide, "Using metric math"). */

import { MetricMathError } from "./metric-math-errors.ts";
import type { MetricSearch } from "./metric-search.ts";

/** One value per period; undefined if there is no data point. */
export type Series = readonly (number | undefined)[];

/** A member of an array of time series. */
export interface LabelledSeries {
  readonly label: string;
  readonly values: Series;
}

/** An array of time series (the guide's TS[]). */
export interface SeriesArray {
  readonly members: readonly LabelledSeries[];
}

/** A scalar (the guide's S; undefined if it has no value, such as a quotient of zero), a time series (TS), or an array. */
export type Value = number | undefined | Series | SeriesArray;

/** Shape of a value: the guide's S, TS and TS[]. */
export type Shape = "scalar" | "series" | "array";

/** Periods of an evaluation, and the values of other queries and of searches in them. */
export interface Evaluation {
  readonly length: number;
  /** Start of the first period, ms since the epoch. */
  readonly start: number;
  /** ms. */
  readonly period: number;
  /** Returns the result of another query. */
  valueOf(id: string): Series | SeriesArray;
  /** Returns the label of another query. */
  labelOf(id: string): string;
  /** Returns the found metrics, with their labels. */
  search(search: MetricSearch): readonly LabelledSeries[];
}

/** A parsed expression. */
export interface Expression {
  readonly shape: Shape;
  /** Ids of the queries whose series it uses, each once. */
  readonly references: readonly string[];
  readonly searches: readonly MetricSearch[];
  /** Id of the query, if the expression is only a reference. */
  readonly id?: string;
  /** The number, if the expression is one. */
  readonly constant?: number;
  evaluate(evaluation: Evaluation): Value;
}

/** Makes a scalar. */
export function number(value: number): Expression {
  return { shape: "scalar", references: [], searches: [], constant: value, evaluate: () => value };
}

/** Makes the result of another query. */
export function reference(id: string, shape: Shape): Expression {
  return { shape, references: [id], searches: [], id, evaluate: (evaluation) => evaluation.valueOf(id) };
}

/** Makes an expression from the values of others. */
export function combination(
  operands: readonly Expression[],
  shape: Shape,
  combined: (values: readonly Value[], evaluation: Evaluation) => Value,
): Expression {
  return {
    shape,
    references: [...new Set(operands.flatMap(({ references }) => references))],
    searches: operands.flatMap(({ searches }) => searches),
    evaluate(evaluation) {
      const values = operands.map((operand) => operand.evaluate(evaluation));
      return combined(values, evaluation);
    },
  };
}

/** A function of two numbers. */
export type Operator = (left: number, right: number) => number;

/**
 * Makes an operation on two values. "Missing values in a time series are treated as 0", and so is a comparison if "only
 * one of the time series has a value". If no series has one, there is no data point.
 * @throws MetricMathError if both are arrays
 */
export function binary(operator: Operator, left: Expression, right: Expression): Expression {
  const shapes = [left.shape, right.shape];
  if (shapes.every((shape) => shape === "array")) {
    throw new MetricMathError("An operator cannot combine two arrays of time series.");
  }
  const shape = shapes.includes("array") ? "array" : shapes.includes("series") ? "series" : "scalar";
  return combination([left, right], shape, ([first, second]) => applied(operator, first, second));
}

function applied(operator: Operator, first: Value, second: Value): Value {
  const scalar = (one: number | undefined, other: number | undefined): number | undefined => {
    // "If the value of a data point causes a function to attempt to divide by zero, the data point is dropped".
    return one === undefined || other === undefined ? undefined : finite(operator(one, other));
  };
  if (isArray(first)) return mapMembers(first, (values) => applied(operator, values, second) as Series);
  if (isArray(second)) return mapMembers(second, (values) => applied(operator, first, values) as Series);
  if (!isSeries(first)) {
    if (!isSeries(second)) return scalar(first, second);
    return second.map((value) => (value === undefined ? undefined : scalar(first, value)));
  }
  if (!isSeries(second)) return first.map((value) => (value === undefined ? undefined : scalar(value, second)));
  return first.map((value, index) => {
    const other = second[index];
    return value === undefined && other === undefined ? undefined : scalar(value ?? 0, other ?? 0);
  });
}

/**
 * Makes IF, a series: if the condition is true and the first value is missing, the result is 0. If the condition is
 * false and the second value is missing or not given, or if the condition is missing, there is no data point (the
 * guide's tables in "Using IF expressions").
 */
export function choose(condition: Expression, whenTrue: Expression, whenFalse?: Expression): Expression {
  const operands = [condition, whenTrue, ...(whenFalse === undefined ? [] : [whenFalse])];
  return combination(operands, "series", ([decisive, first, second], { length }) =>
    Array.from({ length }, (_, index) => {
      const decision = at(decisive, index);
      if (decision === undefined) return undefined;
      if (decision === 0) return at(second, index);
      const value = at(first, index);
      // If its condition is a scalar, IF returns the chosen series unchanged.
      return value === undefined && isSeries(decisive) && isSeries(first) ? 0 : value;
    }),
  );
}

/** Returns the number, or undefined if it is none that CloudWatch shows. */
export function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

/** Tells whether a value is a time series. */
export function isSeries(value: Value): value is Series {
  return Array.isArray(value);
}

/** Tells whether a value is an array of time series. */
export function isArray(value: Value): value is SeriesArray {
  return typeof value === "object" && "members" in value;
}

/** Changes the values of each member. */
export function mapMembers({ members }: SeriesArray, change: (values: Series) => Series): SeriesArray {
  return { members: members.map(({ label, values }) => ({ label, values: change(values) })) };
}

/** Returns the value in a period; a scalar has its value in each. */
export function at(value: Value, index: number): number | undefined {
  if (isArray(value)) return undefined;
  return isSeries(value) ? value[index] : value;
}

/** Evaluates an expression; a scalar has its value in each period. */
export function evaluateExpression(expression: Expression, evaluation: Evaluation): Series | SeriesArray {
  const value = expression.evaluate(evaluation);
  if (isArray(value) || isSeries(value)) return value;
  return Array.from({ length: evaluation.length }, () => value);
}
