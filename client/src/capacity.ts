/** The endpoint's instances, and how long a finished job's parts took by the service's own metrics. */
import { DescribeEndpointCommand } from "@aws-sdk/client-sagemaker";
import { readDurations } from "./durations.ts";
import type { DurationMetric } from "./durations.ts";
import { poll } from "./poll.ts";
import type { PollOptions } from "./poll.ts";
import { SetupError } from "./errors.ts";
import type { Stack } from "./stack.ts";
import type { Job } from "./submit.ts";

/** The endpoint as it stands. */
export interface Capacity {
  /** SageMaker's endpoint status: InService, Updating while it scales, … */
  readonly status: string;
  /** Instances that can take work. */
  readonly current: number;
  /** Instances that the autoscaler asked for. */
  readonly desired: number;
}

/** Looks at the endpoint. */
export async function readCapacity(stack: Stack, signal?: AbortSignal): Promise<Capacity> {
  const { endpointName, variantName } = stack.outputs;
  const endpoint = await stack.sagemaker.send(
    new DescribeEndpointCommand({ EndpointName: endpointName }),
    signal === undefined ? {} : { abortSignal: signal },
  );
  const variant = endpoint.ProductionVariants?.find(({ VariantName }) => VariantName === variantName);
  const status = endpoint.EndpointStatus ?? "Unknown";
  // A failed or half-made endpoint may show no variant yet.
  return { status, current: variant?.CurrentInstanceCount ?? 0, desired: variant?.DesiredInstanceCount ?? 0 };
}

/** Real seconds in which an endpoint starts or gives back its instances: 15 quiet minutes and more; 25 were seen. */
export const INSTANCES_LIMIT_SECONDS = 45 * 60;

/** Real seconds in which CloudWatch has a finished job's metrics: they come a minute or two after it. */
const METRICS_LIMIT_SECONDS = 300;

/**
 * Waits until the endpoint is in service with exactly `count` instances, none coming or going; returns what was seen
 * last, which is something else if the limit came first (by default {@link INSTANCES_LIMIT_SECONDS}).
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
    { ...options, limitSeconds: options.limitSeconds ?? INSTANCES_LIMIT_SECONDS },
  );
}

/** How long a job's parts took on the service's clock, seconds; a part without a metric is absent. */
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
 * Reads a finished job's timings, and waits for them: metrics come a minute or two after the job. They are averages
 * over all jobs that ended since this one was submitted, so they are this job's own only if it was alone.
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
    { ...options, limitSeconds: options.limitSeconds ?? METRICS_LIMIT_SECONDS },
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
