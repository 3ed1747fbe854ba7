/** Computes how long a load takes on a stack, and what it costs. */

import type { Settlement } from "../emulator/core/endpoint-api.ts";
import { InvalidInputError } from "../lib/errors.ts";
import type { Load } from "./load.ts";
import { percentilesOf, rounded } from "./percentiles.ts";
import type { Percentiles } from "./percentiles.ts";
import type { PlanSettings } from "./settings.ts";
import { simulate } from "./simulation.ts";
import type { SimulationOptions } from "./simulation.ts";

/** Result of a plan; the names are those of the JSON output. */
export interface PlanResult {
  /** Number of videos. */
  readonly requests: number;
  /** Number of runs: a video that is interrupted runs again. */
  readonly runs: number;
  /** Number of runs that a stopping instance interrupted. */
  readonly interrupted_expected: number;
  /** Completed videos per minute, from the first start of a video to the last end. */
  readonly throughput_per_minute: number;
  /** Time from the first arrival to the end of the last video. */
  readonly drain_minutes: number;
  /** Time in the queue of the video that started last. */
  readonly last_wait_seconds: number;
  /** Time in the queue before a video's first start. */
  readonly wait_seconds: Percentiles;
  /** Time from arrival to end of the completed videos. */
  readonly total_seconds: Percentiles;
  /** Number of videos that expired in the queue. */
  readonly expired: number;
  /** Maximum number of instances in service. */
  readonly instances_peak: number;
  /** Number of instances when the simulation ends: once the instances have stopped, or three hours after the last video. */
  readonly instances_end: number;
  /** From launch to termination. */
  readonly instance_hours: number;
  /** Share of the instances' slots that ran videos, 0 to 1. */
  readonly utilisation: number;
  /** Price of the instance-hours. */
  readonly usd: number;
  /** Price divided by the completed videos. */
  readonly usd_per_video: number;
  /** Price of the maximum number of instances from the first arrival to the end of the last video. */
  readonly usd_always_on: number;
}

/**
 * Simulates a load on an idle stack.
 * @throws InvalidInputError if videos take longer than the time limit of a run
 */
export async function plan(settings: PlanSettings, load: Load, options: SimulationOptions = {}): Promise<PlanResult> {
  checkDurations(settings, load);
  const statistics = new Statistics(load);
  const end = await simulate(settings, load, { ...options, observer: statistics });
  const { requests, completed } = statistics;
  const hours = end.billed / 3_600_000;
  const firstArrival = load.arrivals[0] ?? 0;
  const drained = end.drained - firstArrival;
  const usd = hours * settings.price;
  return {
    requests,
    runs: statistics.runs,
    interrupted_expected: statistics.runs - statistics.finishedRuns,
    throughput_per_minute: rounded((completed * 60_000) / (end.drained - statistics.firstStart)),
    drain_minutes: rounded(drained / 60_000),
    last_wait_seconds: rounded(statistics.lastWait / 1_000),
    wait_seconds: percentilesOf(statistics.waits),
    total_seconds: percentilesOf(statistics.totals),
    expired: statistics.expired,
    instances_peak: end.peak,
    instances_end: end.instances,
    instance_hours: rounded(hours),
    utilisation: rounded(end.busy / (end.billed * settings.maxConcurrency)),
    usd: rounded(usd),
    usd_per_video: rounded(usd / completed, 5),
    usd_always_on: rounded(((settings.maxCapacity * drained) / 3_600_000) * settings.price),
  };
}

function checkDurations({ invocationTimeout }: PlanSettings, { durations }: Load): void {
  let [count, longest] = [0, 0];
  for (const duration of durations) {
    if (duration > invocationTimeout * 1_000) count += 1;
    longest = Math.max(longest, duration / 1_000);
  }
  if (count === 0) return;
  const which = count === durations.length ? "All videos" : `${count} of ${durations.length} videos`;
  throw new InvalidInputError(
    `${which} take longer than the time limit of a run, ${invocationTimeout} s: the longest takes ${Math.ceil(longest)} s.`,
    {
      hint: "raise the limit with --timeout, at most 3600, and the stack's setting invocationTimeout, or shorten --seconds",
    },
  );
}

/** Counts the events of a simulation. All times are in ms. */
class Statistics {
  readonly requests: number;
  /** Time in the queue before the first run; NaN without a run. */
  readonly waits: Float64Array;
  /** Time from arrival to end; NaN unless completed. */
  readonly totals: Float64Array;
  runs = 0;
  /** Runs that were not interrupted. */
  finishedRuns = 0;
  completed = 0;
  expired = 0;
  firstStart = NaN;
  /** Time in the queue of the video that started last. */
  lastWait = 0;
  readonly #arrivals: Float64Array;

  constructor({ arrivals }: Load) {
    this.#arrivals = arrivals;
    this.requests = arrivals.length;
    this.waits = new Float64Array(arrivals.length).fill(NaN);
    this.totals = new Float64Array(arrivals.length).fill(NaN);
  }

  onStarted(index: number, at: number): void {
    if (this.runs === 0) this.firstStart = at;
    this.runs += 1;
    if (!Number.isNaN(this.waits[index])) return;
    this.lastWait = at - (this.#arrivals[index] ?? NaN);
    this.waits[index] = this.lastWait;
  }

  onSettled(index: number, at: number, settlement: Settlement): void {
    if (settlement.status === "completed") {
      this.completed += 1;
      this.totals[index] = at - (this.#arrivals[index] ?? NaN);
    } else if (settlement.cause === "expired") this.expired += 1;
    const isFinished = settlement.status === "completed" || ["model", "timeout"].includes(settlement.cause);
    if (isFinished) this.finishedRuns += 1;
  }
}
