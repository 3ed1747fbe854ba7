/** Types of metrics: identities, units, values and statistics. */

/** Pairs of name and value that distinguish metrics of one name; their order does not matter. */
export type Dimensions = Readonly<Record<string, string>>;

/** Identity of a metric: namespace, name and all dimensions. */
export interface MetricId {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Dimensions;
}

/** Several samples in one, as CloudWatch's StatisticSet. */
export interface StatisticSet {
  readonly sampleCount: number;
  readonly sum: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** One value or set at a moment, ms since the epoch; `unit` is one of CloudWatch's StandardUnit, "None" if not given. */
export interface MetricDatum extends MetricId {
  readonly timestamp: number;
  readonly value: number | StatisticSet;
  readonly unit?: string;
}

/** Accepts metric data. */
export interface MetricSink {
  put(datum: MetricDatum): void;
}
