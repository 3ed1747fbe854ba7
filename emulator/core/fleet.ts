/** The instances of one endpoint configuration: starts, replaces and stops them, and tells the least busy one. */

import type { Clock, Timer } from "./clock.ts";
import { defaultStartupTimeout, StartupTimeoutError } from "./endpoint-api.ts";
import type { Fleet } from "./endpoint-api.ts";
import { RunningInstance } from "./running-instance.ts";
import type { InstanceEvents } from "./running-instance.ts";
import type { EndpointAssumptions } from "./assumptions.ts";
import type { Instance, InstanceUsage, InvocationRequest } from "./worker.ts";

/** Maximum back-off, ms. */
const longestBackoff = 600_000;

/** Options of an {@link InstanceFleet}. */
export interface FleetOptions<Request extends InvocationRequest> {
  readonly fleet: Fleet<Request>;
  /** Name of the production variant. */
  readonly variant: string;
  readonly clock: Clock;
  readonly assumptions: EndpointAssumptions;
  /** Called at the end of each run, and on each change of the number of instances or of free slots. */
  readonly events: InstanceEvents<Request>;
  readonly nextId: () => string;
}

/** Launches of one scale-out that serve together or not at all. */
class LaunchGroup {
  readonly #aborts = new Set<AbortController>();
  readonly #complete = Promise.withResolvers<undefined>();
  #missing: number;

  constructor(size: number) {
    this.#missing = size;
  }

  join(abort: AbortController): void {
    this.#aborts.add(abort);
  }

