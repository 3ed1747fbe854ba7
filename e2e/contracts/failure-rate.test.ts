/** Evaluates the metric queries of the failure rate alarm with the emulator, for given numbers of requests. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { MetricQueries } from "../../emulator/core/metric-queries.ts";
import type { MetricDataQuery } from "../../emulator/core/metric-queries.ts";
import { MetricStore } from "../../emulator/core/metrics.ts";
import { VirtualClock } from "../../emulator/core/virtual-clock.ts";
import { defaults } from "../../infra/defaults.ts";
import { failureRateQueries, failureRateWindow } from "../../infra/failure-rate.ts";

const namespace = "AWS/SageMaker";
const variant = { endpointName: "detector", variantName: "AllTraffic" };
const dimensions = { EndpointName: variant.endpointName, VariantName: variant.variantName };
const period = failureRateWindow * 1_000;

/** SageMaker's counts within the alarm's window, by metric; an absent metric has no data. */
type Counts = Readonly<
  Partial<
    Record<"InvocationFailures" | "InvocationsProcessed" | "InvocationsProcesssed" | "Invocation4XXErrors", number>
  >
>;

/** Returns the failure rate (0 to 1) that the alarm compares with its limit. */
function rateOf(counts: Counts): number | undefined {
  const store = new MetricStore(new VirtualClock(period));
  for (const [name, value] of Object.entries(counts)) store.put({ namespace, name, dimensions, timestamp: 0, value });
  const queries = failureRateQueries(variant, defaults.failureRateMinRequests).map((query): MetricDataQuery => {
    const { id, expression = "", metric, returnData: isReturned = false } = query;
    if (metric === undefined) return { id, isReturned, source: expression };
    const name = metric.metricName;
    return { id, isReturned, source: { metric: { namespace, name, dimensions }, statistic: "Sum", period } };
  });
  return new MetricQueries(queries).points("rate", store, { start: 0, end: period })[0]?.value;
}

describe("the failure rate", () => {
  const cases: readonly [title: string, counts: Counts, rate: number][] = [
    ["is 0 without any data", {}, 0],
    ["is 0 for the smoke test's good video and bad file", { InvocationsProcessed: 2, InvocationFailures: 1 }, 0],
    ["is 0 if all of four videos fail", { InvocationsProcessed: 4, InvocationFailures: 4 }, 0],
    ["is 1 if all of five videos fail", { InvocationsProcessed: 5, InvocationFailures: 5 }, 1],
    ["is 0.2, at the limit, if one of five videos fails", { InvocationsProcessed: 5, InvocationFailures: 1 }, 0.2],
    ["is 0.4, above the limit, if two of five videos fail", { InvocationsProcessed: 5, InvocationFailures: 2 }, 0.4],
    ["is 0 if no video fails and the failure metric has no data", { InvocationsProcessed: 90 }, 0],
    [
      "is the same if SageMaker spells the metric InvocationsProcesssed",
      { InvocationsProcesssed: 5, InvocationFailures: 2 },
      0.4,
    ],
    ["is 1 if SageMaker counts no failure as processed", { InvocationFailures: 5 }, 1],
  ];
  for (const [title, counts, rate] of cases) {
    it(title, () => {
      assert.equal(rateOf(counts), rate);
    });
  }
});
