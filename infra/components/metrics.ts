/** The metrics of an asynchronous endpoint: which there are, and which dimensions each has. */

/** SageMaker publishes these with the dimension EndpointName alone: with a variant's name there is no data. */
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

/** The namespace of all but the instances' own metrics. */
export const namespace = "AWS/SageMaker";
/** The namespace of what each instance says about itself once a minute: CPU, memory, GPU. */
export const hostNamespace = "/aws/sagemaker/Endpoints";

/** A metric that tells of the queue. */
export function queueMetric(metricName: EndpointMetric) {
  return { namespace, metricName };
}

/** A metric that tells of the requests that a variant dealt with. */
export function requestMetric(metricName: VariantMetric) {
  return { namespace, metricName };
}
