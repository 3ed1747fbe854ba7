/** The vocabulary of metrics: identities, units, values and statistics. */

/** Name and value pairs that tell metrics of one name apart; order means nothing. */
export type Dimensions = Readonly<Record<string, string>>;

/** What a metric is: two metrics are the same if namespace, name and all dimensions are. */
export interface MetricId {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Dimensions;
}

/** CloudWatch's statistics that need no percentiles. */
export type Statistic = "Average" | "Sum" | "Minimum" | "Maximum" | "SampleCount";

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

/** Takes metric data. */
export interface MetricSink {
  put(datum: MetricDatum): void;
}
