/** Instances that only take time: tests use them instead of containers. */

import type { Clock } from "./clock.ts";
import type { Instance, InstanceLauncher, InvocationRequest, RunOutcome } from "./worker.ts";

/** Durations on the model's clock, ms, and outcomes. */
export interface LatencyModel<Request extends InvocationRequest> {
  /**
   * Returns the time from launch to in service.
   * @throws the reason of a failed start
   */
  startUp(instanceId: string): number;
  /** Returns the part of `startUp` before the container starts. @default all of it: the container is healthy at once */
  provisioning?(instanceId: string): number;
  /** Returns one run of a request. */
  run(request: Request, instanceId: string): { readonly length: number; readonly outcome?: RunOutcome };
  /** Returns the time from stop to gone, without running requests. @default 0 */
  shutDown?(instanceId: string): number;
}

/** Launches instances that take the model's times and produce no output. */
export class LatencyLauncher<Request extends InvocationRequest> implements InstanceLauncher<Request> {
  readonly #clock: Clock;
  readonly #model: LatencyModel<Request>;

  constructor(clock: Clock, model: LatencyModel<Request>) {
    this.#clock = clock;
    this.#model = model;
  }

  async launch(instanceId: string, signal: AbortSignal, onContainerStart?: () => void): Promise<Instance<Request>> {
    const startUp = this.#model.startUp(instanceId);
    const provisioning = this.#model.provisioning?.(instanceId) ?? startUp;
    await this.#wait(provisioning, signal);
    signal.throwIfAborted();
    onContainerStart?.();
    if (startUp > provisioning) await this.#wait(startUp - provisioning, signal);
    signal.throwIfAborted();
    return {
      run: async (request, abort) => {
        const { length, outcome } = this.#model.run(request, instanceId);
        await this.#wait(length, abort);
        return outcome ?? { status: "completed", timings: { model: length } };
      },
      stop: () => this.#wait(this.#model.shutDown?.(instanceId) ?? 0),
    };
  }

  #wait(length: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(this.#clock.now() + length, resolve);
      signal?.addEventListener("abort", () => {
        timer.cancel();
        resolve();
      });
    });
  }
}
