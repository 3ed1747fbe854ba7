/** Plans a burst that was measured, from the file that `burst` writes, and compares the plan with the burst. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { describe, InvalidInputError } from "../lib/errors.ts";
import { schemaProblems } from "../lib/schema-problems.ts";
import type { Load } from "./load.ts";
import { percentilesOf, rounded } from "./percentiles.ts";
import type { Percentiles } from "./percentiles.ts";
import type { PlanResult } from "./plan.ts";
import type { SimulationOptions } from "./simulation.ts";

const seconds = z.number().nonnegative();

/** The fields of `measurements.json` that a plan needs; `client/cli/burst/measurements.ts` describes them. */
const measurementsFile = z.object({
  instanceType: z.string(),
  concurrency: z.int().positive(),
  maxCapacity: z.int().positive(),
  ttlSeconds: z.int().positive(),
  timeoutSeconds: z.int().positive(),
  phaseSeconds: z.number().nonnegative().lt(60),
  instancesBefore: z.int().nonnegative(),
  startSeconds: z.array(seconds),
  jobs: z
    .array(
      z.object({
        arrival: seconds,
        service: seconds,
        total: seconds.nullable(),
        status: z.enum(["completed", "failed", "expired", "pending"]),
      }),
    )
    .nonempty(),
  instanceHours: z.number().nonnegative().nullable(),
});

/** Result of a measured burst; the names are those of the JSON output, the meanings those of a plan's result. */
export interface MeasuredResult extends Pick<PlanResult, "drain_minutes" | "wait_seconds" | "total_seconds"> {
  /** Null if the burst was not watched until its instances had stopped. */
  readonly instance_hours: number | null;
}

/** A burst that was measured. */
export interface MeasuredBurst {
  /** Settings of the stack that the file has. */
  readonly settings: {
    readonly instanceType: string;
    readonly maxConcurrency: number;
    readonly maxCapacity: number;
    /** Seconds. */
    readonly invocationTimeout: number;
  };
  /** Maximum time in the queue, seconds. */
  readonly timeToLive: number;
  /** Median time to start an instance, minutes. */
  readonly startMinutes: number;
  readonly load: Load;
  /** The measured starts of instances, and the moment within a minute at which the burst started. */
  readonly simulation: Pick<SimulationOptions, "phase" | "startUps">;
  readonly result: MeasuredResult;
}

/**
 * Reads the measurements of a burst.
 * @throws InvalidInputError if the file is not one that `burst` wrote, or if a plan cannot describe the burst: it started
 * with instances, not all of its jobs have ended, or no start of an instance was seen
 */
export async function readBurst(file: string): Promise<MeasuredBurst> {
  const content = await readJson(file);
  const measured = measurementsFile.safeParse(content);
  if (!measured.success) {
    const problems = schemaProblems(content, measured.error);
    throw new InvalidInputError(`${file} has no measurements of a burst: ${problems}.`, { hint });
  }
  const { jobs, startSeconds, instancesBefore, phaseSeconds, instanceHours, ...stack } = measured.data;
  const refuse = (problem: string, advice: string): never => {
    throw new InvalidInputError(`The burst in ${file} cannot be planned: ${problem}.`, { hint: advice });
  };
  const pending = jobs.filter(({ total }) => total === null).length;
  if (instancesBefore > 0) {
    refuse(`it started with ${instancesBefore} instances`, "measure a burst on a stack without instances");
  }
  if (pending > 0) refuse(`${pending} of ${jobs.length} jobs had not ended`, "measure a burst until its end");
  if (startSeconds.length === 0) refuse("no start of an instance was seen", "measure a burst on an idle stack");
  const median = startSeconds.toSorted((left, right) => left - right)[Math.floor((startSeconds.length - 1) / 2)] ?? NaN;
  return {
    settings: {
      instanceType: stack.instanceType,
      maxConcurrency: stack.concurrency,
      maxCapacity: stack.maxCapacity,
      invocationTimeout: stack.timeoutSeconds,
    },
    timeToLive: stack.ttlSeconds,
    startMinutes: median / 60,
    load: {
      arrivals: Float64Array.from(jobs, ({ arrival }) => Math.round(arrival * 1_000)),
      durations: Float64Array.from(jobs, ({ service }) => Math.max(1, Math.round(service * 1_000))),
    },
    simulation: { phase: phaseSeconds * 1_000, startUps: startSeconds.map((value) => Math.round(value * 1_000)) },
    result: { ...resultOf(jobs), instance_hours: instanceHours },
  };
}

const hint = "give the file measurements.json that `npm run burst` has written";

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as unknown;
  } catch (error) {
    throw new InvalidInputError(`The measurements cannot be read from ${file}: ${describe(error)}.`, { hint });
  }
}

function resultOf(jobs: z.infer<typeof measurementsFile>["jobs"]): Omit<MeasuredResult, "instance_hours"> {
  const ends = jobs.map(({ arrival, total }) => arrival + (total ?? NaN));
  const first = jobs[0]?.arrival ?? 0;
  const drained = ends.reduce((last, end) => Math.max(last, end), first) - first;
  const completed = jobs.filter(({ status }) => status === "completed");
  const times = (of: (job: (typeof jobs)[number]) => number): Percentiles => {
    return percentilesOf(Float64Array.from(completed, (job) => of(job) * 1_000));
  };
  return {
    drain_minutes: rounded(drained / 60),
    wait_seconds: times(({ total, service }) => Math.max(0, (total ?? NaN) - service)),
    total_seconds: times(({ total }) => total ?? NaN),
  };
}
