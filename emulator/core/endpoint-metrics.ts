/**
 * Metrics that an asynchronous endpoint publishes: gauges of its queue and of its instances each minute, and the outcome
 * of each request.
 */

import type { EndpointOptions, Settlement } from "./endpoint-api.ts";
import type { EndpointAssumptions } from "./assumptions.ts";
import type { Dimensions } from "./metric-types.ts";
import type { InstanceUsage, InvocationRequest } from "./worker.ts";

type MetricSource = Pick<EndpointOptions<InvocationRequest>, "name" | "variant" | "metrics">;

/** State of the queue that the gauges show. */
export interface QueueState {
  readonly queued: number;
  readonly inProcess: number;
  /** Share of the occupied slots of each instance in service, 0 to 1. */
  readonly loads: readonly number[];
  /** Use of each instance in service, in the order of `loads`. */
  readonly usages: readonly InstanceUsage[];
  readonly starting: number;
  /** Arrival of the oldest request that the age covers, ms since the epoch. */
  readonly oldest: number | undefined;
}

const namespace = "AWS/SageMaker";
/** The namespace of the metrics that each instance publishes. */
export const instanceNamespace = "/aws/sagemaker/Endpoints";

/** Publishes the metrics that the developer guide lists in "Monitor asynchronous endpoint". */
export class EndpointMetrics {
  readonly #source: MetricSource;
  readonly #assumptions: EndpointAssumptions;
  /** Dimensions of the gauges. */
  readonly #endpoint: Dimensions;
  /** Dimensions of all other metrics. */
  readonly #variant: Dimensions;

  constructor(source: MetricSource, assumptions: EndpointAssumptions) {
    this.#source = source;
    this.#assumptions = assumptions;
    this.#endpoint = { EndpointName: source.name };
    this.#variant = { EndpointName: source.name, VariantName: source.variant };
  }

  /** Publishes the gauges of the queue and of the instances at one moment. */
  sample(timestamp: number, state: QueueState): void {
    this.#sampleQueue(timestamp, state);
    this.#sampleInstances(timestamp, state);
  }

  /** Publishes the gauges of the queue; their only dimension is EndpointName. */
  #sampleQueue(timestamp: number, { queued, inProcess, loads, starting, oldest }: QueueState): void {
    const inService = loads.length;
    const backlog = queued + inProcess;
    if (backlog === 0 && !this.#assumptions.gaugesWhileIdle) return;
    const gauge = (name: string, value: number, unit = "None"): void => {
      this.#source.metrics.put({ namespace, name, dimensions: this.#endpoint, timestamp, value, unit });
    };
    gauge("ApproximateBacklogSize", backlog, "Count");
    const atZero = this.#assumptions.backlogPerInstanceAtZero;
    if (inService > 0 || atZero === "undivided" || (atZero === "undivided-while-backlog" && backlog > 0)) {
      gauge("ApproximateBacklogSizePerInstance", backlog / Math.max(1, inService), "Count");
    }
    gauge("ApproximateAgeOfOldestRequest", oldest === undefined ? 0 : (timestamp - oldest) / 1_000, "Seconds");
    const capacity = inService + (this.#assumptions.startingCountsAsCapacity ? starting : 0);
    gauge("HasBacklogWithoutCapacity", queued > 0 && capacity === 0 ? 1 : 0);
  }

  /**
   * Publishes a datapoint of each metric for each instance, so that the SampleCount of CPUUtilization is their number
   * (developer guide, "Monitor SageMaker with CloudWatch"). If an instance does not measure its processors, as models of
   * instances do not, the value is the share of its occupied slots.
   */
  #sampleInstances(timestamp: number, { loads, usages }: QueueState): void {
    const put = (name: string, value: number | undefined): void => {
      if (value === undefined) return;
      const id = { namespace: instanceNamespace, name, dimensions: this.#variant };
      this.#source.metrics.put({ ...id, timestamp, value, unit: "Percent" });
    };
    for (const [index, load] of loads.entries()) {
      const { cpu = load * 100, memory, disk, gpu, gpuMemory } = usages[index] ?? {};
      put("CPUUtilization", cpu);
      put("MemoryUtilization", memory);
      put("DiskUtilization", disk);
      put("GPUUtilization", gpu);
      put("GPUMemoryUtilization", gpuMemory);
    }
  }

  /** Publishes the wait of a request whose first run starts after `waited` ms in the queue. */
  started(timestamp: number, waited: number): void {
    const unit = this.#assumptions.timeInBacklogUnit;
    this.#put(timestamp, "TimeInBacklog", unit === "Milliseconds" ? waited : waited * 1_000, unit);
  }

  /** Publishes the metrics of a request that has ended `elapsed` ms after it was received. */
  settled(timestamp: number, settlement: Settlement, elapsed: number): void {
    const count = (name: string): void => {
      this.#put(timestamp, name, 1, "Count");
    };
    const latency = (name: string, length: number | undefined): void => {
      if (length !== undefined) this.#put(timestamp, name, length * 1_000, "Microseconds");
    };
    if (settlement.status === "failed" && settlement.cause === "expired") {
      count("ExpiredRequests");
      return;
    }
    count(this.#assumptions.processedMetricName);
    this.#put(timestamp, "TotalProcessingTime", elapsed, "Milliseconds");
    latency("RequestDownloadLatency", settlement.timings.download);
    latency("ModelLatency", settlement.timings.model);
    latency("ResponseUploadLatency", settlement.timings.upload);
    if (settlement.status === "completed") return;
    count("InvocationFailures");
    if (settlement.stage === "download") count("RequestDownloadFailures");
    if (settlement.stage === "upload") count("ResponseUploadFailures");
    const hundreds = Math.floor((settlement.modelStatus ?? 0) / 100);
    if (hundreds === 4) count("Invocation4XXErrors");
    if (hundreds === 5) count("Invocation5XXErrors");
  }

  #put(timestamp: number, name: string, value: number, unit: string): void {
    this.#source.metrics.put({ namespace, name, dimensions: this.#variant, timestamp, value, unit });
  }
}
