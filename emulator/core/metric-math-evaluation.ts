/** Evaluates metric math over time series, with CloudWatch's rules for missing values (user guide, "Using metric math"). */

/** One value per period; undefined if there is no data point. */
export type Series = readonly (number | undefined)[];

/** A scalar is undefined if it is the quotient of a division by zero. */
type Value = number | undefined | Series;

/** A parsed expression. */
export interface Expression {
  /** Shape of the result: a time series, or a scalar (the guide's TS and S). */
  readonly isSeries: boolean;
  /** Ids of the queries whose series it uses, each once. */
  readonly references: readonly string[];
  /** Evaluates it over `length` periods; `seriesOf` returns the series of other queries over the same periods. */
  evaluate(length: number, seriesOf: (id: string) => Series): Value;
}

/** Makes a scalar. */
export function number(value: number): Expression {
  return { isSeries: false, references: [], evaluate: () => value };
}

/** Makes the series of another query. */
export function reference(id: string): Expression {
  return { isSeries: true, references: [id], evaluate: (_length, seriesOf) => seriesOf(id) };
}

/** Makes an expression from the values of others; by default a series if one of them is one. */
function combination(
  operands: readonly Expression[],
  combined: (values: readonly Value[], length: number) => Value,
  isSeries = operands.some((operand) => operand.isSeries),
): Expression {
  return {
    isSeries,
    references: [...new Set(operands.flatMap(({ references }) => references))],
    evaluate(length, seriesOf) {
      const values = operands.map((operand) => operand.evaluate(length, seriesOf));
      return combined(values, length);
    },
  };
}

/** A function of two numbers. */
export type Operator = (left: number, right: number) => number;

/**
 * Makes an operation on two values. "Missing values in a time series are treated as 0", and so is a comparison if "only
 * one of the time series has a value". If no series has one, there is no data point.
 */
export function binary(operator: Operator, left: Expression, right: Expression): Expression {
  const scalar = (one: number | undefined, other: number | undefined): number | undefined => {
    const value = one === undefined || other === undefined ? undefined : operator(one, other);
    // "If the value of a data point causes a function to attempt to divide by zero, the data point is dropped".
    return Number.isFinite(value) ? value : undefined;
  };
  return combination([left, right], ([first, second]) => {
    if (!isSeries(first)) {
      if (!isSeries(second)) return scalar(first, second);
      return second.map((value) => (value === undefined ? undefined : scalar(first, value)));
    }
    if (!isSeries(second)) return first.map((value) => (value === undefined ? undefined : scalar(value, second)));
    return first.map((value, index) => {
      const other = second[index];
      return value === undefined && other === undefined ? undefined : scalar(value ?? 0, other ?? 0);
    });
  });
}

/** Makes FILL: a series whose missing values are `filler`, a scalar. */
export function fill(series: Expression, filler: Expression): Expression {
  return combination([series, filler], ([points, value]) => {
    return isSeries(points) && !isSeries(value) ? points.map((point) => point ?? value) : points;
  });
}

/**
 * Makes IF, a series: if the condition is true and the first value is missing, the result is 0. If the condition is
 * false and the second value is missing or not given, or if the condition is missing, there is no data point (the
 * guide's tables in "Using IF expressions").
 */
export function choose(condition: Expression, whenTrue: Expression, whenFalse?: Expression): Expression {
  const operands = [condition, whenTrue, ...(whenFalse === undefined ? [] : [whenFalse])];
  const chosen = ([decisive, first, second]: readonly Value[], length: number): Series =>
    Array.from({ length }, (_, index) => {
      const decision = at(decisive, index);
      if (decision === undefined) return undefined;
      if (decision === 0) return at(second, index);
      const value = at(first, index);
      // If its condition is a scalar, IF returns the chosen series unchanged.
      return value === undefined && isSeries(decisive) && isSeries(first) ? 0 : value;
    });
  return combination(operands, chosen, true);
}

function isSeries(value: Value): value is Series {
  return typeof value === "object";
}

function at(value: Value, index: number): number | undefined {
  return isSeries(value) ? value[index] : value;
}

/** Evaluates an expression; a scalar has its value in each period. */
export function evaluateExpression(expression: Expression, length: number, seriesOf: (id: string) => Series): Series {
  const value = expression.evaluate(length, seriesOf);
  return isSeries(value) ? value : Array.from({ length }, () => value);
}
