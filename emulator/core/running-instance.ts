/** An instance in service: its runs, their ends, and its stop. */

import type { Clock } from "./clock.ts";
import type { Job } from "./request-queue.ts";
import type { Instance, InstanceUsage, InvocationRequest, RunOutcome } from "./worker.ts";

/** End of one run of a request: completed, timed out, or interrupted because its instance stopped. */
export type RunEnd =
  | { readonly kind: "outcome"; readonly outcome: RunOutcome }
  | { readonly kind: "timeout" }
  | { readonly kind: "interrupted"; readonly reason: string };

/** Receiver of an instance's reports. */
export interface InstanceEvents<Request extends InvocationRequest> {
  /** Called once at the end of each run that was started. */
  onRunEnd(job: Job<Request>, end: RunEnd): void;
  /** Called when a slot has become free. */
  onChange(): void;
}

/** An instance that has started and accepts requests. */
export class RunningInstance<Request extends InvocationRequest> {
  readonly id: string;
  readonly #instance: Instance<Request>;
  readonly #clock: Clock;
  readonly #events: InstanceEvents<Request>;
  readonly #runs = new Map<Job<Request>, (end: RunEnd) => void>();
  /** Runs whose worker has not finished yet: a run that has timed out still occupies its slot. */
  #occupied = 0;
  #drained: (() => void) | undefined;

  constructor(id: string, instance: Instance<Request>, clock: Clock, events: InstanceEvents<Request>) {
    this.id = id;
    this.#instance = instance;
    this.#clock = clock;
    this.#events = events;
  }

  /** Returns the number of occupied slots. */
  get occupied(): number {
    return this.#occupied;
  }

  /** Measures the use of the instance's resources. */
  usage(): InstanceUsage {
    return this.#instance.usage?.() ?? {};
  }

  run(job: Job<Request>): void {
    const abort = new AbortController();
    const release = this.#clock.hold();
    const end = (result: RunEnd): void => {
      // An earlier run of the same request that has timed out may finish while the next one is under way.
      if (this.#runs.get(job) !== end) return;
      this.#runs.delete(job);
      timer.cancel();
      release();
      if (result.kind !== "outcome") abort.abort();
      this.#events.onRunEnd(job, result);
      if (this.#runs.size === 0) this.#drained?.();
    };
    const timer = this.#clock.setTimer(this.#clock.now() + job.request.timeout, () => {
      end({ kind: "timeout" });
    });
    this.#runs.set(job, end);
    this.#occupied += 1;
    void this.#work(job.request, abort.signal).then((outcome) => {
      this.#occupied -= 1;
      end({ kind: "outcome", outcome });
      this.#events.onChange();
    });
  }

  /** Lets the runs end for up to `grace` ms, interrupts the rest, ends the instance. */
  async stop(grace: number, reason = `instance ${this.id} was stopped before the request was done`): Promise<void> {
    if (this.#runs.size > 0 && grace > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.setTimer(this.#clock.now() + grace, resolve);
        this.#drained = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    for (const end of [...this.#runs.values()]) end({ kind: "interrupted", reason });
    await this.#instance.stop();
  }

  async #work(request: Request, signal: AbortSignal): Promise<RunOutcome> {
    try {
      return await this.#instance.run(request, signal);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { status: "failed", reason, timings: {} };
    }
  }
}
