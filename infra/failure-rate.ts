/** The share of failed videos, as metric math. */
import type * as pulumi from "@pulumi/pulumi";
import { requestMetric } from "./endpoint-metrics.ts";
import type { MetricQuery, VariantNames } from "./endpoint-metrics.ts";

/** Window in seconds: the default time limit of one video, so that slow videos are counted together. */
export const failureRateWindow = 900;

/**
 * Returns queries whose result is failed / processed videos, or 0 if fewer than `minRequests` were processed.
 *
 * The developer guide ("Monitor asynchronous endpoint") spells InvocationsProcessed with three s, and does not say if it includes
 * failures. The queries are correct in each case. A metric without data counts as 0.
 */
export function failureRateQueries(
  variant: VariantNames<pulumi.Input<string>>,
  minRequests: number,
): MetricQuery<pulumi.Input<string>>[] {
  const count = (id: string, name: Parameters<typeof requestMetric>[0]): MetricQuery<pulumi.Input<string>> => {
    return { id, metric: { ...requestMetric(name, variant), stat: "Sum", period: failureRateWindow } };
  };
  return [
    {
      id: "rate",
      expression: `IF(requests >= ${minRequests}, failures / requests, 0)`,
      label: "failed",
      returnData: true,
    },
    { id: "requests", expression: "IF(processed > failures, processed, failures)" },
    { id: "processed", expression: "FILL(counted, 0) + FILL(countedAsDocumented, 0)" },
    { id: "failures", expression: "FILL(failed, 0)" },
    count("failed", "InvocationFailures"),
    count("counted", "InvocationsProcessed"),
    count("countedAsDocumented", "InvocationsProcesssed"),
  ];
}
