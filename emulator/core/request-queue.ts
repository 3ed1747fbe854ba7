/** The queue of an asynchronous endpoint: first in, first out, each request only as long as it may wait. */

import type { Clock, Timer } from "./clock.ts";
import type { InvocationRequest } from "./worker.ts";

/** A request on its way through the machine. */
export interface Job<Request extends InvocationRequest> {
  readonly request: Request;
  /** How often its runs have ended so far that it was queued again, by what ended them. */
  readonly repeats: { serverError: number; timeout: number; interruption: number };
  /** When its first run began, ms since the epoch. */
  firstStart: number | undefined;
}

export class RequestQueue<Request extends InvocationRequest> {
  readonly #clock: Clock;
  readonly #onExpired: (job: Job<Request>) => void;
  /** Requests that come back, ahead of all others. */
  readonly #returned = new Map<Job<Request>, Timer>();
  readonly #waiting = new Map<Job<Request>, Timer>();

  /** @param onExpired Is told of each request whose time to live ended in the queue; never within `push` or `giveBack`. */
  constructor(clock: Clock, onExpired: (job: Job<Request>) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#returned.size + this.#waiting.size;
  }

  push(job: Job<Request>): void {
    this.#add(this.#waiting, job);
  }

  /** Queues a request again, ahead of those that have not run yet. */
  giveBack(job: Job<Request>): void {
    this.#add(this.#returned, job);
  }

  /** Takes the next request out. */
  take(): Job<Request> | undefined {
    const lane = this.#returned.size > 0 ? this.#returned : this.#waiting;
    const [next] = lane;
    if (next === undefined) return undefined;
    const [job, timer] = next;
    timer.cancel();
    lane.delete(job);
    return job;
  }

  /** When the oldest of the waiting requests was received. */
  oldest(): number | undefined {
    let oldest: number | undefined;
    for (const lane of [this.#returned, this.#waiting]) {
      for (const { request } of lane.keys()) oldest = Math.min(oldest ?? Infinity, request.receivedAt);
    }
    return oldest;
  }

  /** Takes all requests out, in order. */
  clear(): Job<Request>[] {
    const jobs: Job<Request>[] = [];
    for (let job = this.take(); job !== undefined; job = this.take()) jobs.push(job);
    return jobs;
  }

  #add(lane: Map<Job<Request>, Timer>, job: Job<Request>): void {
    const timer = this.#clock.setTimer(job.request.receivedAt + job.request.ttl, () => {
      lane.delete(job);
      this.#onExpired(job);
    });
    lane.set(job, timer);
  }
}
