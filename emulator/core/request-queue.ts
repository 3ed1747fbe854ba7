/** The queue of an asynchronous endpoint: first in, first out; each request expires after its time to live. */

import type { Clock } from "./clock.ts";
import { Heap } from "./heap.ts";
import type { HeapNode } from "./heap.ts";
import type { InvocationRequest } from "./worker.ts";

/** A request in the state machine. */
export interface Job<Request extends InvocationRequest> {
  readonly request: Request;
  /** Number of its repetitions so far, by reason. */
  readonly repeats: { serverError: number; timeout: number; interruption: number };
  /** Start of its first run, ms since the epoch. */
  firstStart: number | undefined;
}

/** A job in the queue; it waits while it is in the heap of expiries. */
interface Entry<Request extends InvocationRequest> extends HeapNode {
  readonly job: Job<Request>;
  /** Moment at which it expires, ms since the epoch. */
  readonly expiry: number;
  /** Order of addition. */
  readonly index: number;
}

/** Entries in the order of addition; those that no longer wait are skipped. */
class Line<Request extends InvocationRequest> {
  #entries: Entry<Request>[] = [];
  #head = 0;

  add(entry: Entry<Request>): void {
    this.#entries.push(entry);
  }

  /** Returns the first entry that waits. */
  first(): Entry<Request> | undefined {
    while ((this.#entries[this.#head]?.position ?? 0) < 0) this.#head += 1;
    // Dropped only when they are half of all, the entries before the head cost constant time each.
    if (2 * this.#head > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return this.#entries[this.#head];
  }

  /** Returns the entries that wait. */
  waiting(): Entry<Request>[] {
    return this.#entries.filter(({ position }) => position >= 0);
  }
}

/** A queue of requests that expire after their time to live. */
export class RequestQueue<Request extends InvocationRequest> {
  readonly #clock: Clock;
  readonly #onExpired: (job: Job<Request>) => void;
  /** Requeued requests, ahead of all others. */
  readonly #returned = new Line<Request>();
  readonly #waiting = new Line<Request>();
  readonly #expiries = new Heap<Entry<Request>>((left, right) => {
    return left.expiry < right.expiry || (left.expiry === right.expiry && left.index < right.index);
  });
  #added = 0;
  /** Moment of the earliest pending check, ms since the epoch: never after the first expiry. */
  #checkAt = Infinity;

  /**
   * @param onExpired Called for each request whose time to live ended in the queue; never within `push` or `giveBack`.
   */
  constructor(clock: Clock, onExpired: (job: Job<Request>) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#expiries.size;
  }

  /** Queues a request behind all others; they are pushed in the order of their arrival. */
  push(job: Job<Request>): void {
    this.#add(this.#waiting, job);
  }

  /** Requeues a request, ahead of those that have not run yet. */
  giveBack(job: Job<Request>): void {
    this.#add(this.#returned, job);
  }

  /** Removes and returns the next request. */
  take(): Job<Request> | undefined {
    const entry = this.#returned.first() ?? this.#waiting.first();
    if (entry === undefined) return undefined;
    this.#expiries.remove(entry);
    return entry.job;
  }

  /** Returns the arrival of the oldest waiting request. */
  oldest(): number | undefined {
    const first = this.#waiting.first();
    const candidates = [...this.#returned.waiting(), ...(first === undefined ? [] : [first])];
    const arrivals = candidates.map(({ job }) => job.request.receivedAt);
    return arrivals.length === 0 ? undefined : Math.min(...arrivals);
  }

  /** Removes and returns all requests, in order. */
  clear(): Job<Request>[] {
    const jobs: Job<Request>[] = [];
    for (let job = this.take(); job !== undefined; job = this.take()) jobs.push(job);
    return jobs;
  }

  #add(line: Line<Request>, job: Job<Request>): void {
    this.#added += 1;
    const expiry = job.request.receivedAt + job.request.ttl;
    const entry: Entry<Request> = { job, expiry, index: this.#added, position: -1 };
    this.#expiries.add(entry);
    line.add(entry);
    this.#check();
  }

  /** Sets a timer for the first expiry, unless one is pending that is not later: one timer serves the whole queue. */
  #check(): void {
    const at = this.#expiries.peek()?.expiry ?? Infinity;
    if (at >= this.#checkAt) return;
    this.#checkAt = at;
    this.#clock.setTimer(at, () => {
      // A timer that an earlier expiry has overtaken does nothing.
      if (this.#checkAt !== at) return;
      this.#checkAt = Infinity;
      for (
        let entry = this.#expiries.peek();
        entry !== undefined && entry.expiry <= at;
        entry = this.#expiries.peek()
      ) {
        this.#expiries.remove(entry);
        this.#onExpired(entry.job);
      }
      this.#check();
    });
  }
}
