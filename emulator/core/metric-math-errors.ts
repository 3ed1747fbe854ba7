/** Refusals of expressions. */

/** An expression that CloudWatch does not accept. */
export class MetricMathError extends Error {
  override readonly name: string = "MetricMathError";
}

/** A part of metric math that is not implemented; the message names it. */
export class UnimplementedMetricMathError extends Error {
  override readonly name = "UnimplementedMetricMathError";
}
