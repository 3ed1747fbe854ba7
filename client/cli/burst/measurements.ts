/** Measurements of a burst, for `plan --from-burst`: arrivals, ends, processing times, and starts of instances. */
import { minuteMs, minuteOf } from "../../src/minutes.ts";
import { sumOf } from "./figures.ts";
import type { Durations, EndpointMetrics, Series } from "./metrics.ts";
import type { BurstJob, BurstRun, InstanceSample } from "./run.ts";

/** Measured job; all times are seconds on the stack clock. */
export interface MeasuredJob {
  /** From the start of the burst to the acceptance. */
  readonly arrival: number;
  /** Time that it occupied an instance: the average of the requests that ended in the same minute. */
  readonly service: number;
  /** From acceptance to end; null if the end was not seen. */
  readonly total: number | null;
  readonly status: "completed" | "failed" | "expired" | "pending";
}

/** Measurements of a burst: the content of `measurements.json`, which `planner/burst.ts` reads. */
export interface Measurements extends Pick<BurstRun, "name" | "environment" | "instanceType" | "concurrency"> {
  readonly maxCapacity: number;
  readonly ttlSeconds: number;
  readonly timeoutSeconds: number;
  /** From the start of a minute, in which metrics are published, to the start of the burst, seconds. */
  readonly phaseSeconds: number;
  /** Number of instances before the burst. */
  readonly instancesBefore: number;
  /** Time from the request of each instance until it was in service, or no longer wanted, in the order of these ends. */
  readonly startSeconds: readonly number[];
  /** In the order of their acceptance. */
  readonly jobs: readonly MeasuredJob[];
  /** From the request of the instances until they stopped; null if the burst was not watched until zero instances. */
  readonly instanceHours: number | null;
}

/** Combines the observations of the client, whose resolution is that of its polls, with the metrics of each minute. */
export function measurementsOf(run: BurstRun, metrics: EndpointMetrics): Measurements {
  const { name, environment, instanceType, concurrency, maxCapacity, instances } = run;
  const startedAt = run.startedAt.getTime();
  const services = serviceSeconds(metrics);
  const average = services.reduce((sum, value) => sum + value, 0) / Math.max(1, services.length);
  const totals = totalSeconds(run, metrics.total);
  const jobs = run.jobs.toSorted((left, right) => left.acceptedAt - right.acceptedAt);
  return {
    ...{ name, environment, instanceType, concurrency, maxCapacity },
    ttlSeconds: jobs[0]?.ttlSeconds ?? 0,
    timeoutSeconds: jobs[0]?.timeoutSeconds ?? 0,
    phaseSeconds: (startedAt - minuteOf(startedAt)) / 1_000,
    instancesBefore: Math.max(instances[0]?.current ?? 0, instances[0]?.desired ?? 0),
    startSeconds: startSeconds(instances, metrics.instances),
    jobs: jobs.map((job, index) => ({
      arrival: Math.max(0, job.acceptedAt - startedAt) / 1_000,
      service: services[index] ?? average,
      total: totals.get(job) ?? null,
      status: job.end?.status ?? "pending",
    })),
    instanceHours: instanceHours(instances, metrics.instances),
  };
}

/**
 * Returns the time from acceptance to end of each job, seconds. An end lies between the observation that shows it and the
 * one before, which is long before on the emulator: its clock runs fast after the last end. The sum and the maximum of a
 * minute's times are exact, so each of its ends moves back by the same share of the time between its observations, and no
 * time is longer than the maximum: on a busy machine, an end is seen later than at the next observation.
 */
function totalSeconds({ jobs, instances: samples }: BurstRun, { count, sum, max }: Durations): Map<BurstJob, number> {
  const ended = jobs.flatMap((job) => (job.end === undefined ? [] : [{ job, seenAt: job.end.seenAt }]));
  ended.sort((left, right) => left.seenAt - right.seenAt);
  const before = new Map(samples.map(({ at }, index) => [at, samples[index - 1]?.at ?? at]));
  const totals = new Map<BurstJob, number>();
  const note = (group: typeof ended, exact?: number, most = Infinity): void => {
    const spans = group.map(({ job, seenAt }) => ({
      job,
      latest: Math.min(most, (seenAt - job.acceptedAt) / 1_000),
      width: (seenAt - Math.max(job.acceptedAt, before.get(seenAt) ?? seenAt)) / 1_000,
    }));
    const excess = exact === undefined ? 0 : spans.reduce((total, { latest }) => total + latest, 0) - exact;
    const width = spans.reduce((total, span) => total + span.width, 0);
    const share = width === 0 ? 0 : Math.min(1, Math.max(0, excess / width));
    for (const span of spans) totals.set(span.job, Math.max(0, span.latest - share * span.width));
  };
  let from = 0;
  for (const [index, { value }] of count.entries()) {
    note(ended.slice(from, from + value), sum[index]?.value, max[index]?.value);
    from += value;
  }
  note(ended.slice(from));
  return totals;
}

/** Returns the time that each request occupied an instance, seconds, in the order of their ends. */
function serviceSeconds({ inModel, inBacklog, total }: EndpointMetrics): number[] {
  const mean = ({ sum, count }: Durations): number => sumOf(sum) / Math.max(1, sumOf(count));
  // Download, upload, and the steps between them.
  const other = Math.max(0, mean(total) - mean(inBacklog) - mean(inModel));
  return inModel.count.flatMap(({ value: count }, index) => {
    const sum = inModel.sum[index]?.value ?? 0;
    return Array.from({ length: count }, () => sum / count + other);
  });
}

/**
 * Returns the time of each start that was seen from the request on, seconds. An instance that was no longer wanted before
 * it was in service has the time until then. One that stopped before the next sample has started by the end of the first
 * minute that counts it.
 */
function startSeconds(samples: readonly InstanceSample[], minutes: Series): number[] {
  const requested: number[] = [];
  const starts: number[] = [];
  let before = samples[0]?.current ?? 0;
  for (const { at, current, desired } of samples) {
    const starting = Math.max(0, desired - current);
    const ended = Math.max(current - before, requested.length - starting, 0);
    for (const [index, start] of requested.splice(0, ended).entries()) {
      const counts = ({ minute, value }: Series[number]) => minute + minuteMs > start && value > before + index;
      const counted = (minutes.find(counts)?.minute ?? Infinity) + minuteMs;
      starts.push((Math.min(at, counted) - start) / 1_000);
    }
    while (requested.length < starting) requested.push(at);
    before = current;
  }
  return starts;
}

/**
 * Returns the time of the instances in service or requested, hours; null if there are some at the end. An instance that
 * two samples show to have stopped between them has stopped at the end of the last minute that counts it.
 */
function instanceHours(samples: readonly InstanceSample[], minutes: Series): number | null {
  const numberOf = (sample: InstanceSample): number => Math.max(sample.current, sample.desired);
  const last = samples.at(-1);
  if (last === undefined || numberOf(last) > 0) return null;
  let time = 0;
  for (const [index, sample] of samples.entries()) {
    const before = samples[index - 1];
    if (before === undefined) continue;
    const rest = Math.min(numberOf(before), numberOf(sample));
    time += rest * (sample.at - before.at);
    for (let level = rest + 1; level <= numberOf(before); level += 1) {
      const ends = minutes.flatMap(({ minute, value }) => (value >= level ? [minute + minuteMs] : []));
      const end = Math.max(before.at, ...ends.filter((moment) => moment <= sample.at));
      time += end - before.at;
    }
  }
  return time / 3_600_000;
}
