/** The endpoint's instances, and how long a finished job's parts took by the service's own metrics. */
import { GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import { DescribeEndpointCommand } from "@aws-sdk/client-sagemaker";
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

/**
 * Waits until the endpoint is in service with exactly `count` instances, none coming or going; returns what was seen
 * last, which is something else if the caller's limit came first.
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
    options,
  );
}

/** How long a job's parts took on the service's clock, seconds; a part without a metric is absent. */
export interface Timings {
  readonly backlogSeconds?: number;
  readonly modelSeconds?: number;
  /** From acceptance to the end of the job. */
  readonly totalSeconds?: number;
}

/** The metrics and how many of their units make a second (developer guide, "Monitor asynchronous endpoint"). */
const timingMetrics = {
  backlogSeconds: { metric: "TimeInBacklog", perSecond: 1e3 },
  modelSeconds: { metric: "ModelLatency", perSecond: 1e6 },
  totalSeconds: { metric: "TotalProcessingTime", perSecond: 1e3 },
} as const;

/**
 * Reads a finished job's timings, and waits for them: metrics come a minute or two after the job. They are averages
 * over all jobs that ended since this one was submitted, so they are this job's own only if it was alone.
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
    options,
  );
}

async function readSeconds(
  stack: Stack,
  job: Job,
  end: Date,
  name: keyof Timings,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const { metric, perSecond } = timingMetrics[name];
  const start = Date.parse(job.submittedAt);
  const answer = await stack.cloudwatch.send(
    new GetMetricStatisticsCommand({
      Namespace: "AWS/SageMaker",
      MetricName: metric,
      Dimensions: [
        { Name: "EndpointName", Value: stack.outputs.endpointName },
        { Name: "VariantName", Value: stack.outputs.variantName },
      ],
      StartTime: new Date(Math.floor(start / 60_000) * 60_000),
      EndTime: new Date((Math.floor(end.getTime() / 60_000) + 1) * 60_000),
      Period: 60,
      Statistics: ["Sum", "SampleCount"],
    }),
    signal === undefined ? {} : { abortSignal: signal },
  );
  let sum = 0;
  let count = 0;
  for (const { Sum = 0, SampleCount = 0 } of answer.Datapoints ?? []) {
    sum += Sum;
    count += SampleCount;
  }
  return count === 0 ? undefined : sum / count / perSecond;
}
