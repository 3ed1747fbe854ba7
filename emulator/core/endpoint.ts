/**
 * An asynchronous endpoint as a state machine: requests wait in a queue, instances start and stop, each request ends
 * exactly once.
 */

import type { Timer } from "./clock.ts";
import { DeploymentFailedError, EndpointBusyError, EndpointGoneError, ScalingFailedError } from "./endpoint-api.ts";
import type { Baking, Capacity, EndpointOptions, EndpointState, Fleet, Settlement } from "./endpoint-api.ts";
import { EndpointMetrics } from "./endpoint-metrics.ts";
import { InstanceFleet } from "./fleet.ts";
import { RequestQueue } from "./request-queue.ts";
import type { Job } from "./request-queue.ts";
import type { RunEnd } from "./running-instance.ts";
import { defaultEndpointAssumptions } from "./assumptions.ts";
import type { EndpointAssumptions } from "./assumptions.ts";
import type { InvocationRequest } from "./worker.ts";

/**
 * Interval between two samples of the gauges, ms; AWS publishes the metrics of an asynchronous endpoint each minute.
 */
const samplePeriod = 60_000;

/** Interval between two checks for an objection to an update, ms; alarms are evaluated each minute. */
const bakingPeriod = 60_000;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** State machine of an asynchronous endpoint: queues requests, runs them on its instances, updates and scales its fleets. */
export class AsyncEndpoint<Request extends InvocationRequest> {
  readonly #options: EndpointOptions<Request>;
  readonly #assumptions: EndpointAssumptions;
  readonly #metrics: EndpointMetrics;
  readonly #queue: RequestQueue<Request>;
  readonly #inProcess = new Set<Job<Request>>();
  readonly #fleets = new Set<InstanceFleet<Request>>();
  #serving: InstanceFleet<Request> | undefined;
  #state: EndpointState = "creating";
  #deployed = false;
  #desired = 0;
  #instances = 0;
  #sampling: Timer | undefined;
  #deletion: Promise<void> | undefined;

