/** The queue of an asynchronous endpoint: first in, first out; each request expires after its time to live. */

import type { Clock, Timer } from "./clock.ts";
import type { InvocationRequest } from "./worker.ts";

/** A request in the state machine. */
export interface Job<Request extends InvocationRequest> {
  readonly request: Request;
  /** Number of its repetitions so far, by reason. */
  readonly repeats: { serverError: number; timeout: number; interruption: number };
  /** Start of its first run, ms since the epoch. */
  firstStart: number | undefined;
}

/** A queue of requests that expire after their time to live. */
export class RequestQueue<Request extends InvocationRequest> {
  readonly #clock: Clock;
  readonly #onExpired: (job: Job<Request>) => void;
  /** Requeued requests, ahead of all others. */
  readonly #returned = new Map<Job<Request>, Timer>();
  readonly #waiting = new Map<Job<Request>, Timer>();

  /**
   * @param onExpired Called for each request whose time to live ended in the queue; never within `push` or `giveBack`.
   */
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

  /** Requeues a request, ahead of those that have not run yet. */
  giveBack(job: Job<Request>): void {
    this.#add(this.#returned, job);
  }

  /** Removes and returns the next request. */
  take(): Job<Request> | undefined {
    const queue = this.#returned.size > 0 ? this.#returned : this.#waiting;
    const [next] = queue;
    if (next === undefined) return undefined;
    const [job, timer] = next;
    timer.cancel();
    queue.delete(job);
    return job;
  }

  /** Returns the arrival of the oldest waiting request. */
  oldest(): number | undefined {
    let oldest: number | undefined;
    for (const queue of [this.#returned, this.#waiting]) {
      for (const { request } of queue.keys()) oldest = Math.min(oldest ?? Infinity, request.receivedAt);
    }
    return oldest;
  }

  /** Removes and returns all requests, in order. */
  clear(): Job<Request>[] {
    const jobs: Job<Request>[] = [];
    for (let job = this.take(); job !== undefined; job = this.take()) jobs.push(job);
    return jobs;
  }

  #add(queue: Map<Job<Request>, Timer>, job: Job<Request>): void {
    const timer = this.#clock.setTimer(job.request.receivedAt + job.request.ttl, () => {
      queue.delete(job);
      this.#onExpired(job);
    });
    queue.set(job, timer);
  }
}
