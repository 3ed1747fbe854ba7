/** The metrics of an asynchronous endpoint and their dimensions. */

/** SageMaker publishes these only with the dimension EndpointName. A query with a variant's name returns no data. */
type EndpointMetric =
  | "ApproximateAgeOfOldestRequest"
  | "ApproximateBacklogSize"
  | "ApproximateBacklogSizePerInstance"
  | "HasBacklogWithoutCapacity";

/** SageMaker publishes these with EndpointName and VariantName. */
type VariantMetric =
  | "ExpiredRequests"
  | "Invocation5XXErrors"
  | "InvocationFailures"
  | "InvocationsProcessed"
  | "InvocationsProcesssed"
  | "ModelLatency"
  | "TimeInBacklog"
  | "TotalProcessingTime";

/** An endpoint's variant. */
export interface VariantNames<Name> {
  readonly endpointName: Name;
  readonly variantName: Name;
}

/** The namespace of all metrics except the instances' own. */
export const namespace = "AWS/SageMaker";
/** The namespace of the metrics that each instance publishes once a minute: CPU, memory, GPU. */
export const hostNamespace = "/aws/sagemaker/Endpoints";

/** Returns a metric of the queue. */
export function queueMetric<Name>(metricName: EndpointMetric, endpoint: { readonly endpointName: Name }) {
  return { namespace, metricName, dimensions: { EndpointName: endpoint.endpointName } };
}

/** Returns a metric of the requests that a variant processed. */
export function requestMetric<Name>(metricName: VariantMetric, variant: VariantNames<Name>) {
  return { namespace, metricName, dimensions: variantDimensions(variant) };
}

/** Returns the dimensions of a metric that SageMaker publishes per variant. */
export function variantDimensions<Name>({ endpointName, variantName }: VariantNames<Name>) {
  return { EndpointName: endpointName, VariantName: variantName };
}

/** A metric, or an expression over other queries. */
export interface MetricQuery<Name> {
  /** Name of the query in expressions. */
  readonly id: string;
  /** Metric math over other queries. */
  readonly expression?: string;
  /** Label of the result. */
  readonly label?: string;
  /** True for the query that the alarm evaluates. */
  readonly returnData?: boolean;
  /** Metric, with its period in seconds. */
  readonly metric?: {
    readonly namespace: string;
    readonly metricName: string;
    readonly dimensions: Record<string, Name>;
    readonly stat: string;
    readonly period: number;
  };
}
