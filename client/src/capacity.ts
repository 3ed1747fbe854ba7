/** Reads the endpoint's instances and the durations of a finished job's steps from the service's metrics. */
import { DescribeEndpointCommand } from "@aws-sdk/client-sagemaker";
import { readDurations } from "./durations.ts";
import type { DurationMetric } from "./durations.ts";
import { poll } from "./poll.ts";
import type { PollOptions } from "./poll.ts";
import { SetupError } from "./errors.ts";
import type { Stack } from "./stack.ts";
import type { Job } from "./submit.ts";

/** State of the endpoint. */
export interface Capacity {
  /** SageMaker's endpoint status: InService, Updating while it scales, … */
  readonly status: string;
  /** Instances in service. */
  readonly current: number;
  /** Instances that the autoscaler has requested. */
  readonly desired: number;
}

/** Describes the endpoint. */
export async function readCapacity(stack: Stack, signal?: AbortSignal): Promise<Capacity> {
  const { endpointName, variantName } = stack.outputs;
  const endpoint = await stack.sagemaker.send(
    new DescribeEndpointCommand({ EndpointName: endpointName }),
    signal === undefined ? {} : { abortSignal: signal },
  );
  const variant = endpoint.ProductionVariants?.find(({ VariantName }) => VariantName === variantName);
  const status = endpoint.EndpointStatus ?? "Unknown";
  // A failed or partly created endpoint may show no variant yet.
  return { status, current: variant?.CurrentInstanceCount ?? 0, desired: variant?.DesiredInstanceCount ?? 0 };
}

/**
 * Real seconds that an endpoint may take to start or remove its instances. Target tracking needs at least 15 quiet minutes; 25 were
 * observed.
 */
export const instancesLimitSeconds = 45 * 60;

/** Real seconds to wait for a finished job's metrics: CloudWatch has them a minute or two after the job. */
const metricsLimitSeconds = 300;

/**
 * Waits until the endpoint is in service with exactly `count` instances and none is starting or stopping. Returns the
 * last observed state, which is a different one if the limit came first (by default {@link instancesLimitSeconds}).
 * @throws SetupError if the endpoint has failed
 */
export async function waitForInstances(
  stack: Stack,
  count: number,
  options: PollOptions<Capacity> = {},
): Promise<Capacity> {
  return await poll(
    async () => {
      const capacity = await readCapacity(stack, options.signal);
      if (capacity.status === "Failed") {
        throw new SetupError(
          `Endpoint ${stack.outputs.endpointName} has failed: see its FailureReason and its log /aws/sagemaker/Endpoints/${stack.outputs.endpointName}.`,
        );
      }
      return capacity;
    },
    ({ status, current, desired }) => status === "InService" && current === count && desired === count,
    { ...options, limitSeconds: options.limitSeconds ?? instancesLimitSeconds },
  );
}

/** Durations of a job's steps on the service's clock, seconds; a step without a metric is absent. */
export interface Timings {
  readonly backlogSeconds?: number;
  readonly modelSeconds?: number;
  /** From acceptance to the end of the job. */
  readonly totalSeconds?: number;
}

const timingMetrics: Readonly<Record<keyof Timings, DurationMetric>> = {
  backlogSeconds: "TimeInBacklog",
  modelSeconds: "ModelLatency",
  totalSeconds: "TotalProcessingTime",
};

/**
 * Waits for a finished job's metrics, which come a minute or two after the job, and reads its durations. They are
 * averages over all jobs that ended since this one was submitted, so they describe this job only if no other one ran.
 * @throws ServiceAnswerError if a metric's unit is not known
 */
export async function readTimings(stack: Stack, job: Job, options: PollOptions<Timings> = {}): Promise<Timings> {
  const names = Object.keys(timingMetrics) as (keyof Timings)[];
  return await poll(
    async () => {
      const end = await stack.clock.now();
      const entries = await Promise.all(
        names.map(async (name) => [name, await readSeconds(stack, job, end, name, options.signal)] as const),
      );
      const timings: Timings = Object.fromEntries(entries.filter(([, seconds]) => seconds !== undefined));
      return timings;
    },
    (timings) => names.every((name) => timings[name] !== undefined),
    { ...options, limitSeconds: options.limitSeconds ?? metricsLimitSeconds },
  );
}

async function readSeconds(
  stack: Stack,
  job: Job,
  end: Date,
  name: keyof Timings,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const minutes = await readDurations(stack, timingMetrics[name], { start: new Date(job.submittedAt), end }, signal);
  const total = (of: "count" | "sum"): number => minutes.reduce((sum, minute) => sum + minute[of], 0);
  return total("count") === 0 ? undefined : total("sum") / total("count");
}
