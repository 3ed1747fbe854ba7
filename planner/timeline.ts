/** Records a simulation minute by minute, for charts. */

import type { Settlement } from "../emulator/core/endpoint-api.ts";
import type { Load } from "./load.ts";
import type { PlanSettings } from "./settings.ts";
import { simulate } from "./simulation.ts";
import type { SimulationObserver, SimulationOptions } from "./simulation.ts";

/** One minute of a simulation. */
export interface TimelineMinute {
  /** Maximum number of videos that wait or are processed. */
  readonly backlog: number;
  /** Instances in service at the end. */
  readonly instances: number;
  /** Videos completed. */
  readonly completed: number;
  /** Videos that started for the first time. */
  readonly started: number;
  /** Sum of their times in the queue, seconds. */
  readonly waited: number;
  /** Price of the instances since the start of the load, at the end, USD. */
  readonly usd: number;
}

/** Simulates a load on an idle stack and returns its minutes, from the start of the load. */
export async function timelineOf(
  settings: PlanSettings,
  load: Load,
  options: SimulationOptions = {},
): Promise<readonly TimelineMinute[]> {
  const recorder = new Recorder(load, settings.price);
  await simulate(settings, load, { ...options, observer: recorder });
  return recorder.minutes;
}

class Recorder implements SimulationObserver {
  readonly minutes: TimelineMinute[] = [];
  readonly #arrivals: Float64Array;
  readonly #price: number;
  /** One for each video that has started. */
  readonly #hasStarted: Uint8Array;
  #backlog = 0;
  #maxBacklog = 0;
  #completed = 0;
  #started = 0;
  #waited = 0;

  constructor({ arrivals }: Load, price: number) {
    this.#arrivals = arrivals;
    this.#price = price;
    this.#hasStarted = new Uint8Array(arrivals.length);
  }

  onArrived(): void {
    this.#backlog += 1;
    this.#maxBacklog = Math.max(this.#maxBacklog, this.#backlog);
  }

  onStarted(index: number, at: number): void {
    if (this.#hasStarted[index] === 1) return;
    this.#hasStarted[index] = 1;
    this.#started += 1;
    this.#waited += (at - (this.#arrivals[index] ?? NaN)) / 1_000;
  }

  onSettled(_: number, __: number, { status }: Settlement): void {
    this.#backlog -= 1;
    if (status === "completed") this.#completed += 1;
  }

  onMinute(instances: number, billed: number): void {
    this.minutes.push({
      backlog: this.#maxBacklog,
      instances,
      completed: this.#completed,
      started: this.#started,
      waited: this.#waited,
      usd: (billed / 3_600_000) * this.#price,
    });
    this.#maxBacklog = this.#backlog;
    [this.#completed, this.#started, this.#waited] = [0, 0, 0];
  }
}