  constructor(options: EndpointOptions<Request>) {
    this.#options = options;
    this.#assumptions = { ...defaultEndpointAssumptions, ...options.assumptions };
    this.#metrics = new EndpointMetrics(options, this.#assumptions);
    this.#queue = new RequestQueue(options.clock, (job) => {
      const waited = `${job.request.ttl / 1_000} seconds`;
      this.#fail(job, "expired", `The request expired: it was not processed within ${waited} of its arrival.`);
    });
  }

  get state(): EndpointState {
    return this.#state;
  }

  /** Number of instances in service. */
  get currentCount(): number {
    return this.#serving?.inService ?? 0;
  }

  get desiredCount(): number {
    return this.#desired;
  }

  get capacity(): Capacity {
    const fleets = [...this.#fleets];
    return {
      current: this.currentCount,
      desired: this.#desired,
      starting: fleets.reduce((sum, { starting }) => sum + starting, 0),
      stopping: fleets.reduce((sum, { stopping }) => sum + stopping, 0),
    };
  }

  /** Number of requests that wait in the queue. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Number of requests that an instance is processing. */
  get inProcess(): number {
    return this.#inProcess.size;
  }

  /** Number of requests that are queued or in process. */
  get backlog(): number {
    return this.queued + this.inProcess;
  }

  /** Tells whether something is under way: a request, or a change of the endpoint or of its instances. */
  get isBusy(): boolean {
    const { current, desired, starting, stopping } = this.capacity;
    const isStable = this.#state === "in-service" ? current === desired : ["failed", "deleted"].includes(this.#state);
    return !isStable || this.backlog > 0 || starting + stopping > 0;
  }

  /**
   * Creates (first call) or updates the endpoint. An update starts the whole new fleet first, then hands it the queue,
   * and stops the old one after the baking, or returns the queue to it if there is an objection. Resolves when the
   * endpoint is in service again. Rejects with `EndpointBusyError` unless the state is `creating` (before the first
   * call) or `in-service`, and with `DeploymentFailedError` if an instance does not start, or for an objection: a new
   * endpoint is then `failed`, an updated one keeps its old fleet.
   */
  async deploy(fleet: Fleet<Request>, baking?: Baking): Promise<void> {
    const isUpdate = this.#deployed;
    if (isUpdate ? this.#state !== "in-service" : this.#state !== "creating") {
      throw new EndpointBusyError(this.#options.arn, this.#state);
    }
    this.#deployed = true;
    if (isUpdate) this.#setState("updating");
    else this.#desired = fleet.initialCount;
    const next = this.#newFleet(fleet);
    try {
      await next.startAll(fleet.initialCount);
    } catch (error) {
      this.#fleets.delete(next);
      if (!this.#isLeaving()) this.#setState(isUpdate ? "in-service" : "failed");
      throw new DeploymentFailedError(messageOf(error), { cause: error });
    }
    if (this.#isLeaving()) throw this.#gone();
    await this.#switchTo(next, fleet.initialCount, baking);
  }

  /**
   * Puts a request into the queue.
   * @throws {EndpointGoneError} once the endpoint is being deleted
   */
  enqueue(request: Request): void {
    if (this.#isLeaving()) throw this.#gone();
    const repeats = { serverError: 0, timeout: 0, interruption: 0 };
    this.#queue.push({ request, repeats, firstStart: undefined });
    this.#dispatch();
  }

  /**
   * Sets the desired number of instances. Resolves when that many are in service; rejects with `EndpointBusyError`
   * unless the state is `in-service`, and with `ScalingFailedError` if instances do not start after all attempts (the
   * desired number then is the current one).
   */
  async setDesired(count: number): Promise<void> {
    const fleet = this.#serving;
    if (this.#state !== "in-service" || fleet === undefined) {
      throw new EndpointBusyError(this.#options.arn, this.#state);
    }
    if (count === this.#desired) return;
    this.#desired = count;
    this.#setState("scaling");
    try {
      await fleet.resize(count);
    } catch (error) {
      this.#desired = fleet.inService + fleet.starting;
      throw new ScalingFailedError(messageOf(error), { cause: error });
    } finally {
      if (!this.#isLeaving()) this.#setState("in-service");
    }
  }

  /** Ends everything at once, in any state; resolves when no instance is left. Later calls return the same promise. */
  delete(): Promise<void> {
    this.#deletion ??= this.#delete();
    return this.#deletion;
  }

  async #delete(): Promise<void> {
    this.#setState("deleting");
    this.#sampling?.cancel();
    this.#desired = 0;
    const abandoned = [...this.#queue.clear(), ...this.#inProcess];
    if (this.#assumptions.atDeletion === "fail") {
      for (const job of abandoned) this.#fail(job, "deleted", "The endpoint was deleted before the request was done.");
    }
    this.#inProcess.clear();
    await Promise.all([...this.#fleets].map((fleet) => fleet.retire(0)));
    this.#setState("deleted");
  }

  /** Hands the queue to the new fleet; then stops the old one or, after an objection, the new one. */
  async #switchTo(next: InstanceFleet<Request>, count: number, baking: Baking | undefined): Promise<void> {
    const previous = this.#serving;
    const before = this.#desired;
    this.#serve(next, count);
    let objection: string | undefined;
    if (previous === undefined) this.#sampleAtEndOf(Math.floor(this.#now / samplePeriod) * samplePeriod);
    else {
      objection = await this.#bake(baking);
      if (objection !== undefined) this.#serve(previous, before);
      const retired = objection === undefined ? previous : next;
      await retired.retire(this.#assumptions.stopGrace);
      this.#fleets.delete(retired);
    }
    if (this.#isLeaving()) throw this.#gone();
    this.#setState("in-service");
    if (objection !== undefined) throw new DeploymentFailedError(objection);
  }

  /** Gives a fleet the queue. */
  #serve(fleet: InstanceFleet<Request>, count: number): void {
    this.#serving = fleet;
    this.#desired = count;
    this.#dispatch();
  }

  /** Waits until the baking ends, or there is an objection, which it returns. */
  async #bake(baking: Baking | undefined): Promise<string | undefined> {
    if (baking === undefined) return undefined;
    const end = this.#now + baking.duration;
    for (;;) {
      if (this.#isLeaving()) return undefined;
      const objection = baking.objection();
      if (objection !== undefined || this.#now >= end) return objection;
      const next = Math.min(this.#now + bakingPeriod, end);
      await new Promise<void>((resolve) => this.#options.clock.setTimer(next, resolve));
    }
  }

  #newFleet(fleet: Fleet<Request>): InstanceFleet<Request> {
    const created = new InstanceFleet({
      fleet,
      variant: this.#options.variant,
      clock: this.#options.clock,
      assumptions: this.#assumptions,
      nextId: () => {
        this.#instances += 1;
        return `${this.#options.variant}-${this.#instances}`;
      },
      events: {
        onRunEnd: (job, end) => {
          this.#runEnded(job, end);
        },
        onChange: () => {
          this.#dispatch();
        },
      },
    });
    this.#fleets.add(created);
    return created;
  }

  #dispatch(): void {
    for (;;) {
      const instance = this.#isLeaving() ? undefined : this.#serving?.leastBusy();
      const job = instance === undefined ? undefined : this.#queue.take();
      if (instance === undefined || job === undefined) return;
      if (job.firstStart === undefined) {
        job.firstStart = this.#now;
        this.#metrics.started(this.#now, this.#now - job.request.receivedAt);
      }
      this.#inProcess.add(job);
      this.#options.listener?.onStarted?.(job.request, instance.id);
      instance.run(job);
    }
  }

  #runEnded(job: Job<Request>, end: RunEnd): void {
    if (!this.#inProcess.delete(job)) return;
    switch (end.kind) {
      case "interrupted":
        if (this.#assumptions.interrupted === "requeue" && this.#repeat(job, "interruption")) return;
        this.#fail(job, "interrupted", `The request was not done: ${end.reason}.`);
        return;
      case "timeout":
        if (this.#repeat(job, "timeout")) return;
        this.#fail(job, "timeout", `The model did not answer within ${job.request.timeout / 1_000} seconds.`);
        return;
      case "outcome":
        if (end.outcome.status === "completed") this.#settle(job, end.outcome);
        else if ((end.outcome.modelStatus ?? 0) < 500 || !this.#repeat(job, "serverError")) {
          this.#settle(job, { ...end.outcome, cause: "model" });
        }
    }
  }

  /** Requeues the request unless it has been repeated as often as allowed for this reason. */
  #repeat(job: Job<Request>, reason: keyof Job<Request>["repeats"]): boolean {
    const allowed = {
      interruption: this.#assumptions.repeatsAfterInterruption,
      serverError: this.#assumptions.retriesAfterServerError,
      timeout: this.#assumptions.retriesAfterTimeout,
    };
    if (job.repeats[reason] >= allowed[reason]) return false;
    job.repeats[reason] += 1;
    this.#queue.giveBack(job);
    return true;
  }

  #fail(job: Job<Request>, cause: "timeout" | "interrupted" | "expired" | "deleted", reason: string): void {
    this.#settle(job, { status: "failed", cause, reason, timings: {} });
  }

  #settle(job: Job<Request>, settlement: Settlement): void {
    this.#metrics.settled(this.#now, settlement, this.#now - job.request.receivedAt);
    this.#options.listener?.onSettled?.(job.request, settlement);
  }

  #sampleAtEndOf(minute: number): void {
    // The minute's last moment, so that an alarm that evaluates the minute afterwards finds its datapoint.
    const at = minute + samplePeriod - 1;
    this.#sampling = this.#options.clock.setTimer(at, () => {
      this.#metrics.sample(at, {
        queued: this.queued,
        inProcess: this.inProcess,
        loads: this.#serving?.loads ?? [],
        usages: this.#serving?.usages() ?? [],
        starting: this.capacity.starting,
        oldest: this.#oldest(),
      });
      this.#sampleAtEndOf(minute + samplePeriod);
    });
  }

  #oldest(): number | undefined {
    const queued = this.#queue.oldest();
    if (this.#assumptions.oldestRequestAmong === "queued") return queued;
    const received = [...this.#inProcess].map(({ request }) => request.receivedAt);
    const oldest = Math.min(queued ?? Infinity, ...received);
    return Number.isFinite(oldest) ? oldest : undefined;
  }

  #setState(state: EndpointState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.listener?.onState?.(state);
  }

  #isLeaving(): boolean {
    return this.#state === "deleting" || this.#state === "deleted";
  }

  #gone(): EndpointGoneError {
    return new EndpointGoneError(`Endpoint "${this.#options.name}" is being deleted or was deleted.`);
  }

  get #now(): number {
    return this.#options.clock.now();
  }
}