  /** Resolves when every launch of the group has an instance, or `signal` aborts. */
  async started(signal: AbortSignal): Promise<void> {
    this.#missing -= 1;
    if (this.#missing === 0) this.#complete.resolve(undefined);
    signal.addEventListener("abort", () => {
      this.#complete.resolve(undefined);
    });
    await this.#complete.promise;
  }

  /** Aborts all launches of the group. */
  fail(): void {
    for (const abort of this.#aborts) abort.abort();
  }
}

/** The instances of one endpoint configuration. */
export class InstanceFleet<Request extends InvocationRequest> {
  readonly #options: FleetOptions<Request>;
  readonly #inService = new Set<RunningInstance<Request>>();
  readonly #launches = new Map<AbortController, Promise<void>>();
  readonly #stops = new Set<Promise<void>>();
  #retired = false;

  constructor(options: FleetOptions<Request>) {
    this.#options = options;
  }

  get inService(): number {
    return this.#inService.size;
  }

  /** Share of the occupied slots of each instance in service, 0 to 1. */
  get loads(): number[] {
    return [...this.#inService].map(({ occupied }) => Math.min(1, occupied / this.#options.fleet.concurrency));
  }

  /** Measures the use of each instance in service, in the order of `loads`. */
  usages(): InstanceUsage[] {
    return [...this.#inService].map((instance) => instance.usage());
  }

  get starting(): number {
    return this.#launches.size;
  }

  get stopping(): number {
    return this.#stops.size;
  }

  /** Returns the least busy instance in service that has a free slot. */
  leastBusy(): RunningInstance<Request> | undefined {
    const free = [...this.#inService].filter(({ occupied }) => occupied < this.#options.fleet.concurrency);
    return this.#fewest(free);
  }

  /** Starts `count` instances, each tried once; if one does not start, none is left and its reason is thrown. */
  async startAll(count: number): Promise<void> {
    const launches = Array.from({ length: count }, () => this.#launch(1));
    try {
      await Promise.all(launches);
    } catch (error) {
      await this.retire(0);
      throw error;
    }
  }

  /**
   * Starts or stops instances until there are `count`. If some do not start, the reason is thrown, and those that did
   * stay in service or are stopped, too, as `partialCapacity` says. Calls must not overlap.
   */
  async resize(count: number): Promise<void> {
    const changes: Promise<void>[] = [];
    let missing = count - this.inService - this.starting;
    for (const [abort, launch] of [...this.#launches].slice(0, Math.max(0, -missing))) {
      abort.abort();
      changes.push(launch);
      missing += 1;
    }
    for (; missing < 0; missing += 1) {
      const instance = this.#fewest([...this.#inService]);
      if (instance !== undefined) changes.push(this.#stop(instance, this.#options.assumptions.stopGrace));
    }
    const { launchAttempts, partialCapacity } = this.#options.assumptions;
    const group = partialCapacity === "none" ? new LaunchGroup(missing) : undefined;
    for (; missing > 0; missing -= 1) changes.push(this.#launch(launchAttempts, group));
    const results = await Promise.allSettled(changes);
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** Stops all instances and starts no more. */
  async retire(grace: number): Promise<void> {
    this.#retired = true;
    for (const abort of this.#launches.keys()) abort.abort();
    for (const instance of [...this.#inService]) void this.#stop(instance, grace);
    while (this.#launches.size + this.#stops.size > 0) {
      await Promise.allSettled([...this.#launches.values(), ...this.#stops]);
    }
  }

  #fewest(instances: readonly RunningInstance<Request>[]): RunningInstance<Request> | undefined {
    return instances.toSorted((left, right) => left.occupied - right.occupied)[0];
  }

  /** Starts one instance; rejects with the last attempt's reason, or resolves if it is no longer wanted. */
  #launch(attempts: number, group?: LaunchGroup): Promise<void> {
    const abort = new AbortController();
    group?.join(abort);
    const launch = this.#attempt(attempts, abort, group).finally(() => {
      this.#launches.delete(abort);
      this.#options.events.onChange();
    });
    this.#launches.set(abort, launch);
    this.#options.events.onChange();
    return launch;
  }

  async #attempt(attempts: number, abort: AbortController, group?: LaunchGroup): Promise<void> {
    const { clock, assumptions, nextId } = this.#options;
    const { signal } = abort;
    const isUnwanted = (): boolean => signal.aborted;
    let pause = assumptions.launchBackoff;
    for (let attempt = 1; !isUnwanted(); attempt += 1) {
      const release = clock.hold();
      try {
        const id = nextId();
        const instance = await this.#start(id, signal);
        await group?.started(signal);
        if (isUnwanted()) await instance.stop();
        else this.#serve(id, instance, abort);
        return;
      } catch (error) {
        if (isUnwanted()) return;
        if (attempt >= attempts) {
          group?.fail();
          throw error;
        }
      } finally {
        release();
      }
      await this.#pause(pause, signal);
      pause = Math.min(2 * pause, longestBackoff);
    }
  }

  /** Launches an instance and aborts the launch if its container does not become healthy in time. */
  async #start(id: string, signal: AbortSignal): Promise<Instance<Request>> {
    const { clock, fleet, variant } = this.#options;
    const { launcher, startupTimeout = defaultStartupTimeout } = fleet;
    const late = new AbortController();
    let timer: Timer | undefined;
    const onContainerStart = (): void => {
      timer ??= clock.setTimer(clock.now() + startupTimeout, () => {
        late.abort(new StartupTimeoutError(startupTimeout));
      });
    };
    try {
      const instance = await launcher.launch(id, AbortSignal.any([signal, late.signal]), onContainerStart);
      if (late.signal.aborted) await instance.stop();
      late.signal.throwIfAborted();
      return instance;
    } catch (error) {
      if (timer === undefined) throw error;
      // AWS's message for every container that fails before it is healthy (for example aws/sagemaker-python-sdk, issue
      // 793).
      const words = `The primary container for production variant ${variant} did not pass the ping health check. Please check CloudWatch logs for this endpoint.`;
      throw new Error(`${words} ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    } finally {
      timer?.cancel();
    }
  }

  #pause(length: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const timer = clock.setTimer(clock.now() + length, resolve);
      signal.addEventListener("abort", () => {
        timer.cancel();
        resolve();
      });
    });
  }

  #serve(id: string, instance: Instance<Request>, launch: AbortController): void {
    const { clock, events } = this.#options;
    const running = new RunningInstance(id, instance, clock, events);
    this.#launches.delete(launch);
    this.#inService.add(running);
    void instance.lost?.then((reason) => {
      this.#replace(running, reason);
    });
  }

  #replace(instance: RunningInstance<Request>, reason: string): void {
    if (!this.#inService.has(instance)) return;
    const stopped = this.#stop(instance, 0, `instance ${instance.id} ended unexpectedly: ${reason}`);
    if (this.#retired) return;
    // Its successor waits until the instance is gone completely: the two may need the same port or accelerator.
    void stopped.then(() => (this.#retired ? undefined : this.#launch(Infinity)));
  }

  #stop(instance: RunningInstance<Request>, grace: number, reason?: string): Promise<void> {
    const release = this.#options.clock.hold();
    this.#inService.delete(instance);
    const stop = instance.stop(grace, reason).finally(() => {
      this.#stops.delete(stop);
      release();
      this.#options.events.onChange();
    });
    this.#stops.add(stop);
    this.#options.events.onChange();
    return stop;
  }
}
