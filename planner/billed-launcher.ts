/** Simulated instances whose time is billed. */

import type { Clock } from "../emulator/core/clock.ts";
import { LatencyLauncher } from "../emulator/core/latency-model.ts";
import type { Instance, InstanceLauncher, InvocationRequest } from "../emulator/core/worker.ts";

/** A video in the queue. */
export interface PlannedRequest extends InvocationRequest {
  /** Position in the load. */
  readonly index: number;
}

/** Options of a {@link BilledLauncher}. */
export interface BilledLauncherOptions {
  readonly clock: Clock;
  /** Returns the time from the launch until the instance accepts videos, ms; `index` is the number of earlier launches. */
  readonly startUpOf: (index: number) => number;
  /** Returns the processing time of a video, ms. */
  readonly durationOf: (index: number) => number;
  /** Returns the number of instances that AWS has at this moment. */
  readonly available: () => number;
}

/**
 * Launches instances that only take time, and adds up their time: from the launch to the termination, because AWS does
 * not say whether a starting instance is billed.
 */
export class BilledLauncher implements InstanceLauncher<PlannedRequest> {
  readonly #clock: Clock;
  readonly #inner: LatencyLauncher<PlannedRequest>;
  /** Launch of each instance that exists, ms since the epoch. */
  readonly #launched = new Map<string, number>();
  #launches = 0;
  #billed = 0;
  #busy = 0;
  #serving = 0;
  #peak = 0;

  constructor({ clock, startUpOf, durationOf, available }: BilledLauncherOptions) {
    this.#clock = clock;
    this.#inner = new LatencyLauncher(clock, {
      startUp: () => {
        if (this.#launched.size > available()) throw new Error("no capacity");
        this.#launches += 1;
        return startUpOf(this.#launches - 1);
      },
      run: ({ index }) => ({ length: durationOf(index) }),
    });
  }

  /** Instance-time so far, ms. */
  get billed(): number {
    const now = this.#clock.now();
    return [...this.#launched.values()].reduce((sum, launchedAt) => sum + now - launchedAt, this.#billed);
  }

  /** Time of the runs that have ended, also of interrupted ones, ms. */
  get busy(): number {
    return this.#busy;
  }

  /** Maximum number of instances in service so far. */
  get peak(): number {
    return this.#peak;
  }

  async launch(id: string, signal: AbortSignal): Promise<Instance<PlannedRequest>> {
    this.#launched.set(id, this.#clock.now());
    try {
      const instance = await this.#inner.launch(id, signal);
      this.#serving += 1;
      this.#peak = Math.max(this.#peak, this.#serving);
      return {
        run: async (request, abort) => {
          const start = this.#clock.now();
          const outcome = await instance.run(request, abort);
          this.#busy += this.#clock.now() - start;
          return outcome;
        },
        stop: async () => {
          await instance.stop();
          this.#serving -= 1;
          this.#end(id);
        },
      };
    } catch (error) {
      this.#end(id);
      throw error;
    }
  }

  #end(id: string): void {
    this.#billed += this.#clock.now() - (this.#launched.get(id) ?? NaN);
    this.#launched.delete(id);
  }
}
